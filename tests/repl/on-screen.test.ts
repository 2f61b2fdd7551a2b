import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli/run-cli.ts';
import { runArguments } from '../run-case.ts';
import { FakeTerminal } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-repl-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NOTHING = (): void => undefined;

/** The command as on a terminal; it goes on until somebody leaves. */
function start(args: readonly string[], columns = 80, rows = 24) {
  const terminal = new FakeTerminal(columns, rows);
  const exitCode = runCli(args, {
    stdout: NOTHING,
    stderr: NOTHING,
    env: { TSBPFTRACE_HISTORY: join(folder, 'history') },
    clock: () => performance.now() / 1000,
    directory: folder,
    isTerminal: true,
    isInteractive: () => true,
    openTerminal: () => terminal,
    onInterrupt: NOTHING,
    onUserSignal: NOTHING,
    stdin: () => '',
    stdinChunks: async function* () {},
  });
  return { terminal, exitCode };
}

test('somebody writes a script, completes a probe, sees a histogram grow, makes a mistake and leaves', async () => {
  const { terminal, exitCode } = start([]);
  await terminal.shows(/bpftrace without a kernel[^]*4 CPUs|4 CPUs[^]*bpftrace without a kernel/);

  terminal.type('kprobe:vfs_rea');
  await terminal.shows(/vfs_readlink/);
  terminal.type('\t');
  await terminal.shows(/> kprobe:vfs_read\n/);
  terminal.type(' { @bytes = hist(');
  await terminal.shows(/hist\(n, \[bits\]\)/);
  terminal.type('arg2); }\r');

  const count = (screen: string): number => Number(/n = ([\d,]+)/.exec(screen)?.[1]!.replaceAll(',', ''));
  const before = count(await terminal.shows(/@bytes {2}n = [\d,]+\n {2}\[[^]*█/));
  for (let after = before; after <= before;) after = count(await terminal.shows(/n = /));

  terminal.type(' ');
  await terminal.shows(/paused/);
  terminal.type('\u0003');
  await terminal.shows(/\|@+ *\|[^]*vfs_read ended after/);

  terminal.type('kprobe:vfs_read { @ = cuont(); }\r');
  await terminal.shows(/~~~~~\(?\)?\n.*[Uu]nknown function/);
  terminal.type('\u0003\u0004');
  expect(await exitCode).toBe(0);
  expect(terminal.isClosed).toBe(true);
});

test('what was run is remembered for the next time, and found again', async () => {
  const { terminal, exitCode } = start(['repl', '--scenario', 'idle']);
  await terminal.shows(/idle, seed 1, 4 CPUs/);
  terminal.type('\u0012bytes');
  await terminal.shows(/search: bytes\n\. kprobe:vfs_read { @bytes = hist/);
  terminal.type('\r');
  await terminal.shows(/> kprobe:vfs_read { @bytes = hist\(arg2\); }/);
  terminal.type('\u0003:quit\r');
  expect(await exitCode).toBe(0);
  expect(readFileSync(join(folder, 'history'), 'utf8').split('\n')).toEqual([
    '"kprobe:vfs_read { @bytes = hist(arg2); }"',
    '":quit"',
    '',
  ]);
});

test('another size of the terminal is another picture', async () => {
  const { terminal, exitCode } = start(['repl']);
  await terminal.shows(/tsbpftrace {2}server/);
  terminal.resize(60, 12);
  const screen = await terminal.shows(/─{60}(?!─)/);
  expect(screen.split('\n')).toHaveLength(12);
  terminal.type('\u0004');
  await exitCode;
});

test('a golden case that is recorded here passes there', async () => {
  const { terminal, exitCode } = start(['repl', '--speed', 'max', '--seed', '3']);
  await terminal.shows(/4 CPUs/);
  terminal.type(':duration 50ms\rkprobe:vfs_read { @[comm] = count(); }\r');
  await terminal.shows(/ended after/);
  terminal.type(':golden reads\r');
  await terminal.shows(/recorded reads\.bt/);
  terminal.type(':load nowhere.bt\r');
  await terminal.shows(/nowhere\.bt: No such file or directory/);
  terminal.type('\u0004');
  await exitCode;
  expect(readFileSync(join(folder, 'reads.bt'), 'utf8')).toMatch(
    /^\/\/ tsbpftrace: --scenario server --seed 3 --duration 50000000ns\n/,
  );
  expect(readFileSync(join(folder, 'reads.out'), 'utf8')).toMatch(/@\[[\w-]+\]: \d+/);
  expect(await runArguments(['golden', 'reads.bt'], {}, folder)).toMatchObject({ exitCode: 0 });
});
