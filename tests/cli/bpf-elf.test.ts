import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));
const root = join(import.meta.dirname, '../..');
const packets = join(root, 'tests/object/compiled/packets.o');
const bpf = (args: readonly string[], ...stdin: readonly (Uint8Array | string)[]) =>
  runArguments(['bpf', ...args], {}, folder, stdin);

test('an assembled object is verified, run and disassembled like its text', async () => {
  const source = join(root, 'examples/bpf/packet-counter.s');
  expect(await bpf(['asm', '-o', 'counter.o', source])).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  expect(readFileSync(join(folder, 'counter.o')).toString('latin1', 0, 4)).toBe('\x7fELF');
  const [ofObject, ofText] = [await bpf(['verify', 'counter.o']), await bpf(['verify', source])];
  expect(ofObject.stdout).toBe(ofText.stdout.replace('packet-counter', 'packet_counter'));
  const packet = 'ffffffffffff 000000000000 0800 45000014';
  expect((await bpf(['run', '--mem', packet, 'counter.o'])).stdout).toBe('r0 = 0x1 (1)\n');
  const listing = await bpf(['dis', 'counter.o']);
  expect(listing.stdout).toContain('.map counts array 4 8 256\n\n.program packet_counter\n.attach xdp\n');
  await bpf(['asm', '-o', 'again.o', '-'], listing.stdout);
  const instructions = (text: string) => text.split('\n').filter((line) => !line.startsWith(';'));
  expect(instructions((await bpf(['dis', 'again.o'])).stdout)).toEqual(instructions(listing.stdout));
});

test.each(['js', 'interp'])("clang's programs run with their data, functions and callbacks (%s)", async (engine) => {
  const run = (program: string) => bpf(['run', `--jit=${engine}`, '--program', program, packets]);
  // twice(7) is 14, of which thrice() makes 42; the loop adds 0+1+2+3 to a total of 3.
  expect((await run('count')).stdout).toBe('r0 = 0x33 (51)\n');
  expect((await run('second')).stdout).toBe('r0 = 0xb (11)\n');
});

test('verify judges every program of an object, or the one that is named', async () => {
  const all = await bpf(['verify', packets]);
  expect(all.stdout.match(/^\w+: accepted \(\w+\)/gm)).toEqual([
    'count: accepted (xdp)',
    'second: accepted (xdp)',
    'on_read: accepted (kprobe)',
  ]);
  const one = await bpf(['verify', '--program', 'second', packets]);
  expect(one.stdout).toMatch(/^second: accepted .*\n$/);
});

test('a program of an unknown type does not keep the others from being judged', async () => {
  const text = '.program a\n.attach lsm/file_open\nr0 = 0\nexit\n.program b\n.attach xdp\nr0 = 0\nexit\n';
  const { stdout, stderr, exitCode } = await bpf(['verify', '-'], text);
  expect(stdout).toMatch(/^b: accepted \(xdp\)/);
  expect(stderr).toBe("stdin: ERROR: a: no program type is known for 'lsm/file_open': say one by --type\n");
  expect(exitCode).toBe(1);
  expect((await bpf(['run', '--program', 'a', '-'], text)).stderr).toBe(stderr);
});

test('a rejection names the line of the source', async () => {
  const text = '.type kprobe\nr0 = r5   ; never written\nexit\n';
  await bpf(['asm', '--format', 'elf', '-o', 'bad.o', '-'], text);
  const { stdout, exitCode } = await bpf(['verify', 'bad.o']);
  expect(stdout).toContain('rejected (kprobe) at instruction 0 (stdin:2), ');
  expect(exitCode).toBe(1);
});

test('the form of what asm writes follows --format, then the name of the file', async () => {
  const text = 'r0 = 1\nexit\n';
  await bpf(['asm', '--format', 'hex', '-o', 'one.o', '-'], text);
  expect(readFileSync(join(folder, 'one.o'), 'latin1')).toBe('b700000001000000\n9500000000000000\n');
  await bpf(['asm', '--format', 'raw', '-o', 'one.o', '-'], text);
  expect(readFileSync(join(folder, 'one.o'))).toHaveLength(16);
  await bpf(['asm', '-o', 'one.bin', '-'], text);
  expect(readFileSync(join(folder, 'one.bin'))).toHaveLength(16);
});

const TWO = '.program a\nr0 = 1\nexit\n.program b\nr0 = 2\nexit\n';
test.each<[string, readonly string[], string | Uint8Array, string]>([
  ['several programs to run', ['run', '-'], TWO, 'stdin: ERROR: several programs: choose one by --program, of a, b\n'],
  [
    'no program of a name',
    ['run', '--program', 'c', '-'],
    TWO,
    "stdin: ERROR: there is no program 'c'; there are a, b\n",
  ],
  ['several programs as bytes', ['asm', '-'], TWO, 'stdin: ERROR: 2 programs do not fit in bytes: write an object'],
  [
    'an undeclared map in an object',
    ['asm', '--format', 'elf', '-'],
    'r1 = map[c]\nexit\n',
    "names map 'c': declare it",
  ],
  ['a torn object', ['verify', '-'], Buffer.from('\x7fELF\x02\x01'), 'stdin: ERROR: the ELF header needs 64 bytes'],
  [
    'an unknown type',
    ['verify', '-'],
    '.attach lsm/x\nexit\n',
    "stdin: ERROR: stdin: no program type is known for 'lsm/x'",
  ],
  [
    'a folder that is not there',
    ['asm', '-o', 'no/x.o', '-'],
    'exit\n',
    'Failed to open output file: "no/x.o": No such',
  ],
])('%s is answered with place and reason', async (_, args, stdin, message) => {
  const { stdout, stderr, exitCode } = await bpf(args, stdin);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(exitCode).toBe(1);
});

test('--emit-elf writes what bpf verify accepts, and runs nothing', async () => {
  const script = 'begin { printf("hi\\n"); } kprobe:vfs_read { @[comm] = count(); }';
  const emitted = await runArguments(['--emit-elf', 'reads.bpf.o', '-e', script], {}, folder);
  expect(emitted).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  const { stdout } = await bpf(['verify', 'reads.bpf.o']);
  expect(stdout).toMatch(/^begin_1: accepted \(raw_tracepoint\), .*\nkprobe_vfs_read_1: accepted \(kprobe\), .*\n$/);
  writeFileSync(join(folder, 'bad.bt'), 'begin { printf("%d"); }');
  expect((await runArguments(['--emit-elf', 'bad.o', 'bad.bt'], {}, folder)).exitCode).toBe(1);
});
