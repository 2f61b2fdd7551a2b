import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

// What only the bundle has: decisions and layouts worked out by the build, the code cache, writing straight to the outputs.
const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-'));
const root = join(import.meta.dirname, '../..');

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), folder], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['prints', ['-e', 'begin { printf("hello\\n"); }']],
  [
    'traces',
    ['--duration', '50ms', '-e', 'kprobe:vfs_read /tid > 1/ { @[comm, ((struct file *)arg0)->f_flags] = hist(arg2); }'],
  ],
  ['lists', ['-l', 'tracepoint:sched:*']],
  ['refuses a script', ['-e', 'begin { @x = 1 +; } kprobe { $x }']],
  ['refuses an option', ['--no-such-option']],
])('the bundled command %s as the sources do', async (_, args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'tsbpftrace.cjs'), ...args], {
    encoding: 'utf8',
  });
  expect({ stdout, stderr, exitCode: status }).toEqual(await runArguments(args));
});

test('a small script needs none of the facts beside the bundle: a start does not decode them', () => {
  rmSync(join(folder, 'kernel-btf.json'));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(folder, 'tsbpftrace.cjs'), '-e', 'begin { printf("hello\\n"); }'],
    { encoding: 'utf8' },
  );
  expect({ stdout, stderr, status }).toEqual({ stdout: 'hello\n\n\n', stderr: 'Attached 1 probe\n', status: 0 });
});
