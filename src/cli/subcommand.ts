import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

/** Where help and mistakes go. */
export interface CommandLineOutput {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** An option of a sub-command. */
export interface OptionRow<T> {
  /** As commander reads them: `-u, --update` or `--seed <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly default?: T;
  /** Turns the argument into the value, given the value so far; throws InvalidArgumentError. */
  // A method, so that rows of all kinds are rows of something unknown.
  parse?(text: string, previous: T): T;
  /** Neither help nor shells name it. */
  readonly hidden?: true;
}
export type OptionRows<Config> = { readonly [K in keyof Config]-?: OptionRow<Config[K]> };

export type ParsedSubcommand<Config> =
  | { readonly kind: 'run'; readonly config: Config; readonly operands: readonly string[] }
  /** Help or a mistake: text is printed already. */
  | { readonly kind: 'done'; readonly exitCode: number };

/** Reads whole numbers within bounds. */
export const wholeNumber =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    return value;
  };

/** Gives a command the manners that all sub-commands have: it returns after help, and words mistakes as bpftrace does. */
export function configure(command: Command, { stdout, stderr }: CommandLineOutput): Command {
  return command.exitOverride().configureOutput({
    writeOut: stdout,
    writeErr: (text) => stderr(text.replace(/^error: /, 'ERROR: USAGE: ')),
    getOutHelpWidth: () => 100,
    getErrHelpWidth: () => 100,
  });
}

// Defaults that are no text are filled in afterwards: commander would print "(default: false)" behind every switch.
function optionOf(row: OptionRow<unknown>): Option {
  const option = new Option(row.flags, row.help);
  if (row.choices !== undefined) option.choices([...row.choices]);
  if (row.parse !== undefined) option.argParser((text, previous) => row.parse?.(text, previous ?? row.default));
  if (typeof row.default === 'string') option.default(row.default);
  return row.hidden === true ? option.hideHelp() : option;
}

export function addOptions(command: Command, rows: Iterable<OptionRow<unknown>>): void {
  for (const row of rows) command.addOption(optionOf(row));
}

/** What was said with options, and the defaults of the others. */
export function configOf<Config>(command: Command, rows: OptionRows<Config>): Config {
  const values = command.opts<Record<string, unknown>>();
  const entries = Object.entries<OptionRow<unknown>>(rows);
  return Object.fromEntries(
    entries.map(([key, row]) => [key, values[optionOf(row).attributeName()] ?? row.default]),
  ) as Config;
}

/** Runs the parser; the exit code when help or a mistake was printed. */
export function parsed(command: Command, args: readonly string[]): number | undefined {
  try {
    command.parse(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

/** Parses the arguments behind a sub-command; prints help and mistakes itself. */
export function parseSubcommand<Config>(
  subcommand: {
    readonly name: string;
    readonly description: string;
    /** As commander reads it: `[paths...]`. */
    readonly operands?: string;
    /** What help says below the options. */
    readonly notes?: string;
    readonly options: OptionRows<Config>;
  },
  args: readonly string[],
  output: CommandLineOutput,
): ParsedSubcommand<Config> {
  const { name, description, operands, notes = '', options } = subcommand;
  const command = configure(new Command(`tsbpftrace ${name}`), output)
    .description(description)
    .addHelpText('after', notes)
    .showHelpAfterError(`Try 'tsbpftrace ${name} --help'.`);
  if (operands !== undefined) command.argument(operands);
  addOptions(command, Object.values<OptionRow<unknown>>(options));
  const exitCode = parsed(command, args);
  if (exitCode !== undefined) return { kind: 'done', exitCode };
  return { kind: 'run', config: configOf(command, options), operands: command.args };
}
