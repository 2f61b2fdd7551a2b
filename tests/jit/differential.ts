import { expect } from 'vitest';
import type { EnginePrograms } from '../../src/abi/execution.ts';
import type { Program } from '../../src/abi/program-image.ts';
import type { MemoryAccess } from '../../src/abi/verified-image.ts';
import { joinHalves } from '../../src/isa/words.ts';
import { compileImage } from '../../src/jit/compile.ts';
import { planProgram } from '../../src/jit/plan.ts';
import { interpretImage } from '../../src/runtime/interpreter/interpreter.ts';
import { imageOf } from './programs.ts';
import { PLACES, testEnvironment } from './test-environment.ts';

export interface Outcome {
  /** r0, unsigned 64 bit. */
  readonly result: bigint;
  /** The whole arena afterwards, but for the result slot. */
  readonly memory: Uint8Array;
}

/** Runs a program `times` times over one environment. */
export function outcomeOf(programs: EnginePrograms, name: string, input: Uint8Array, times = 1): Outcome {
  const environment = testEnvironment();
  const memory = new Uint8Array(environment.buffer);
  memory.set(input, PLACES.context);
  const run = programs.get(name)!(environment);
  let result = 0n;
  for (let i = 0; i < times; i++) {
    const low = run(PLACES.context);
    result = joinHalves(low, new Int32Array(environment.buffer)[PLACES.resultHigh >> 2]!);
  }
  memory.fill(0, PLACES.resultHigh, PLACES.resultHigh + 4);
  return { result, memory: memory.slice() };
}

/** Demands that generated code does to r0 and to every byte of memory what the interpreter does; gives r0. */
export function expectSame(
  program: Program,
  {
    input = new Uint8Array(),
    accesses = {},
    times = 1,
  }: { input?: Uint8Array; accesses?: Readonly<Record<number, MemoryAccess>>; times?: number } = {},
): bigint {
  const image = imageOf([program], accesses);
  const wanted = outcomeOf(interpretImage(image), program.name, input, times);
  const { functions } = planProgram(image.programs[0]!, image.image.maps);
  const keepsStack = [...functions.values()].every(({ stackWords }) => stackWords.size === 0);
  for (const tier of ['js', 'wasm'] as const) {
    const compiled = compileImage(image, tier);
    const got = outcomeOf(compiled.programs, program.name, input, times);
    // Nobody sees what a program leaves on its stack: words of it may have been in variables.
    if (!keepsStack) for (const { memory } of [got, wanted]) memory.fill(0, PLACES.stackTop - 0x1000, PLACES.stackTop);
    // Comparing buffers is much faster than a deep comparison; that and the source are for the message only.
    if (got.result === wanted.result && Buffer.compare(got.memory, wanted.memory) === 0) continue;
    expect(got, `${tier}\n${compiled.source()}`).toEqual(wanted);
  }
  return wanted.result;
}
