import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The bundled command in a real terminal. tests/repl/on-screen.test.ts goes the same way in memory, wherever there is no tmux.
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
if (!hasTmux) console.warn('tmux is not installed: the REPL is not tried in a real terminal');

const root = join(import.meta.dirname, '../..');
const socket = `tsbpftrace-test-${process.pid}`;
let folder = '';

function tmux(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
  return stdout;
}
const type = (text: string): string => tmux('send-keys', '-l', text);
const press = (...keys: readonly string[]): string => tmux('send-keys', ...keys);

async function shows(expected: RegExp): Promise<string> {
  let screen = '';
  for (let tries = 0; tries < 400; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    screen = tmux('capture-pane', '-p');
    if (expected.test(screen)) return screen;
  }
  throw new Error(`the terminal never showed ${String(expected)}:\n${screen}`);
}

describe.skipIf(!hasTmux)('in a real terminal', () => {
  beforeAll(() => {
    // Inside of the project, so that the bundle finds its packages.
    folder = mkdtempSync(join(root, 'node_modules', '.tsbpftrace-'));
    const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), folder]);
    expect(status).toBe(0);
    const env = `env -u CI -u NO_COLOR TERM=xterm-256color TSBPFTRACE_HISTORY=${join(folder, 'history')}`;
    const command = `${env} ${process.execPath} ${join(folder, 'tsbpftrace.cjs')}; echo "left with $?"; cat`;
    tmux('new-session', '-d', '-x', '80', '-y', '24', command);
  }, 180_000);
  afterAll(() => {
    if (folder === '') return;
    spawnSync('tmux', ['-L', socket, 'kill-server']);
    rmSync(folder, { recursive: true });
  });

  test('a script is typed, a probe completed, a histogram grows, a mistake is marked, and the shell comes back', async () => {
    await shows(/4 CPUs[^]*bpftrace without a kernel/);
    type('kprobe:vfs_rea');
    await shows(/vfs_readlink/);
    press('Tab');
    type(' { @bytes = hist(arg2); }');
    await shows(/> kprobe:vfs_read { @bytes = hist\(arg2\); }/);
    press('Enter');
    const count = (screen: string): number => Number(/n = ([\d,]+)/.exec(screen)?.[1]!.replaceAll(',', ''));
    const before = count(await shows(/@bytes {2}n = [\d,]+\n[^]*█/));
    for (let after = before; after <= before;) after = count(await shows(/n = /));
    press('C-c');
    await shows(/vfs_read ended after/);

    type('kprobe:vfs_read { printf("%d", $x); }');
    press('Enter');
    await shows(/~~\n {2}Undefined or undeclared variable: \$x/);
    expect(tmux('capture-pane', '-p', '-e')).toContain('\u001b[31m');

    tmux('resize-window', '-x', '130', '-y', '30');
    await shows(/─{130}/);
    press('C-c');
    press('C-d');
    await shows(/left with 0/);
  }, 120_000);
});
