import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEBUG_STAGES } from '../../src/pipeline/settings.ts';
import { runArguments } from '../run-case.ts';

const expected = (name: string): string => join(import.meta.dirname, 'expected', name);
const COUNT = 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }';

test('--help shows every option', async () => {
  const { stdout, exitCode } = await runArguments(['--help']);
  await expect(stdout).toMatchFileSnapshot(expected('help.txt'));
  expect(exitCode).toBe(0);
});

test('without arguments the help goes to stderr and the command fails', async () => {
  const { stdout, stderr, exitCode } = await runArguments([]);
  expect(stdout).toBe('');
  expect(stderr).toContain('USAGE:');
  expect(exitCode).toBe(1);
});

test('lesson 1: listing the system call tracepoints', async () => {
  const { stdout, stderr, exitCode } = await runArguments(['-l', 'tracepoint:syscalls:sys_enter_*']);
  await expect(stdout).toMatchFileSnapshot(expected('list-sys-enter.txt'));
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
});

test('-lv shows the fields of a tracepoint and the parameters of a function', async () => {
  const { stdout } = await runArguments([
    '-lv',
    'tracepoint:syscalls:sys_enter_openat,kprobe:vfs_read,fentry:vmlinux:vfs_read',
  ]);
  await expect(stdout).toMatchFileSnapshot(expected('list-parameters.txt'));
});

test.each<[string, string[], string[]]>([
  [
    'of a script lists what its attach points match, without how often they fire',
    ['-e', 'begin { } kprobe:vfs_readv, kretprobe:vfs_r*v { } interval:s:1 { } hardware:cache-misses:10 { }'],
    ['kprobe:vfs_readv', 'kretprobe:vfs_readv', 'interval:s:', 'hardware:cache-misses:'],
  ],
  ['knows units', ['profile:*'], ['profile:hz:', 'profile:ms:', 'profile:s:', 'profile:us:']],
  [
    'leaves modules out unless asked for',
    ['kprobe:vfs_readv,kprobe:*:vfs_readv'],
    ['kprobe:vfs_readv', 'kprobe:vmlinux:vfs_readv'],
  ],
  ['finds a function in any module', ['fexit:vfs_readv'], ['fexit:vmlinux:vfs_readv']],
  [
    'finds functions of a program',
    ['uprobe:/usr/bin/bash:read*'],
    ['uprobe:/usr/bin/bash:reader_loop', 'uprobe:/usr/bin/bash:readline'],
  ],
  ['looks for a word among all kinds of the kernel', ['vfs_readv'], ['fentry:vmlinux:vfs_readv', 'kprobe:vfs_readv']],
  ['takes short names of kinds', ['t:sched:sched_swi*'], ['tracepoint:sched:sched_switch']],
  ['knows the signals that a script may wait for', ['self:*'], ['self:signal:SIGUSR1']],
])('-l %s', async (_, args, names) => {
  const { stdout, exitCode } = await runArguments(['-l', ...args]);
  expect(stdout.split('\n')).toEqual([...names, '']);
  expect(exitCode).toBe(0);
});

test('-lv shows the body of a structure', async () => {
  const { stdout } = await runArguments(['-lv', 'struct path']);
  expect(stdout).toBe('vmlinux: struct path {\n\tstruct vfsmount *mnt;\n\tstruct dentry *dentry;\n};\n');
});

test.each(DEBUG_STAGES)('-d %s prints what the stage made and runs nothing', async (stage) => {
  const { stdout, stderr, exitCode } = await runArguments(['-d', stage, '-e', COUNT]);
  expect(stdout.length).toBeGreaterThan(10);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
});

test("a helper that a probe may not call is a mistake in bpftrace's words, found by the kernel", async () => {
  const { stderr, exitCode } = await runArguments(['-e', 'fentry:vfs_read { print(path(args.file.f_path)); }']);
  expect(stderr).toContain('ERROR: helper bpf_d_path not allowed in probe\n');
  expect(exitCode).toBe(255);
});

test('-q leaves out the line about attached probes', async () => {
  const { stderr } = await runArguments(['-q', '-e', 'begin { }']);
  expect(stderr).toBe('');
});

test('the same seed gives the same bytes, another seed other numbers', async () => {
  const run = (seed: string): Promise<unknown> => runArguments(['--duration', '500ms', '--seed', seed, '-e', COUNT]);
  const first = await run('7');
  expect(await run('7')).toEqual(first);
  expect(await run('8')).not.toEqual(first);
});

test('the idle scenario does next to nothing, and the server does a lot', async () => {
  const total = async (scenario: string): Promise<number> => {
    const { stdout } = await runArguments([
      '--scenario',
      scenario,
      '--duration',
      '1s',
      '-e',
      'tracepoint:raw_syscalls:sys_enter { @ = count(); }',
    ]);
    return Number(/@: (\d+)/.exec(stdout)?.[1] ?? 0);
  };
  expect((await total('server')) / Math.max(1, await total('idle'))).toBeGreaterThan(20);
});

test.each(['missing.h', 'tests'])('--include %s, which is no file, is the fault of the user', async (name) => {
  const { stderr, exitCode } = await runArguments(['--include', name, '-e', 'begin { exit() }']);
  expect(stderr).toContain(`fatal error: '${name}' file not found`);
  expect(exitCode).toBe(2);
});

test.each([100, 190, 5000])('%i nested parentheses run or are refused, without a crash', async (depth) => {
  const program = `begin { print(${'('.repeat(depth)}7${')'.repeat(depth)}); exit() }`;
  const { stdout, stderr, exitCode } = await runArguments(['-q', '-e', program]);
  if (depth < 120) expect(stdout).toContain('7\n');
  else expect(stderr).toContain('ERROR: syntax: too deeply nested');
  expect(exitCode).toBe(depth < 120 ? 0 : 1);
});
