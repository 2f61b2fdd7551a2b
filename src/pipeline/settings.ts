import { ABIS, type AbiName } from '../btf/abi/abis.ts';
import { ENGINES } from '../runtime/engines.ts';
import { KERNEL_PROFILES, type KernelProfileName } from '../simkernel/kernel-profiles.ts';
import { SCENARIOS, type ScenarioName } from '../simkernel/scenarios/index.ts';
import type { Scenario } from '../simkernel/scenarios/scenario.ts';

/** Names that the command line offers; each has a total record of what it does elsewhere in this folder. */
export const DEBUG_STAGES = ['tokens', 'ast', 'types', 'ir', 'bytecode', 'verifier', 'js'] as const;
export type DebugStage = (typeof DEBUG_STAGES)[number];

export type EngineName = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

export type { Scenario, ScenarioName };
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

export type { AbiName };
export const ARCH_NAMES = Object.keys(ABIS) as AbiName[];

export type { KernelProfileName };
export const KERNEL_PROFILE_NAMES = Object.keys(KERNEL_PROFILES) as KernelProfileName[];
