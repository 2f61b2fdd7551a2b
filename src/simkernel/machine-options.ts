import type { AbiName } from '../btf/abi/abis.ts';
import type { KernelProfileName } from './kernel-profiles.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** PID of the tracer's own process. */
export const TRACER_PID = 19_000;

/** What a machine is made of. */
export interface MachineOptions {
  readonly scenario: Scenario;
  readonly seed?: number;
  readonly cpus?: number;
  /** Under which names its functions can be probed. */
  readonly profile?: KernelProfileName;
  /** What its CPUs are; what the scenario says by default. */
  readonly arch?: AbiName;
}
