import { expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

const SCRIPT = 'kprobe:vfs_read { @[comm] = count(); } interval:ms:50 { exit(); }';
const HOME = { TSBPFTRACE_HISTORY: '' };
const lines = (...text: readonly string[]): readonly string[] => [`${text.join('\n')}\n`];

test('a pipe of scripts prints what the command prints of each', async () => {
  const piped = await runArguments(['repl', '--jit', 'interp'], HOME, '.', lines(SCRIPT, 'begin { printf("hi\\n"); }'));
  const alone = await runArguments(['--jit=interp', '-e', SCRIPT]);
  expect(piped.stdout).toBe(`${alone.stdout}hi\n\n\n`);
  expect(piped.exitCode).toBe(0);
});

test('a script may have several lines, which may come in any pieces', async () => {
  const { stdout, stderr } = await runArguments(['repl'], HOME, '.', ['begin {\n  printf("one\\n")', ';\n}', '\n']);
  expect(stdout).toBe('one\n\n\n');
  expect(stderr).toBe('Attached 1 probe\nbegin ended after 0.000 s\n');
});

test('mistakes are shown as the command shows them, and make the exit code', async () => {
  const piped = await runArguments(['repl'], HOME, '.', lines('begin { @ = cuont(); }', 'begin { printf("on\\n"); }'));
  const alone = await runArguments(['-e', 'begin { @ = cuont(); }']);
  expect(piped.stderr.startsWith(alone.stderr)).toBe(true);
  expect(piped.stdout).toBe('on\n\n\n');
  expect(piped.exitCode).toBe(1);
});

test('what is unfinished at the end is told what is missing', async () => {
  const { stderr, exitCode } = await runArguments(['repl'], HOME, '.', lines('kprobe:vfs_read {'));
  expect(stderr).toContain('ERROR: syntax');
  expect(exitCode).toBe(1);
});

test('commands work, and what panes show is printed', async () => {
  const { stdout, stderr } = await runArguments(
    ['repl'],
    HOME,
    '.',
    lines(':seed 9', 'begin { exit(); }', ':bytecode', ':nonsense', ':help', ':quit', 'begin { printf("never"); }'),
  );
  expect(stdout).toContain('program begin_1');
  expect(stdout).toMatch(/^ :scenario NAME +what the machine does/m);
  expect(stdout).not.toContain('never');
  expect(stderr).toContain('machine: server, seed 9, 4 CPUs');
  expect(stderr).toContain('no command :nonsense');
});

test.each([
  [['repl', '--help'], 0, 'stdout', /--scenario <name>[^]*--speed <factor>/],
  [['repl', '--seed', 'x'], 1, 'stderr', /ERROR: USAGE: option '--seed <n>' argument 'x' is invalid/],
  [['repl', '--scenario', 'nowhere'], 1, 'stderr', /no scenario nowhere/],
  [['repl', '--scenario', './nowhere.yaml'], 1, 'stderr', /failed to open scenario '\.\/nowhere\.yaml': No such file/],
] as const)('%j ends with %i', async (args, exitCode, stream, text) => {
  const result = await runArguments(args, HOME);
  expect(result.exitCode).toBe(exitCode);
  expect(result[stream]).toMatch(text);
});
