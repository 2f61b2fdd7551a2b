import { ARCH_NAMES, ENGINE_NAMES, SCENARIO_NAMES, type AbiName, type EngineName } from '../pipeline/settings.ts';
import { wholeNumber, type OptionRow, type OptionRows } from './subcommand.ts';

/** The machine that `repl` and `lab` start. */
export interface MachineConfig {
  readonly scenario: string;
  readonly seed: number;
  readonly cpus: number | undefined;
  readonly arch: AbiName | undefined;
}

/** The options that describe it. */
export const machineOptions = (scenario: string): OptionRows<MachineConfig> => ({
  scenario: {
    flags: '--scenario <name>',
    help: `what the machine does: ${SCENARIO_NAMES.join(', ')}, or a YAML file`,
    default: scenario,
  },
  seed: {
    flags: '--seed <n>',
    help: 'seed of all chance in the machine',
    parse: wholeNumber(0, 0xffff_ffff),
    default: 1,
  },
  cpus: { flags: '--cpus <n>', help: "number of CPUs (default: the scenario's)", parse: wholeNumber(1, 64) },
  arch: { flags: '--arch <arch>', help: 'what its CPUs are', choices: ARCH_NAMES },
});

/** What runs programs there, and in `bpf` and `golden`. */
export const ENGINE_OPTION: OptionRow<EngineName> = {
  flags: '--jit <engine>',
  help: 'what runs the bytecode',
  choices: ENGINE_NAMES,
  default: 'auto',
};
