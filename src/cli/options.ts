import {
  DEBUG_STAGES,
  ENGINE_NAMES,
  ARCH_NAMES,
  KERNEL_PROFILE_NAMES,
  type AbiName,
  type KernelProfileName,
  SCENARIO_NAMES,
  type DebugStage,
  type EngineName,
} from '../pipeline/settings.ts';
import type { Switch } from './getopt.ts';
import { choose, isScenarioFile, parseDuration, quoted, UsageMistake, wholeNumber } from './option-values.ts';

/** What the command does with a script. */
const MODES = ['codegen', 'bench', 'test', 'format'] as const;
export type Mode = (typeof MODES)[number];
/** A mode of bpftrace that is not here. */
const COMPILER_BENCH = 'compiler-bench';

/** Ways of attaching that --no-feature may forbid. */
const FEATURES = ['kprobe_multi', 'kprobe_session', 'uprobe_multi'] as const;
export type Feature = (typeof FEATURES)[number];

/** What the command line says, after parsing. */
export interface CliConfig {
  readonly program: string | undefined;
  readonly list: boolean;
  readonly verbose: boolean;
  readonly pid: string | undefined;
  readonly command: string | undefined;
  readonly output: string | undefined;
  readonly format: string;
  readonly buffering: 'line' | 'full' | 'none';
  readonly quiet: boolean;
  /** 0: none, 1: as usual, 2: also failing reads and map operations at run time. */
  readonly warnings: 0 | 1 | 2;
  readonly includeDirs: readonly string[];
  readonly includes: readonly string[];
  readonly traceableFunctions: string | undefined;
  readonly unsafe: boolean;
  readonly withoutFeatures: readonly Feature[];
  readonly mode: Mode | undefined;
  readonly probeFilter: string | undefined;
  readonly dryRun: boolean;
  /** A verifier's rejection with all that led to it. */
  readonly explain: boolean;
  readonly debug: readonly DebugStage[];
  readonly emitElf: string | undefined;
  /** A built-in one's name, or a file. */
  readonly scenario: string;
  readonly kernel: KernelProfileName;
  /** Undefined: what the scenario says. */
  readonly arch: AbiName | undefined;
  readonly seed: number;
  readonly durationNs: number | undefined;
  readonly cpus: number | undefined;
  readonly jit: EngineName;
}

export const DEFAULTS: CliConfig = {
  program: undefined,
  list: false,
  verbose: false,
  pid: undefined,
  command: undefined,
  output: undefined,
  format: 'text',
  buffering: 'line',
  quiet: false,
  warnings: 1,
  includeDirs: [],
  includes: [],
  traceableFunctions: undefined,
  unsafe: false,
  withoutFeatures: [],
  mode: undefined,
  probeFilter: undefined,
  dryRun: false,
  explain: false,
  debug: [],
  emitElf: undefined,
  scenario: 'server',
  kernel: '7.2',
  arch: undefined,
  seed: 1,
  durationNs: undefined,
  cpus: undefined,
  jit: 'auto',
};

type Draft = { -readonly [K in keyof CliConfig]: CliConfig[K] };
export type Section = 'OPTIONS' | 'MACHINE OPTIONS' | 'DEVELOPER OPTIONS' | 'TROUBLESHOOTING OPTIONS';
/** What --help, --version and --info do at once. */
export type Answer = 'help' | 'version' | 'info';

export interface OptionRow {
  readonly short?: string;
  readonly long?: string;
  /** Name of the value in --help; options without it take none. */
  readonly value?: string;
  /** What may be chosen, for completion. */
  readonly choices?: readonly string[];
  /** The value is a file or folder of this computer. */
  readonly path?: 'file' | 'directory';
  /** Behind the flags in --help: an operand that changes their meaning. */
  readonly operand?: string;
  readonly section: Section;
  /** First of a group: --help leaves a line free before it. */
  readonly group?: true;
  /** Lines of --help; without it the option is taken, but not told of. */
  readonly help?: readonly string[];
  readonly answer?: Answer;
  readonly set?: (config: Draft, text: string) => void;
}

/** Stages as bpftrace calls them, where we have something of the kind. */
const STAGE_ALIASES: ReadonlyMap<string, DebugStage> = new Map([
  ['parse', 'tokens'],
  ['codegen', 'ir'],
  ['codegen-opt', 'ir'],
  ['dis', 'bytecode'],
]);

function addStages(config: Draft, text: string): void {
  const stages = text.split(',').filter((name) => name !== '');
  for (const name of stages) {
    if (name === 'all') config.debug = [...config.debug, ...DEBUG_STAGES];
    else {
      const stage = STAGE_ALIASES.get(name) ?? choose(DEBUG_STAGES, name, `invalid option for -d: ${name}`);
      config.debug = [...config.debug, stage];
    }
  }
}

const claimMode =
  (mode: Mode, flag: string) =>
  (config: Draft): void => {
    if (config.mode !== undefined) throw new UsageMistake(`${flag} conflicts with existing --mode`);
    config.mode = mode;
  };

function warnMore(config: Draft): void {
  if (config.warnings === 2)
    throw new UsageMistake(
      '-kk has been deprecated. Use a single -k for runtime warnings for errors in map lookups and probe reads.',
    );
  if (config.warnings === 0) throw new UsageMistake('-k, --warnings conflicts with --no-warnings');
  config.warnings = 2;
}

function silenceWarnings(config: Draft): void {
  if (config.warnings === 2) throw new UsageMistake('-k, --warnings conflicts with --no-warnings');
  config.warnings = 0;
}

const missing = (reason: string) => (): void => {
  throw new UsageMistake(reason);
};

/**
 * Every option once: parsing, --help, completions and the manual page follow from these rows. Names, meanings and messages
 * are bpftrace's where it has them.
 */
export const OPTIONS = {
  program: {
    short: 'e',
    value: "'program'",
    section: 'OPTIONS',
    help: ['execute this program'],
    set: (config, text) => (config.program = text === '' ? undefined : text),
  },
  list: {
    short: 'l',
    long: 'list',
    operand: '[search|filename]',
    section: 'OPTIONS',
    help: ['list kernel probes or probes in a program'],
    set: (config) => (config.list = true),
  },
  verbose: {
    short: 'v',
    long: 'verbose',
    section: 'OPTIONS',
    help: ['enable verbose messages; with -l, also show probe arguments'],
    set: (config) => (config.verbose = true),
  },
  help: { short: 'h', long: 'help', section: 'OPTIONS', help: ['show this help message'], answer: 'help' },
  version: { short: 'V', long: 'version', section: 'OPTIONS', help: ['show the version'], answer: 'version' },
  info: {
    long: 'info',
    section: 'OPTIONS',
    help: ['print information about the machine and its BPF support'],
    answer: 'info',
  },
  pid: {
    short: 'p',
    long: 'pid',
    value: 'PID',
    section: 'OPTIONS',
    group: true,
    help: ['filter actions and enable USDT probes on PID'],
    set: (config, text) => (config.pid = text),
  },
  command: {
    short: 'c',
    long: 'cmd',
    value: 'CMD',
    section: 'OPTIONS',
    help: ['run CMD on the machine and enable USDT probes on resulting process'],
    set: (config, text) => (config.command = text),
  },
  dwarfPid: {
    long: 'dwarf-pid',
    value: 'PID',
    section: 'OPTIONS',
    set: missing('--dwarf-pid: the machine has no DWARF unwinder'),
  },
  usdtFileActivation: {
    long: 'usdt-file-activation',
    section: 'OPTIONS',
    help: ['activate usdt semaphores based on file path'],
  },
  output: {
    short: 'o',
    long: 'output',
    value: 'FILE',
    path: 'file',
    section: 'OPTIONS',
    group: true,
    help: ['redirect output to FILE'],
    set: (config, text) => (config.output = text),
  },
  format: {
    short: 'f',
    value: 'FORMAT',
    choices: ['text', 'json'],
    section: 'OPTIONS',
    help: [`output format (${quoted(['text', 'json'])})`],
    set: (config, text) => (config.format = text),
  },
  buffering: {
    short: 'B',
    value: 'MODE',
    choices: ['line', 'full', 'none'],
    section: 'OPTIONS',
    help: [`output buffering mode (${quoted(['line', 'full', 'none'])})`],
    set: (config, text) =>
      (config.buffering = choose(
        ['line', 'full', 'none'] as const,
        text,
        "-B must be either 'line', 'full', or 'none'.",
      )),
  },
  quiet: {
    short: 'q',
    long: 'quiet',
    section: 'OPTIONS',
    help: ['keep messages quiet'],
    set: (config) => (config.quiet = true),
  },
  warnings: {
    short: 'k',
    long: 'warnings',
    section: 'OPTIONS',
    help: ['emit a warning when probe read helpers return an error'],
    set: warnMore,
  },
  noWarnings: {
    long: 'no-warnings',
    section: 'OPTIONS',
    help: ['disable all warning messages'],
    set: silenceWarnings,
  },
  includeDirs: {
    short: 'I',
    value: 'DIR',
    path: 'directory',
    section: 'OPTIONS',
    group: true,
    help: ['add the directory to the include search path'],
    set: (config, text) => (config.includeDirs = [...config.includeDirs, text]),
  },
  includes: {
    long: 'include',
    value: 'FILE',
    path: 'file',
    section: 'OPTIONS',
    help: ['add an #include file before preprocessing'],
    set: (config, text) => (config.includes = [...config.includes, text]),
  },
  /** The machine's programs carry no debug info, so there is nothing to search for. */
  debugInfo: { long: 'debuginfo', value: 'DIR[:DIR]', path: 'directory', section: 'OPTIONS' },
  traceableFunctions: {
    long: 'traceable-functions',
    value: 'FILE',
    path: 'file',
    section: 'OPTIONS',
    help: ['load the list of traceable kernel functions from FILE'],
    set: (config, text) => (config.traceableFunctions = text),
  },
  btf: { short: 'b', long: 'btf', section: 'OPTIONS' },
  unsafe: {
    long: 'unsafe',
    section: 'OPTIONS',
    group: true,
    help: ['allow unsafe/destructive functionality, on the simulated machine only'],
    set: (config) => (config.unsafe = true),
  },
  withoutFeatures: {
    long: 'no-feature',
    value: 'FEATURE[,FEATURE]',
    choices: FEATURES,
    section: 'OPTIONS',
    help: [`disable use of detected features (${quoted(FEATURES)})`],
    set: (config, text) => {
      const message = `--no-feature can only have values '${FEATURES.join(',')}'.`;
      const names = text.split(',').map((name) => choose(FEATURES, name, message));
      config.withoutFeatures = [...config.withoutFeatures, ...names];
    },
  },
  scenario: {
    long: 'scenario',
    value: 'NAME|FILE',
    choices: SCENARIO_NAMES,
    section: 'MACHINE OPTIONS',
    help: [`what the machine does (${quoted(SCENARIO_NAMES)},`, 'or a YAML file: see docs/scenarios.md)'],
    set: (config, text) =>
      (config.scenario = isScenarioFile(text)
        ? text
        : choose(SCENARIO_NAMES, text, `--scenario must be one of ${SCENARIO_NAMES.join(', ')}, or a YAML file.`)),
  },
  kernel: {
    long: 'kernel',
    value: 'PROFILE',
    choices: KERNEL_PROFILE_NAMES,
    section: 'MACHINE OPTIONS',
    help: [`names of kernel functions (${quoted(KERNEL_PROFILE_NAMES)})`],
    set: (config, text) =>
      (config.kernel = choose(
        KERNEL_PROFILE_NAMES,
        text,
        `--kernel must be one of ${KERNEL_PROFILE_NAMES.join(', ')}.`,
      )),
  },
  arch: {
    long: 'arch',
    value: 'ARCH',
    choices: ARCH_NAMES,
    section: 'MACHINE OPTIONS',
    help: [`what its CPUs are (${quoted(ARCH_NAMES)})`],
    set: (config, text) => (config.arch = choose(ARCH_NAMES, text, `--arch must be one of ${ARCH_NAMES.join(', ')}.`)),
  },
  seed: {
    long: 'seed',
    value: 'N',
    section: 'MACHINE OPTIONS',
    help: ['seed of all chance in the machine; same seed, same output'],
    set: (config, text) => (config.seed = wholeNumber('--seed', 0, 0xffff_ffff, text)),
  },
  duration: {
    long: 'duration',
    value: 'TIME',
    section: 'MACHINE OPTIONS',
    help: ["virtual time until Ctrl-C is simulated (default: the scenario's length)"],
    set: (config, text) => (config.durationNs = parseDuration(text)),
  },
  cpus: {
    long: 'cpus',
    value: 'N',
    section: 'MACHINE OPTIONS',
    help: ["number of CPUs (default: the scenario's)"],
    set: (config, text) => (config.cpus = wholeNumber('--cpus', 1, 64, text)),
  },
  mode: {
    long: 'mode',
    value: 'MODE',
    choices: MODES,
    section: 'DEVELOPER OPTIONS',
    help: ['used for benchmarking and testing', `(${quoted(MODES)})`],
    set(config, text) {
      if (text === COMPILER_BENCH)
        throw new UsageMistake(`--mode ${COMPILER_BENCH} is not there yet; bench/front-end.ts measures the stages`);
      config.mode = choose(MODES, text, "--mode can only be 'codegen', 'compiler-bench', 'bench', 'test' or 'format'.");
    },
  },
  test: {
    long: 'test',
    section: 'DEVELOPER OPTIONS',
    help: ['run all test: probes (same as --mode test)'],
    set: claimMode('test', '--test'),
  },
  bench: {
    long: 'bench',
    section: 'DEVELOPER OPTIONS',
    help: ['run all bench: probes (same as --mode bench)'],
    set: claimMode('bench', '--bench'),
  },
  probeFilter: {
    long: 'probe-filter',
    value: 'REGEX',
    section: 'DEVELOPER OPTIONS',
    help: ['only run probes whose name matches REGEX'],
    set: (config, text) => (config.probeFilter = text),
  },
  fmt: {
    long: 'fmt',
    section: 'DEVELOPER OPTIONS',
    help: ['format the input script and print it'],
    set: claimMode('format', '--fmt'),
  },
  jit: {
    long: 'jit',
    value: 'ENGINE',
    choices: ENGINE_NAMES,
    section: 'DEVELOPER OPTIONS',
    help: [`what runs the bytecode (${quoted(ENGINE_NAMES)})`],
    set: (config, text) =>
      (config.jit = choose(ENGINE_NAMES, text, `--jit must be one of ${ENGINE_NAMES.join(', ')}.`)),
  },
  dryRun: {
    long: 'dry-run',
    section: 'TROUBLESHOOTING OPTIONS',
    help: ['terminate execution right after attaching all the probes'],
    set: (config) => (config.dryRun = true),
  },
  explain: {
    long: 'explain',
    section: 'TROUBLESHOOTING OPTIONS',
    help: ['where the verifier refuses a program, show all that its value was made from'],
    set: (config) => (config.explain = true),
  },
  /** Nothing to switch on: what runs here always passes the verifier, and there is no LLVM. */
  verifyIr: { long: 'verify-llvm-ir', section: 'TROUBLESHOOTING OPTIONS' },
  debug: {
    short: 'd',
    long: 'debug',
    value: 'STAGE',
    choices: [...DEBUG_STAGES, 'all'],
    section: 'TROUBLESHOOTING OPTIONS',
    help: ['print what a stage made, and do not run', `(${quoted(['all', ...DEBUG_STAGES])})`],
    set: addStages,
  },
  emitElf: {
    long: 'emit-elf',
    value: 'FILE',
    path: 'file',
    section: 'TROUBLESHOOTING OPTIONS',
    help: ['(dry run) write the programs to FILE as an object that libbpf loads'],
    set: (config, text) => (config.emitElf = text),
  },
  emitLlvm: {
    long: 'emit-llvm',
    value: 'FILE',
    section: 'TROUBLESHOOTING OPTIONS',
    set: missing('--emit-llvm: there is no LLVM here; -d ir prints the intermediate representation'),
  },
  aot: {
    long: 'aot',
    value: 'FILE',
    section: 'TROUBLESHOOTING OPTIONS',
    set: missing('--aot: a script cannot be made an executable here'),
  },
} as const satisfies Record<string, OptionRow>;

/** The rows as a list that getopt reads. */
export const SWITCHES: readonly (OptionRow & Switch)[] = Object.values<OptionRow>(OPTIONS).map((row) => ({
  ...row,
  takesValue: row.value !== undefined,
}));
