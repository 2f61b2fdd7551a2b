import { SCENARIOS } from '../simkernel/scenarios/index.ts';

/** Names that the command line offers; each has a total record of what it does elsewhere in this folder. */
export const DEBUG_STAGES = ['tokens', 'ast', 'types', 'ir', 'bytecode', 'verifier', 'js'] as const;
export type DebugStage = (typeof DEBUG_STAGES)[number];

export const ENGINES = ['auto', 'js', 'interp'] as const;
export type EngineName = (typeof ENGINES)[number];

export const SCENARIO_NAMES: readonly string[] = Object.keys(SCENARIOS);
