import { machineOptions, type MachineConfig } from './machine-options.ts';
import { DEFAULTS } from './options.ts';
import { parseSubcommand, type CommandLineOutput, type OptionRows, type ParsedSubcommand } from './subcommand.ts';

/** What the command line of `lab` says. */
export interface LabConfig extends MachineConfig {
  readonly command: string | undefined;
  readonly echo: boolean;
}

/** Every option once. */
export const LAB_OPTIONS: OptionRows<LabConfig> = {
  command: { flags: '-c, --command <commands>', help: 'run these commands' },
  ...machineOptions(DEFAULTS.scenario),
  echo: {
    flags: '--echo',
    help: 'show a prompt and each command before what it prints, as a terminal does',
    default: false,
  },
};

/** Parses the arguments behind `lab`; its operand is a file with commands. */
export function parseLab(args: readonly string[], output: CommandLineOutput): ParsedSubcommand<LabConfig> {
  return parseSubcommand(
    {
      name: 'lab',
      description: 'A shell on a simulated machine, with the commands of a course on tracing.',
      operands: '[script]',
      notes: '\nSCRIPT is a file with commands; without it they come from standard input.\n',
      options: LAB_OPTIONS,
    },
    args,
    output,
  );
}
