import { InvalidArgumentError } from 'commander';
import type { EngineName } from '../../pipeline/settings.ts';
import { ENGINE_OPTION } from '../machine-options.ts';
import { parseSubcommand, type CommandLineOutput, type OptionRows, type ParsedSubcommand } from '../subcommand.ts';
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

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!/^\d+$/.test(text) || jobs < 1) throw new InvalidArgumentError('It must be a number from 1 on.');
  return jobs;
}

/** Every option once. */
export const GOLDEN_OPTIONS: OptionRows<GoldenConfig> = {
  update: { flags: '-u, --update', help: 'record what the scripts print now', default: false },
  jobs: { flags: '-j, --jobs <n>', help: 'processes that run cases (default: one for each CPU)', parse: parseJobs },
  reporter: {
    flags: '-r, --reporter <name>',
    help: 'what to write',
    choices: Object.keys(REPORTERS),
    default: 'text',
  },
  output: { flags: '-o, --output <file>', help: 'write the report to a file' },
  jit: ENGINE_OPTION,
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

/** Parses the arguments behind `golden`. */
export function parseGolden(args: readonly string[], output: CommandLineOutput): ParsedSubcommand<GoldenConfig> {
  return parseSubcommand(
    {
      name: 'golden',
      description: 'Golden tests: runs scripts and compares what they print with files beside them.',
      operands: '[paths...]',
      notes: FILES,
      options: GOLDEN_OPTIONS,
    },
    args,
    output,
  );
}
