import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runArguments, type TextResult } from '../run-case.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-bpf-'));
afterAll(() => rmSync(folder, { recursive: true }));
const examples = join(import.meta.dirname, '../../examples/bpf');

/** Runs `tsbpftrace bpf ...` with this standard input. */
const bpf = (args: readonly string[], ...stdin: readonly (Uint8Array | string)[]): Promise<TextResult> =>
  runArguments(['bpf', ...args], {}, folder, stdin);
const example = (name: string): string => join(examples, `${name}.s`);

const PACKET = 'ffffffffffff 000000000000 0800 45000014';

test('an example counts a packet, with bounds and null checks that the verifier accepts', async () => {
  const verified = await bpf(['verify', example('packet-counter')]);
  expect(verified.stdout).toMatch(/^packet-counter: accepted \(xdp\), \d+ instructions processed/);
  expect(verified.exitCode).toBe(0);
  for (const engine of ['js', 'wasm', 'interp']) {
    const counted = await bpf(['run', `--jit=${engine}`, '--mem', PACKET, '--show-mem', example('packet-counter')]);
    expect(counted.stdout).toBe('r0 = 0x1 (1)\nffffffffffff000000000000080045000014\n');
    const short = await bpf(['run', `--jit=${engine}`, '--mem', 'ffff', example('packet-counter')]);
    expect(short.stdout).toBe('r0 = 0x0 (0)\n');
  }
});

test('an example without a null check is rejected with the reason and a remedy', async () => {
  const { stdout, exitCode } = await bpf(['verify', example('missing-null-check')]);
  expect(stdout).toContain("R0 invalid mem access 'map_value_or_null'");
  expect(stdout).toContain('r0 comes from instruction 6: call bpf_map_lookup_elem#1');
  expect(stdout).toContain('compare the result with 0 before using it');
  expect(exitCode).toBe(1);
  const run = await bpf(['run', example('missing-null-check')]);
  expect(run.stderr).toContain('map_value_or_null');
  expect(run.exitCode).toBe(1);
});

test.each([
  ['0a00000000000000', 'r0 = 0x2d (45)\n'],
  ['6500000000000000', 'r0 = 0xfffffffffffffff9 (-7)\n'],
  ['', 'r0 = 0x0 (0)\n'],
])('an example adds up to a bound: context %j', async (memory, printed) => {
  for (const engine of ['js', 'wasm', 'interp'])
    expect((await bpf(['run', '--jit', engine, '--mem', memory, example('sum-loop')])).stdout).toBe(printed);
});

test('a task keeps what a program stores with it until the program deletes it', async () => {
  const text = `.type raw_tracepoint
.map starts task_storage 4 8 0 1
        call get_current_task_btf
        r6 = r0
        *(u64 *)(r10 -8) = 40
        r1 = map[starts]
        r2 = r6
        r3 = r10
        r3 += -8
        r4 = 1
        call task_storage_get
        if r0 == 0 goto none
        r1 = *(u64 *)(r0 +0)
        r1 += 2
        *(u64 *)(r0 +0) = r1
        r1 = map[starts]
        r2 = r6
        r3 = 0
        r4 = 0
        call task_storage_get
        if r0 == 0 goto none
        r7 = *(u64 *)(r0 +0)
        r1 = map[starts]
        r2 = r6
        call task_storage_delete
        r1 = map[starts]
        r2 = r6
        r3 = 0
        r4 = 0
        call task_storage_get
        if r0 != 0 goto none
        r0 = r7
        exit
none:
        r0 = 1
        exit
`;
  for (const engine of ['js', 'wasm', 'interp'])
    expect((await bpf(['run', `--jit=${engine}`, '-'], text)).stdout).toBe('r0 = 0x2a (42)\n');
  const noTask = await bpf(['verify', '-'], text.replace('r2 = r6', 'r2 = r10'));
  expect(noTask.stdout).toContain('R2 type=fp expected=ptr_, trusted_ptr_, rcu_ptr_');
  const noStorage = await bpf(['verify', '-'], text.replace('task_storage 4 8 0 1', 'hash 4 8 4'));
  expect(noStorage.stdout).toContain('cannot pass map_type 1 into func bpf_task_storage_get#156');
});

test('asm writes hex or bytes, and dis and verify read both', async () => {
  const text = 'r0 = 7\nif r0 == 0 goto out\nr0 += 1\nout:\nexit\n';
  const hex = await bpf(['asm', '-'], text);
  expect(hex.stdout).toBe('b700000007000000\n1500010000000000\n0700000001000000\n9500000000000000\n');
  await bpf(['asm', '-o', 'out.bin', '-'], text);
  const bytes = readFileSync(join(folder, 'out.bin'));
  expect(bytes.toString('hex')).toBe(hex.stdout.replaceAll('\n', ''));
  const listing = '0: (b7) r0 = 7\n1: (15) if r0 == 0x0 goto pc+1\n2: (07) r0 += 1\n3: (95) exit\n';
  expect((await bpf(['dis', '-'], hex.stdout)).stdout).toBe(listing);
  expect((await bpf(['dis', 'out.bin'])).stdout).toBe(listing);
  expect((await bpf(['run', 'out.bin'])).stdout).toBe('r0 = 0x8 (8)\n');
  expect((await bpf(['run', '-'], listing)).stdout).toBe('r0 = 0x8 (8)\n');
});

test('maps of assembled bytes are those of --map, by their numbers', async () => {
  await bpf(['asm', '-o', 'counter.bin', example('packet-counter')]);
  const options = ['--type', 'xdp', '--mem', PACKET, '--map', 'c:array:4:8:256'];
  expect((await bpf(['run', ...options, 'counter.bin'])).stdout).toBe('r0 = 0x1 (1)\n');
  const without = await bpf(['verify', '--type', 'xdp', 'counter.bin']);
  expect(without.stdout).toContain('is not pointing to valid bpf_map');
  expect(without.exitCode).toBe(1);
});

test('verify -v prints the log of the walk', async () => {
  const { stdout } = await bpf(['verify', '-v', '-'], 'r0 = 7\nexit\n');
  expect(stdout).toContain('0: R1=ctx() R10=fp0');
  expect(stdout).toContain('processed 2 insns');
});

test('callbacks named by a label get the function record that Linux wants', async () => {
  const text = 'r1 = 3\nr2 = func[step]\nr3 = 0\nr4 = 0\ncall loop\nexit\nstep:\nr0 = 0\nexit\n';
  for (const engine of ['js', 'wasm', 'interp'])
    expect((await bpf(['run', `--jit=${engine}`, '-'], text)).stdout).toBe('r0 = 0x3 (3)\n');
});

test.each([
  [
    'a bad instruction',
    ['asm', '-'],
    'r0 = 7\nr0 =* 3\n',
    "stdin:2:1-8: ERROR: cannot read the instruction 'r0 =* 3'\nr0 =* 3\n~~~~~~~",
  ],
  ['a bad directive', ['asm', '-'], '.map c:arry:4:8:1\nexit\n', "stdin:1: ERROR: no map type 'arry'"],
  ['an unknown map', ['verify', '-'], 'r1 = map[c]\nexit\n', "names map 'c': declare it"],
  ['bad hex', ['dis', '-'], 'b700000007000000\n95zz\n', 'stdin:2: ERROR: expected bytes as hex'],
  ['half an instruction', ['dis', '-'], 'b7000000', 'stdin: ERROR: 4 bytes are no program'],
  ['bad memory', ['run', '--mem', 'xyz', '-'], 'exit\n', 'expected bytes as hex'],
  ['a missing file', ['verify', 'none.s'], '', "failed to open file 'none.s': No such file or directory"],
  ['no file', ['verify'], '', "missing required argument 'file'"],
  ['an unknown type', ['verify', '--type', 'lsm', '-'], '', 'It must be one of socket_filter'],
  ['an unknown subcommand', ['link', 'x'], '', "unknown command 'link'"],
])('%s is answered with its place and exit code 1', async (_, args, stdin, message) => {
  const { stdout, stderr, exitCode } = await bpf(args, stdin);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(exitCode).toBe(1);
});

test('--help of the command and of a subcommand name what there is', async () => {
  expect((await bpf(['--help'])).stdout).toMatch(/asm[^]*dis[^]*verify[^]*run[^]*\.map counts/);
  expect((await bpf(['run', '--help'])).stdout).toMatch(/--mem <hex>[^]*--mem-file[^]*--jit[^]*--jsonl/);
  expect((await bpf([])).exitCode).toBe(1);
});

test('a script in a file named bpf still runs by its path', async () => {
  writeFileSync(join(folder, 'bpf'), 'begin { printf("hi\\n"); exit(); }');
  expect((await runArguments(['./bpf'], {}, folder)).stdout).toContain('hi\n');
});

const ADD_ARGUMENTS = {
  name: 'add',
  type: 'raw_tracepoint',
  insns: ['7910000000000000', '7912080000000000', '0f20000000000000', '9500000000000000'],
  data: 'ffffffff000000000200000000000000',
};
const LOST_NULL_CHECK = {
  name: 'null',
  maps: [['m', 'hash', 8, 8, 4]],
  insns: [
    '7b1af8ff00000000',
    '1801000000000000',
    '0000000000000000',
    'bfa2000000000000',
    '07020000f8ffffff',
    '8500000001000000',
    '7900000000000000',
    '9500000000000000',
  ],
  relocs: [[1, 'm']],
};

test.each(['js', 'wasm', 'interp'])(
  'run --jsonl answers every line in order, whatever the others hold (%s)',
  async (engine) => {
    const input = [ADD_ARGUMENTS, LOST_NULL_CHECK].map((job) => `${JSON.stringify(job)}\n`).join('');
    const bad = '{"name":"broken","insns":["b7"]}\n{"name":"torn"\n\n';
    // The stream is cut in the middle of lines.
    const [head, tail] = [(input + bad).slice(0, 70), (input + bad).slice(70)];
    const { stdout, exitCode } = await bpf(
      ['run', '--jsonl', `--jit=${engine}`],
      head,
      tail,
      JSON.stringify(ADD_ARGUMENTS),
    );
    const lines = stdout.trimEnd().split('\n');
    const added = '{"name":"add","verdict":"accept","message":"","insns_processed":4,"retval":1}';
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe(added);
    expect(JSON.parse(lines[1]!)).toEqual({
      name: 'null',
      verdict: 'reject',
      message: "R0 invalid mem access 'map_value_or_null'",
      insns_processed: 6,
      retval: null,
    });
    expect(lines[2]).toBe('{"name":"broken","verdict":"error","error":"line 3: \\"insns\\" must be 8 bytes each"}');
    expect(lines[3]).toMatch(/^\{"name":"torn","verdict":"error","error":"line 4: /);
    expect(lines[4]).toBe(added);
    expect(exitCode).toBe(1);
  },
);

test('verify --jsonl judges without running, and rejections are no failure of the command', async () => {
  const { stdout, exitCode } = await bpf(['verify', '--jsonl'], `${JSON.stringify(LOST_NULL_CHECK)}\n`);
  expect(JSON.parse(stdout)).toMatchObject({ name: 'null', verdict: 'reject', retval: null });
  expect(exitCode).toBe(0);
});

test('an accepted program whose helper is missing here keeps its verdict and says why it did not run', async () => {
  const insns = ['b701000000000000', 'b702000000000000', '8500000017000000', '9500000000000000'];
  const job = { name: 'redirects', type: 'xdp', insns };
  const { stdout } = await bpf(['run', '--jsonl'], JSON.stringify(job));
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'accept',
    retval: null,
    error: expect.stringContaining('bpf_redirect') as unknown,
  });
});

test.each([
  ['hash 4 4 0', 'Invalid argument (it has room for 0 entries)'],
  ['array 8 8 1', 'Invalid argument (the key size must be 4)'],
  ['hash 8 4294967295 1', 'Argument list too long (a key and a value together have less than 4194256 bytes)'],
])('a program whose map the kernel would not create is not judged: %s', async (sizes, reason) => {
  const text = `.map m ${sizes}\n.program p\nr0 = 0\nexit\n`;
  const message = `Failed to create map 'm': ${reason}`;
  for (const subcommand of ['verify', 'run']) {
    const { stderr, exitCode } = await bpf([subcommand, '-'], text);
    expect(stderr).toBe(`stdin: ERROR: p: ${message}\n`);
    expect(exitCode).toBe(1);
  }
  const [type, ...numbers] = sizes.split(' ');
  const line = {
    name: 'p',
    insns: ['b700000000000000', '9500000000000000'],
    maps: [['m', type, ...numbers.map(Number)]],
  };
  const { stdout } = await bpf(['verify', '--jsonl'], JSON.stringify(line));
  expect(JSON.parse(stdout)).toEqual({ name: 'p', verdict: 'error', error: `line 1: ${message}` });
});

test('a map that no memory could hold ends a run with an error', async () => {
  const text = '.map m array 4 4096 1048576\n.program p\nr0 = 0\nexit\n';
  const { stderr, exitCode } = await bpf(['run', '-'], text);
  expect(stderr).toBe("ERROR: p cannot run: Failed to create map 'm': Cannot allocate memory\n");
  expect(exitCode).toBe(1);
});
