import { expect, test } from 'vitest';
import type { ProgramImage } from '../../src/abi/program-image.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import { createAccessChecker } from '../../src/runtime/interpreter/access-checker.ts';
import { interpretProgram } from '../../src/runtime/interpreter/interpreter.ts';
import { compileImage } from '../../src/jit/compile.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { MAP_DEFINITIONS } from '../jit/programs.ts';
import { PLACES, testEnvironment } from '../jit/test-environment.ts';
import { chance, randomProgram } from './random-programs.ts';

const WORDS = [
  0n,
  1n,
  7n,
  8n,
  15n,
  16n,
  24n,
  255n,
  0xffn << 8n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 32n,
  1n << 63n,
];

function randomContext(seed: number): Uint8Array {
  const next = chance(seed);
  const words = new BigUint64Array(12);
  for (let i = 0; i < words.length; i++) {
    const word = WORDS[next(WORDS.length)]!;
    words[i] = BigInt.asUintN(
      64,
      next(3) === 0 ? -word : next(3) === 0 ? BigInt(next(0x7fffffff)) * 2654435761n : word,
    );
  }
  return new Uint8Array(words.buffer);
}

/** Runs an accepted program where every access is checked, and as generated code with the verifier's facts. */
function run(seed: number): 'refused' | 'ran' {
  const program = randomProgram(seed);
  const verdict = verifyProgram(program, MAP_DEFINITIONS);
  if (verdict.verdict === 'reject') return 'refused';
  const image: ProgramImage = { programs: [program], maps: MAP_DEFINITIONS };
  const verified = { image, programs: [{ program, facts: verdict.facts }] };
  const compiled = compileImage(verified).programs.get(program.name)!;
  for (let round = 0; round < 3; round++) {
    const context = randomContext(seed * 7 + round);
    const environment = testEnvironment();
    const memory = new Uint8Array(environment.buffer);
    memory.set(context, PLACES.context);
    const checker = createAccessChecker({
      image,
      environment,
      context: { size: context.length, writable: false },
      lenientStack: true,
    });
    const options = { checker, accesses: verdict.facts.accesses, maxSteps: 1_000_000 };
    const result = interpretProgram(program, environment, options)(PLACES.context);
    const other = testEnvironment();
    const otherMemory = new Uint8Array(other.buffer);
    otherMemory.set(context, PLACES.context);
    expect(compiled(other)(PLACES.context)).toBe(result);
    expect(Buffer.compare(otherMemory, memory)).toBe(0);
  }
  return 'ran';
}

/** FUZZ_RUNS=100000 takes hours. */
const LONGEST_MS = 24 * 3600 * 1000;

test(
  'accepted programs touch only what is theirs, and facts let generated code do the same',
  () => {
    const first = Number(process.env['FUZZ_SEED'] ?? 1);
    const count = Number(process.env['FUZZ_RUNS'] ?? 400);
    let ran = 0;
    for (let seed = first; seed < first + count; seed++) {
      try {
        if (run(seed) === 'ran') ran++;
      } catch (error) {
        const text = disassembleProgram(randomProgram(seed).insns);
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n${text}`, {
          cause: error,
        });
      }
    }
    // A fuzzer whose programs are all refused proves nothing.
    expect(ran).toBeGreaterThan(count / 50);
    if (process.env['FUZZ_RUNS'] !== undefined) console.log(`${ran} of ${count} programs accepted and run`);
  },
  LONGEST_MS,
);
