import type { CompiledProgram, EnginePrograms, ExecutionEnvironment } from '../abi/execution.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { planProgram, type ProgramPlan } from './plan.ts';
import { compileScriptUnit } from './script-unit.ts';
import { structureOf } from './structure.ts';
import { chooseTier, type Tier } from './tier.ts';
import { compileWasmUnit } from './wasm/unit.ts';

export interface CompiledImage {
  /** The JavaScript of all programs, whichever tier runs them. */
  readonly source: () => string;
  readonly programs: EnginePrograms;
  /** What each program, by its name, was compiled to. */
  readonly tiers: ReadonlyMap<string, Tier>;
}

/** A unit's programs, compiled when the first of them runs and once per environment. */
function lazily(
  instantiate: () => (environment: ExecutionEnvironment) => readonly CompiledProgram[],
): (environment: ExecutionEnvironment) => readonly CompiledProgram[] {
  let compiled: ReturnType<typeof instantiate> | undefined;
  const units = new WeakMap<ExecutionEnvironment, readonly CompiledProgram[]>();
  return (environment) => {
    let unit = units.get(environment);
    if (unit === undefined) {
      compiled ??= instantiate();
      unit = compiled(environment);
      units.set(environment, unit);
    }
    return unit;
  };
}

/**
 * Compiles a verified image: the programs of each tier in one unit. `wanted` forces a tier; programs that WebAssembly
 * cannot express, as their control flow has no structure, are compiled to JavaScript even so.
 */
export function compileImage({ image, programs }: VerifiedImage, wanted: Tier | 'auto' = 'js'): CompiledImage {
  const plans = programs.map((verified) => planProgram(verified, image.maps));
  const canBeWasm = ({ functions }: ProgramPlan): boolean =>
    [...functions.values()].every(({ graph }) => structureOf(graph) !== undefined);
  const tierOf = (plan: ProgramPlan): Tier => {
    const tier = wanted === 'auto' ? chooseTier(plan) : wanted;
    return tier === 'wasm' && !canBeWasm(plan) ? 'js' : tier;
  };
  const tiers = plans.map(tierOf);
  const plansOf = (tier: Tier): ProgramPlan[] => plans.filter((_, index) => tiers[index] === tier);
  const units: Record<Tier, (environment: ExecutionEnvironment) => readonly CompiledProgram[]> = {
    js: lazily(() => compileScriptUnit(plansOf('js'), image.maps).instantiate),
    wasm: lazily(() => compileWasmUnit(plansOf('wasm'), image.maps)),
  };
  const places = plans.map((plan, index) => ({
    name: plan.verified.program.name,
    tier: tiers[index]!,
    at: plansOf(tiers[index]!).indexOf(plan),
  }));
  return {
    source: () => compileScriptUnit(plans, image.maps).source,
    programs: new Map(places.map(({ name, tier, at }) => [name, (environment) => units[tier](environment)[at]!])),
    tiers: new Map(places.map(({ name, tier }) => [name, tier])),
  };
}
