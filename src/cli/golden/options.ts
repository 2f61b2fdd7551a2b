import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ENGINE_NAMES, type EngineName } from '../../pipeline/settings.ts';
import type { CliHost } from '../host.ts';
import { REPORTERS, type ReporterName } from './report.ts';

/** What the command line of `golden` says. */
export interface GoldenConfig {
  readonly update: boolean;
  readonly jobs: number | undefined;
  readonly reporter: ReporterName;
  readonly output: string | undefined;
  readonly jit: EngineName;
  /** Runs cases that standard input asks for: how --jobs starts this command again. */
  readonly worker: boolean;
}

interface GoldenOptionRow {
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly default?: string | boolean;
  readonly parse?: (text: string) => number;
  readonly hidden?: true;
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!/^\d+$/.test(text) || jobs < 1) throw new InvalidArgumentError('It must be a number from 1 on.');
  return jobs;
}

/** Every option once. */
export const GOLDEN_OPTIONS: { readonly [K in keyof GoldenConfig]-?: GoldenOptionRow } = {
  update: { flags: '-u, --update', help: 'record what the scripts print now', default: false },
  jobs: { flags: '-j, --jobs <n>', help: 'processes that run cases (default: one for each CPU)', parse: parseJobs },
  reporter: {
    flags: '-r, --reporter <name>',
    help: 'what to write',
    choices: Object.keys(REPORTERS),
    default: 'text',
  },
  output: { flags: '-o, --output <file>', help: 'write the report to a file' },
  jit: { flags: '--jit <engine>', help: 'what runs the bytecode', choices: ENGINE_NAMES, default: 'auto' },
  worker: { flags: '--worker', help: 'run cases from standard input', hidden: true, default: false },
};

const FILES = `
Every NAME.bt beside a NAME.out is a case: it is run in its folder and must print NAME.out. Beside it may stand
    NAME.err    what it prints on standard error, if that is to be compared
    NAME.rc     its exit code, if that is not 0
    NAME.args   more arguments; {} stands for the script, which otherwise comes last
    NAME.env    environment variables, NAME=VALUE a line; others are not passed on
and in the comments that it starts with options, such as
    // tsbpftrace: --scenario idle --duration 5s
PATHS are such scripts or folders of them; without any, the current folder. A script that is named itself needs no
NAME.out for --update. The exit code is 1 when a case differs.
`;

export type ParsedGolden =
  | { readonly kind: 'run'; readonly config: GoldenConfig; readonly paths: readonly string[] }
  /** Help or a mistake: text is printed already. */
  | { readonly kind: 'done'; readonly exitCode: number };

function commanderOption(row: GoldenOptionRow): Option {
  const option = new Option(row.flags, row.help);
  if (row.choices !== undefined) option.choices([...row.choices]);
  if (row.parse !== undefined) option.argParser(row.parse);
  if (typeof row.default === 'string') option.default(row.default);
  return row.hidden === true ? option.hideHelp() : option;
}

/** Parses the arguments behind `golden`; prints help and mistakes itself. */
export function parseGolden(args: readonly string[], { stdout, stderr }: CliHost): ParsedGolden {
  const command = new Command('tsbpftrace golden')
    .description('Golden tests: runs scripts and compares what they print with files beside them.')
    .argument('[paths...]')
    .addHelpText('after', FILES)
    .exitOverride()
    .showHelpAfterError("Try 'tsbpftrace golden --help'.")
    .configureOutput({
      writeOut: stdout,
      writeErr: (text) => stderr(text.replace(/^error: /, 'ERROR: USAGE: ')),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
  const rows = Object.entries(GOLDEN_OPTIONS).map(([key, row]) => ({ key, row, option: commanderOption(row) }));
  for (const { option } of rows) command.addOption(option);
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { kind: 'done', exitCode: error.exitCode };
    throw error;
  }
  const values = command.opts<Record<string, unknown>>();
  const config = Object.fromEntries(
    rows.map(({ key, row, option }) => [key, values[option.attributeName()] ?? row.default]),
  ) as unknown as GoldenConfig;
  return { kind: 'run', config, paths: command.args };
}
