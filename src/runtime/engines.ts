import type { EnginePrograms } from '../abi/execution.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { compileImage } from '../jit/compile.ts';
import { interpretImage } from './interpreter/interpreter.ts';

type Engine = (verified: VerifiedImage) => EnginePrograms;

const compile: Engine = (verified) => compileImage(verified).programs;

/** What can run a verified image: the interpreter, which is the reference, and the compiler to JavaScript. */
export const ENGINES = {
  /** The faster one. */
  auto: compile,
  js: compile,
  interp: interpretImage,
} as const satisfies Record<string, Engine>;
export type EngineName = keyof typeof ENGINES;

/** The JavaScript that the JIT makes of an image, for `-d js`. */
export function generatedSource(verified: VerifiedImage): string {
  return compileImage(verified).source;
}
