import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ARCH_NAMES, ENGINE_NAMES, SCENARIO_NAMES, type AbiName, type EngineName } from '../../pipeline/settings.ts';
import type { CliHost } from '../host.ts';

/** What the command line of `repl` says. */
export interface ReplConfig {
  readonly scenario: string;
  readonly seed: number;
  readonly cpus: number | undefined;
  readonly arch: AbiName | undefined;
  readonly speed: number;
  readonly jit: EngineName;
  readonly unsafe: boolean;
  readonly plain: boolean;
}

interface ReplOptionRow {
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly default?: string | number | boolean;
  readonly parse?: (text: string) => number;
}

const wholeNumber =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    return value;
  };

function parseSpeed(text: string): number {
  const factor = text === 'max' ? Infinity : Number(text);
  if (!(factor > 0)) throw new InvalidArgumentError('It must be a number greater than 0, or max.');
  return factor;
}

/** Every option once. */
export const REPL_OPTIONS: { readonly [K in keyof ReplConfig]-?: ReplOptionRow } = {
  scenario: {
    flags: '--scenario <name>',
    help: `what the machine does: ${SCENARIO_NAMES.join(', ')}, or a YAML file`,
    default: 'server',
  },
  seed: {
    flags: '--seed <n>',
    help: 'seed of all chance in the machine',
    parse: wholeNumber(0, 0xffff_ffff),
    default: 1,
  },
  cpus: { flags: '--cpus <n>', help: "number of CPUs (default: the scenario's)", parse: wholeNumber(1, 64) },
  arch: { flags: '--arch <arch>', help: 'what its CPUs are', choices: ARCH_NAMES },
  speed: { flags: '--speed <factor>', help: 'virtual seconds a second, or max', parse: parseSpeed, default: 1 },
  jit: { flags: '--jit <engine>', help: 'what runs the bytecode', choices: ENGINE_NAMES, default: 'auto' },
  unsafe: { flags: '--unsafe', help: 'allow destructive functions, on the simulated machine only', default: false },
  plain: { flags: '--plain', help: 'no screen: lines in, lines out, as with pipes and dumb terminals', default: false },
};

export type ParsedRepl =
  | { readonly kind: 'run'; readonly config: ReplConfig }
  /** Help or a mistake: text is printed already. */
  | { readonly kind: 'done'; readonly exitCode: number };

function commanderOption(row: ReplOptionRow): Option {
  const option = new Option(row.flags, row.help);
  if (row.choices !== undefined) option.choices([...row.choices]);
  if (row.parse !== undefined) option.argParser(row.parse);
  if (typeof row.default === 'string') option.default(row.default);
  return option;
}

/** Parses the arguments behind `repl`; prints help and mistakes itself. */
export function parseRepl(args: readonly string[], { stdout, stderr }: CliHost): ParsedRepl {
  const command = new Command('tsbpftrace repl')
    .description(
      'Scripts are written, run and looked into on a live simulated machine; F1 or :help explains keys and commands.',
    )
    .exitOverride()
    .showHelpAfterError("Try 'tsbpftrace repl --help'.")
    .configureOutput({
      writeOut: stdout,
      writeErr: (text) => stderr(text.replace(/^error: /, 'ERROR: USAGE: ')),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
  const rows = Object.entries(REPL_OPTIONS).map(([key, row]) => ({ key, row, option: commanderOption(row) }));
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
  ) as unknown as ReplConfig;
  return { kind: 'run', config };
}
