import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { helpText } from '../../src/cli/help.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { ARCH_NAMES, KERNEL_PROFILE_NAMES, SCENARIO_NAMES } from '../../src/pipeline/settings.ts';
import { VERSION } from '../../src/pipeline/version.ts';
import { runArguments } from '../run-case.ts';

/** What a command line prints, exactly; an expression where the text is long. */
interface Case {
  readonly args: readonly string[];
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
  readonly exitCode?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** File that it writes, and its text. */
  readonly writes?: readonly [name: string, text: string];
}

const HELLO = 'begin { printf("hello\\n"); }';
const ATTACHED = 'Attached 1 probe\n';
const SAID_HELLO = { stdout: 'hello\n\n\n', stderr: ATTACHED };
const BAD_READ = 'begin { print(((struct task_struct *)1)->pid); }';
const TESTS = 'test:good { printf("unseen"); } test:bad { printf("seen\\n"); return 1; }';
const BENCHES = 'bench:count { @ = count(); } bench:skipped { return 1; }';
const CHILD_EXITS =
  'tracepoint:sched:sched_process_exit /pid == cpid/ { printf("%s after %d ms\\n", comm, elapsed / 1000000); }';
const COUNT_READS = 'tracepoint:syscalls:sys_enter_read { @[pid] = count(); }';
const usage = (message: string): Case => ({ args: [], stderr: `ERROR: USAGE: ${message}\n`, exitCode: 1 });
const mistake = (message: string, ...args: string[]): Case => ({ ...usage(message), args });

/** One case for each option: a new row does not compile until it has one. */
const OPTION_CASES: Record<keyof typeof OPTIONS, Case> = {
  program: { args: ['-e', HELLO], ...SAID_HELLO },
  list: { args: ['-l', 'kprobe:vfs_readv'], stdout: 'kprobe:vfs_readv\n' },
  verbose: {
    args: ['-v', '-e', 'begin { } kprobe:vfs_read { exit() } end { }'],
    stdout: '\n\n',
    stderr:
      "Attaching 'begin' probe\nTrying to attach probe: kprobe:vfs_read\nAttached 3 probes\nAttaching 'end' probe\n",
  },
  help: { args: ['--help'], stdout: helpText() },
  version: { args: ['-V'], stdout: `tsbpftrace v${VERSION}\n` },
  info: {
    args: ['--info'],
    stdout: /^System\n {2}OS: Linux.*\n {2}Arch: x86_64\n\nBuild\n {2}version: v[\s\S]* {2}loop: yes {2}/,
  },
  pid: {
    args: ['-p', '18644', '--duration', '100ms', '-q', '-e', COUNT_READS],
    stdout: /^\n\n@\[18644\]: \d+\n$/,
  },
  command: {
    args: ['-c', 'sleep 0.1', '-q', '--scenario', 'idle', '-e', CHILD_EXITS],
    stdout: 'sleep after 100 ms\n\n\n',
  },
  dwarfPid: mistake('--dwarf-pid: the machine has no DWARF unwinder', '--dwarf-pid', '1', '-e', HELLO),
  usdtFileActivation: { args: ['--usdt-file-activation', '-e', HELLO], ...SAID_HELLO },
  output: { args: ['-o', 'written', '-e', HELLO], stderr: ATTACHED, writes: ['written', 'hello\n\n\n'] },
  format: {
    args: ['-f', 'json', '-e', HELLO],
    stdout: '{"type": "attached_probes", "count": 1, "data": {"probes": 1}}\n{"type": "printf", "data": "hello\\n"}\n',
  },
  buffering: { args: ['-B', 'full', '-e', HELLO], ...SAID_HELLO },
  quiet: { args: ['-q', '-e', HELLO], stdout: 'hello\n\n\n' },
  warnings: {
    args: ['-k', '-e', BAD_READ],
    stdout: '0\n\n\n',
    stderr: /WARNING: Bad address\nAdditional Info - helper: probe_read_kernel, retcode: -14/,
  },
  noWarnings: { args: ['--no-warnings', '-e', BAD_READ], stdout: '0\n\n\n', stderr: ATTACHED },
  includeDirs: {
    args: ['-I', 'headers', '-e', '#include "seven.h"\nbegin { print(SEVEN); }'],
    stdout: '7\n\n\n',
    stderr: ATTACHED,
  },
  includes: {
    args: ['--include', 'headers/seven.h', '-e', 'begin { print(SEVEN); }'],
    stdout: '7\n\n\n',
    stderr: ATTACHED,
  },
  debugInfo: { args: ['--debuginfo', '/usr/lib/debug', '-e', HELLO], ...SAID_HELLO },
  traceableFunctions: {
    args: ['--traceable-functions', 'functions', '-l', 'kprobe:vfs_*'],
    stdout: 'kprobe:vfs_read\n',
  },
  btf: { args: ['-b', '--btf', '-e', HELLO], ...SAID_HELLO },
  unsafe: { args: ['--unsafe', '-e', 'begin { system("echo hi"); }'], stdout: 'hi\n\n\n\n', stderr: ATTACHED },
  withoutFeatures: {
    args: ['--no-feature', 'kprobe_multi,uprobe_multi', '--info'],
    stdout: /kprobe_multi: no +uprobe_multi: no/,
  },
  kernel: mistake(`--kernel must be one of ${KERNEL_PROFILE_NAMES.join(', ')}.`, '--kernel', '2.4', '-e', HELLO),
  arch: mistake(`--arch must be one of ${ARCH_NAMES.join(', ')}.`, '--arch', 'riscv64', '-e', HELLO),
  scenario: mistake(
    `--scenario must be one of ${SCENARIO_NAMES.join(', ')}, or a YAML file.`,
    '--scenario',
    'mars',
    '-e',
    HELLO,
  ),
  seed: mistake('--seed must be a whole number from 0 to 4294967295.', '--seed', 'x', '-e', HELLO),
  duration: {
    args: ['--duration', '300ms', '-q', '-e', 'interval:ms:100 { @ = count(); }'],
    stdout: /^\n\n@: [23]\n$/,
  },
  cpus: { args: ['--cpus', '2', '-e', 'begin { print(ncpus); }'], stdout: '2\n\n\n', stderr: ATTACHED },
  mode: { args: ['--mode', 'codegen', '-e', HELLO] },
  test: {
    args: ['--test', '-e', TESTS],
    stdout: [
      '\u001b[32m[==========]\u001b[0m Running 2 tests.',
      '\u001b[32m[ RUN      ]\u001b[0m good',
      '\u001b[32m[       OK ]\u001b[0m good (1 ns)',
      '\u001b[32m[ RUN      ]\u001b[0m bad',
      'seen',
      '\u001b[31m[  FAILED  ]\u001b[0m bad (1 ns)',
      '\u001b[32m[==========]\u001b[0m 2 tests ran.',
      '\u001b[32m[  PASSED  ]\u001b[0m 1 test.',
      '\u001b[31m[  FAILED  ]\u001b[0m 1 test, listed below:',
      '\u001b[31m[  FAILED  ]\u001b[0m bad',
      '\n\n',
    ].join('\n'),
    exitCode: 1,
  },
  bench: {
    args: ['--bench', '-e', BENCHES],
    stdout: /^Benchmark {32}Time\(ns\) {7}Iterations\n-{66}\ncount {36}\d+ +\d+000\n\n\n$/,
  },
  probeFilter: {
    args: ['--bench', '--probe-filter', '^bench:sk', '-e', BENCHES],
    stdout: '\n\n',
  },
  fmt: { args: ['--fmt', '-e', 'begin{print(1)}'], stdout: 'begin\n{\n  print(1);\n}\n' },
  jit: { args: ['--jit=interp', '-e', HELLO], ...SAID_HELLO },
  dryRun: { args: ['--dry-run', '-e', 'kprobe:vfs_read { }'] },
  explain: {
    args: ['--explain', '-e', 'begin { $i = nsecs; while ($i > 3) { $i = $i / 2; $i = $i * 2 } }'],
    stderr: /verifier refuses[^]*HINT: r\d+ comes from instruction[^]*HINT: r\d+ comes from instruction[^]*HINT: /,
    exitCode: 1,
  },
  verifyIr: { args: ['--verify-llvm-ir', '-e', HELLO], ...SAID_HELLO },
  debug: { args: ['-d', 'ast', '-e', HELLO], stdout: /begin/ },
  emitElf: {
    args: ['--emit-elf', 'missing/hello.bpf.o', '-e', HELLO],
    stderr: 'ERROR: Failed to open output file: "missing/hello.bpf.o": No such file or directory\n',
    exitCode: 1,
  },
  emitLlvm: mistake(
    '--emit-llvm: there is no LLVM here; -d ir prints the intermediate representation',
    '--emit-llvm',
    'x',
  ),
  aot: mistake('--aot: a script cannot be made an executable here', '--aot', 'x', '-e', HELLO),
};

const MISTAKES: readonly (readonly [name: string, expected: Case])[] = [
  ['no argument at all', { args: [], stderr: helpText(), exitCode: 1 }],
  [
    'an unknown option',
    { args: ['--nope'], stderr: `tsbpftrace: unrecognized option '--nope'\n${helpText()}`, exitCode: 1 },
  ],
  ['an unknown letter', { args: ['-Z'], stderr: `tsbpftrace: invalid option -- 'Z'\n${helpText()}`, exitCode: 1 }],
  ['no script', mistake("filename or -e 'program' required.", '-q')],
  ['an empty script', mistake("filename or -e 'program' required.", '-e', '')],
  ['two search patterns', { args: ['-l', 'a', 'b'], stderr: helpText(), exitCode: 1 }],
  [
    'a process and a command',
    { args: ['-p', '1', '-c', 'x'], stderr: `ERROR: USAGE: Cannot use both -c and -p.\n${helpText()}`, exitCode: 1 },
  ],
  [
    'a missing file',
    { args: ['none.bt'], stderr: "ERROR: failed to open file 'none.bt': No such file or directory\n", exitCode: 1 },
  ],
  [
    'an output file in no folder',
    {
      args: ['-o', 'none/out', '-e', HELLO],
      stderr: 'ERROR: Failed to open output file: "none/out": No such file or directory\n',
      exitCode: 1,
    },
  ],
  ...['line', 'full'].map((buffering): [string, Case] => [
    `a full disk, buffered ${buffering}`,
    {
      args: ['-B', buffering, '-o', '/dev/full', '-e', HELLO],
      stderr: `${ATTACHED}ERROR: Failed to write output file: "/dev/full": No space left on device\n`,
      exitCode: 1,
    },
  ]),
  [
    'an unknown format',
    {
      args: ['-f', 'yaml', '-e', HELLO],
      stderr: "ERROR: Invalid output format \"yaml\"\nValid formats: 'text', 'json'\n",
      exitCode: 1,
    },
  ],
  [
    'an unknown mode',
    mistake("--mode can only be 'codegen', 'compiler-bench', 'bench', 'test' or 'format'.", '--mode', 'x'),
  ],
  [
    "a mode of bpftrace's that is missing",
    mistake(
      '--mode compiler-bench is not there yet; bench/front-end.ts measures the stages',
      '--mode',
      'compiler-bench',
    ),
  ],
  ['an unknown way of buffering', mistake("-B must be either 'line', 'full', or 'none'.", '-B', 'some')],
  ['an unknown stage', mistake('invalid option for -d: llvm', '-d', 'ast,llvm')],
  [
    'an unknown feature',
    mistake("--no-feature can only have values 'kprobe_multi,kprobe_session,uprobe_multi'.", '--no-feature', 'btf'),
  ],
  ['two modes', mistake('--bench conflicts with existing --mode', '--test', '--bench')],
  ['warnings on, then off', mistake('-k, --warnings conflicts with --no-warnings', '-k', '--no-warnings')],
  [
    'warnings twice',
    mistake(
      '-kk has been deprecated. Use a single -k for runtime warnings for errors in map lookups and probe reads.',
      '-kk',
    ),
  ],
  ['no length', mistake('--duration must be a time up to an hour, such as 500ms, 5s or 2m.', '--duration', '0s')],
  [
    'a PID that is no number',
    { args: ['-p', 'x', '-e', HELLO], stderr: 'ERROR: Failed to parse pid: invalid integer: x\n', exitCode: 1 },
  ],
  [
    'a PID too large',
    { args: ['-p', '4194305', '-e', HELLO], stderr: 'ERROR: Pid out of range: 4194305\n', exitCode: 1 },
  ],
  [
    'a process that is not there',
    {
      args: ['-p', '4000', '-e', HELLO],
      stderr: 'ERROR: Failed to attach to pid: Unable to open pidfd (No such process)\n',
      exitCode: 1,
    },
  ],
  [
    'a command that the machine does not have',
    {
      args: ['-c', 'none 1', '-e', HELLO],
      stderr:
        "ERROR: Failed to fork child: Path 'none' does not exist or is not executable (No such file or directory)\n",
      exitCode: 1,
    },
  ],
  [
    'a filter that is no expression',
    {
      args: ['--probe-filter', '(', '-e', HELLO],
      stderr: /^ERROR: Invalid --probe-filter regex '\(': /,
      exitCode: 255,
    },
  ],
  [
    'a filter that leaves no probe',
    { args: ['--probe-filter', 'x', '-e', 'kprobe:vfs_read { }'], stdout: 'No probes to attach\n', exitCode: 1 },
  ],
  [
    'test probes without --test',
    {
      args: ['-e', 'test:a { }'],
      stderr: 'ERROR: No probes attached; use --test to run test probes.\n',
      exitCode: 255,
    },
  ],
  [
    'bench probes without --bench',
    {
      args: ['-e', 'bench:a { }'],
      stderr: 'ERROR: No probes attached; use --bench to run benchmark probes.\n',
      exitCode: 255,
    },
  ],
  [
    'a pattern that looks like a file',
    {
      args: ['-l', 'none.bt'],
      stderr:
        "WARNING: It appears that 'none.bt' is a filename but the file does not exist. Treating 'none.bt' as a search pattern.\n",
    },
  ],
  [
    'an unknown color mode',
    {
      args: ['-V'],
      env: { BPFTRACE_COLOR: 'red' },
      stdout: `tsbpftrace v${VERSION}\n`,
      stderr:
        'WARNING: Invalid env value! The valid values of `BPFTRACE_COLOR` are [auto|always|never]. The current value is red!\n',
    },
  ],
];

const OTHERS: readonly (readonly [name: string, expected: Case])[] = [
  [
    'how a command ended, with -v',
    {
      args: ['-v', '-q', '-c', 'false', '--scenario', 'idle', '-e', 'interval:s:9 { }'],
      stdout: '\n\n',
      stderr: 'Trying to attach probe: interval:s:9\nChild exited with code: 1\n',
    },
  ],
  [
    'red errors and yellow warnings while a script runs',
    {
      args: ['-e', 'begin { warnf("low"); errorf("out"); exit(); }', '-q'],
      env: { BPFTRACE_COLOR: 'always' },
      stdout: '\n\n',
      stderr: '\x1b[33mstdin:1:9-21: WARNING: low\x1b[0m\n' + '\x1b[31mstdin:1:23-36: ERROR: out\x1b[0m\n',
    },
  ],
  ['a script from standard input', { args: ['-'], stdin: HELLO, ...SAID_HELLO }],
  ['an empty pattern lists nothing', { args: ['-l', ''] }],
  [
    'positional parameters',
    { args: ['-e', 'begin { print(($1, str($2), $#)); }', '7', 'x'], stdout: '(7, x, 2)\n\n\n', stderr: ATTACHED },
  ],
  [
    "the script's own help",
    {
      args: ['-e', 'begin { print(getopt("depth", 3, "how deep")); }', '--', '--help'],
      stderr: 'HINT: expected program options:\n--depth: how deep\n',
      exitCode: 1,
    },
  ],
  [
    "the script's own options",
    { args: ['-e', 'begin { print(getopt("depth", 3)); }', '--', '--depth=9'], stdout: '9\n\n\n', stderr: ATTACHED },
  ],
  [
    'a red mistake on the command line',
    {
      args: ['-B', 'some'],
      env: { BPFTRACE_COLOR: 'always' },
      stderr: "\u001b[31mERROR: USAGE: -B must be either 'line', 'full', or 'none'.\u001b[0m\n",
      exitCode: 1,
    },
  ],
  [
    'colors when asked for',
    { args: ['-e', 'x'], env: { BPFTRACE_COLOR: 'always' }, stderr: /\u001b\[31m/, exitCode: 1 },
  ],
  [
    'a test in JSON',
    {
      args: ['--test', '-f', 'json', '-e', 'test:good { }'],
      stdout: /^\{"type": "test_result", "data": \{"good": \{"duration": \d+, "passed": true, "output": ""\}\}\}\n$/,
    },
  ],
  [
    'a benchmark in JSON',
    {
      args: ['--bench', '-f', 'json', '-e', 'bench:count { @ = count(); }'],
      stdout: /^\{"type": "benchmark_result", "data": \{"count": \{"average": \d+, "iters": \d+\}\}\}\n$/,
    },
  ],
  [
    'a test that calls errorf fails',
    { args: ['--test', '-e', 'test:t { errorf("no"); }'], stdout: /ERROR: no\n.*FAILED/, exitCode: 1 },
  ],
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'options-'));
  writeFileSync(join(folder, 'functions'), 'vfs_read\nno_such_function [ext4]\n');
  mkdirSync(join(folder, 'headers'));
  writeFileSync(join(folder, 'headers', 'seven.h'), '#define SEVEN 7\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function expectCase({ args, env, stdin, stdout = '', stderr = '', exitCode = 0, writes }: Case): Promise<void> {
  const result = await runArguments(args, env, folder, stdin === undefined ? [] : [stdin]);
  const matching = (want: string | RegExp): unknown => (typeof want === 'string' ? want : expect.stringMatching(want));
  expect(result).toEqual({ stdout: matching(stdout), stderr: matching(stderr), exitCode });
  if (writes !== undefined) expect(readFileSync(join(folder, writes[0]), 'utf8')).toBe(writes[1]);
}

describe('each option', () => {
  test.each(Object.entries(OPTION_CASES))('%s', async (_, expected) => expectCase(expected));
});

describe('mistakes on the command line', () => {
  test.each(MISTAKES)('%s', async (_, expected) => expectCase(expected));
});

test.each(OTHERS)('%s', async (_, expected) => expectCase(expected));
