import { InvalidArgumentError } from 'commander';
import type { EngineName } from '../../pipeline/settings.ts';
import { ENGINE_OPTION, machineOptions, type MachineConfig } from '../machine-options.ts';
import { parseSubcommand, type CommandLineOutput, type OptionRows, type ParsedSubcommand } from '../subcommand.ts';

/** What the command line of `repl` says. */
export interface ReplConfig extends MachineConfig {
  readonly speed: number;
  readonly jit: EngineName;
  readonly unsafe: boolean;
  readonly plain: boolean;
}

function parseSpeed(text: string): number {
  const factor = text === 'max' ? Infinity : Number(text);
  if (!(factor > 0)) throw new InvalidArgumentError('It must be a number greater than 0, or max.');
  return factor;
}

/** Every option once. */
export const REPL_OPTIONS: OptionRows<ReplConfig> = {
  ...machineOptions('server'),
  speed: { flags: '--speed <factor>', help: 'virtual seconds a second, or max', parse: parseSpeed, default: 1 },
  jit: ENGINE_OPTION,
  unsafe: { flags: '--unsafe', help: 'allow destructive functions, on the simulated machine only', default: false },
  plain: { flags: '--plain', help: 'no screen: lines in, lines out, as with pipes and dumb terminals', default: false },
};

/** Parses the arguments behind `repl`. */
export function parseRepl(args: readonly string[], output: CommandLineOutput): ParsedSubcommand<ReplConfig> {
  return parseSubcommand(
    {
      name: 'repl',
      description:
        'Scripts are written, run and looked into on a live simulated machine; F1 or :help explains keys and commands.',
      options: REPL_OPTIONS,
    },
    args,
    output,
  );
}
