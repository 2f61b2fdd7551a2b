import type { EnginePrograms } from '../abi/execution.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { compileImage } from '../jit/compile.ts';
import type { Tier } from '../jit/tier.ts';
import { interpretedFirst } from './interpreted-first.ts';
import { interpretImage } from './interpreter/interpreter.ts';

type Engine = (verified: VerifiedImage) => EnginePrograms;

const compile =
  (tier: Tier | 'auto'): Engine =>
  (verified) =>
    compileImage(verified, tier).programs;

/** What can run a verified image: the interpreter, which is the reference, and the two tiers of the compiler. */
export const ENGINES = {
  /** The interpreter first, then for each program the tier that should be faster (src/jit/tier.ts tells the rule). */
  auto: (verified) => interpretedFirst(verified, compile('auto')(verified)),
  js: compile('js'),
  wasm: compile('wasm'),
  interp: interpretImage,
} as const satisfies Record<string, Engine>;
export type EngineName = keyof typeof ENGINES;

/** The JavaScript that the JIT makes of an image, for `-d js`. */
export function generatedSource(verified: VerifiedImage): string {
  return compileImage(verified).source();
}
