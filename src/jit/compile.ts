import type { CompiledProgram, EnginePrograms, ExecutionEnvironment, ProgramFactory } from '../abi/execution.ts';
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
}

/**
 * Compiles a verified image. Each program is analysed and compiled when it first runs, and once more for each further
 * environment: most probes of a long script never fire. `wanted` forces a tier; programs that WebAssembly cannot express, as
 * their control flow has no structure, are compiled to JavaScript even so.
 */
export function compileImage({ image, programs }: VerifiedImage, wanted: Tier | 'auto' = 'js'): CompiledImage {
  const factories = programs.map((verified): [string, ProgramFactory] => {
    let compiled: ProgramFactory | undefined;
    const instances = new WeakMap<ExecutionEnvironment, CompiledProgram>();
    return [
      verified.program.name,
      (environment) => {
        const known = instances.get(environment);
        if (known !== undefined) return known;
        compiled ??= compileProgram(planProgram(verified, image.maps), wanted);
        const instance = compiled(environment);
        instances.set(environment, instance);
        return instance;
      },
    ];
  });
  return {
    source() {
      const plans = programs.map((verified) => planProgram(verified, image.maps));
      return compileScriptUnit(plans, image.maps).source;
    },
    programs: new Map(factories),
  };
}

/** What a program is compiled to. */
export function tierOf(plan: ProgramPlan, wanted: Tier | 'auto'): Tier {
  const tier = wanted === 'auto' ? chooseTier(plan) : wanted;
  const canBeWasm = [...plan.functions.values()].every(({ graph }) => structureOf(graph) !== undefined);
  return tier === 'wasm' && canBeWasm ? 'wasm' : 'js';
}

function compileProgram(plan: ProgramPlan, wanted: Tier | 'auto'): ProgramFactory {
  if (tierOf(plan, wanted) === 'wasm') return (environment) => compileWasmUnit([plan], plan.maps)(environment)[0]!;
  const unit = compileScriptUnit([plan], plan.maps);
  return (environment) => unit.instantiate(environment)[0]!;
}
