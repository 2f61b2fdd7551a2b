import { InvalidArgumentError, Option } from 'commander';
import {
  DEBUG_STAGES,
  ENGINE_NAMES,
  SCENARIO_NAMES,
  type DebugStage,
  type EngineName,
  type ScenarioName,
} from '../pipeline/settings.ts';

/** What the command line says, after parsing. */
export interface CliConfig {
  readonly program: string | undefined;
  readonly list: boolean;
  readonly verbose: boolean;
  readonly output: string | undefined;
  readonly format: string;
  readonly buffering: 'line' | 'full' | 'none';
  readonly quiet: boolean;
  readonly warnings: boolean;
  readonly noWarnings: boolean;
  readonly includeDirs: readonly string[];
  readonly includes: readonly string[];
  readonly unsafe: boolean;
  readonly fmt: boolean;
  readonly dryRun: boolean;
  readonly debug: readonly DebugStage[];
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly durationNs: number | undefined;
  readonly cpus: number | undefined;
  readonly jit: EngineName;
}

type Section = 'OPTIONS' | 'MACHINE OPTIONS' | 'DEVELOPER OPTIONS' | 'TROUBLESHOOTING OPTIONS';

interface OptionRow<T> {
  readonly flags: string;
  readonly help: string;
  readonly section: Section;
  readonly default?: T;
  /** Turns the argument into the value, given the value so far; throws InvalidArgumentError. */
  readonly parse?: (text: string, previous: T) => T;
}

/** Reads one of a few words. */
export const oneOf =
  <T extends string>(...choices: readonly T[]) =>
  (text: string): T => {
    const choice = choices.find((name) => name === text);
    if (choice === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return choice;
  };
const collect = (text: string, previous: readonly string[]): readonly string[] => [...previous, text];
const collectStages = (text: string, previous: readonly DebugStage[]): readonly DebugStage[] => [
  ...previous,
  ...text.split(',').flatMap((name) => (name === 'all' ? DEBUG_STAGES : [oneOf(...DEBUG_STAGES)(name)])),
];
const wholeNumber =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    return value;
  };

const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9 };
/** A virtual time such as `500ms`, `5s`, `1.5s` or `2m`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m)?$/.exec(text);
  const ns = match === null ? 0 : Math.round(Number(match[1]) * UNIT_NS[match[2] ?? 's']!);
  if (ns <= 0 || ns > 3600e9)
    throw new InvalidArgumentError('It must be a time up to an hour, such as 500ms, 5s or 2m.');
  return ns;
}

/** Every option once: parsing, defaults and --help follow from these rows. Names and meanings are bpftrace's where it has them. */
export const OPTIONS: { readonly [K in keyof CliConfig]-?: OptionRow<CliConfig[K]> } = {
  program: { flags: '-e <program>', help: 'execute this program', section: 'OPTIONS' },
  list: {
    flags: '-l, --list',
    help: 'list the probes that match a search pattern, or those of a script',
    section: 'OPTIONS',
    default: false,
  },
  verbose: {
    flags: '-v, --verbose',
    help: 'verbose messages; with -l, also show probe arguments',
    section: 'OPTIONS',
    default: false,
  },
  output: { flags: '-o, --output <file>', help: 'redirect output to a file', section: 'OPTIONS' },
  format: {
    flags: '-f <format>',
    help: "output format ('text', 'json')",
    section: 'OPTIONS',
    default: 'text',
  },
  buffering: {
    flags: '-B <mode>',
    help: "output buffering ('line', 'full', 'none')",
    section: 'OPTIONS',
    default: 'line',
    parse: oneOf('line', 'full', 'none'),
  },
  quiet: { flags: '-q, --quiet', help: 'keep messages quiet', section: 'OPTIONS', default: false },
  warnings: {
    flags: '-k, --warnings',
    help: 'warn when probe read helpers return an error',
    section: 'OPTIONS',
    default: false,
  },
  noWarnings: { flags: '--no-warnings', help: 'disable all warning messages', section: 'OPTIONS', default: false },
  includeDirs: {
    flags: '-I <dir>',
    help: 'add a directory to the include search path',
    section: 'OPTIONS',
    default: [],
    parse: collect,
  },
  includes: {
    flags: '--include <file>',
    help: 'add an #include before the script',
    section: 'OPTIONS',
    default: [],
    parse: collect,
  },
  unsafe: {
    flags: '--unsafe',
    help: 'allow unsafe functions (they act on the simulated machine only)',
    section: 'OPTIONS',
    default: false,
  },
  scenario: {
    flags: '--scenario <name>',
    help: `what the machine does (${SCENARIO_NAMES.map((name) => `'${name}'`).join(', ')})`,
    section: 'MACHINE OPTIONS',
    default: 'server',
    parse: oneOf(...SCENARIO_NAMES),
  },
  seed: {
    flags: '--seed <n>',
    help: 'seed of all chance in the machine; same seed, same output',
    section: 'MACHINE OPTIONS',
    default: 1,
    parse: wholeNumber(0, 0xffff_ffff),
  },
  durationNs: {
    flags: '--duration <time>',
    help: "virtual time until Ctrl-C is simulated (default: the scenario's length)",
    section: 'MACHINE OPTIONS',
    parse: parseDuration,
  },
  cpus: {
    flags: '--cpus <n>',
    help: "number of CPUs (default: the scenario's)",
    section: 'MACHINE OPTIONS',
    parse: wholeNumber(1, 64),
  },
  fmt: { flags: '--fmt', help: 'format the script and print it', section: 'DEVELOPER OPTIONS', default: false },
  jit: {
    flags: '--jit <engine>',
    help: `what runs the bytecode (${ENGINE_NAMES.map((name) => `'${name}'`).join(', ')})`,
    section: 'DEVELOPER OPTIONS',
    default: 'auto',
    parse: oneOf(...ENGINE_NAMES),
  },
  dryRun: {
    flags: '--dry-run',
    help: 'stop right after attaching all the probes',
    section: 'TROUBLESHOOTING OPTIONS',
    default: false,
  },
  debug: {
    flags: '-d, --debug <stage>',
    help: `print what a stage made, and do not run (${DEBUG_STAGES.map((name) => `'${name}'`).join(', ')}, 'all')`,
    section: 'TROUBLESHOOTING OPTIONS',
    default: [],
    parse: collectStages,
  },
};

/** The rows as commander's options, with the key that each fills. */
export function commanderOptions(): {
  readonly key: keyof CliConfig;
  readonly section: Section;
  readonly option: Option;
}[] {
  return (Object.keys(OPTIONS) as (keyof CliConfig)[]).map((key) => {
    const row: OptionRow<unknown> = OPTIONS[key] as OptionRow<unknown>;
    const option = new Option(row.flags, row.help);
    // `--no-x` would mean "x is true by default" to commander; it is a flag of its own here.
    if (option.negate) option.negate = false;
    if (row.default !== undefined) option.default(row.default);
    if (row.parse !== undefined) option.argParser(row.parse);
    return { key, section: row.section, option };
  });
}
