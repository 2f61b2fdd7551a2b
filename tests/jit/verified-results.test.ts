import { expect, test } from 'vitest';
import { joinHalves } from '../../src/isa/words.ts';
import { compileImage } from '../../src/jit/compile.ts';
import { createAccessChecker } from '../../src/runtime/interpreter/access-checker.ts';
import { interpretProgram } from '../../src/runtime/interpreter/interpreter.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { outcomeOf } from './differential.ts';
import { KERNEL_RESULTS } from './kernel-results.ts';
import { rawProgram } from './programs.ts';
import { PLACES, testEnvironment } from './test-environment.ts';

// The verifier's facts choose how generated code reaches memory, so these programs also run with the facts found for them.
test.each(KERNEL_RESULTS)('$name, verified, returns what the kernel returned', ({ insns, type, input, retval }) => {
  const program = { ...rawProgram(insns), type };
  const verdict = verifyProgram(program, []);
  if (verdict.verdict !== 'accept') throw new Error(verdict.message);
  const image = { programs: [program], maps: [] };
  const verified = { image, programs: [{ program, facts: verdict.facts }] };
  const [result, inWasm] = (['js', 'wasm'] as const).map(
    (tier) => outcomeOf(compileImage(verified, tier).programs, program.name, input).result,
  );
  expect(Number(BigInt.asUintN(32, result!))).toBe(retval >>> 0);
  expect(inWasm).toBe(result);

  const environment = testEnvironment();
  new Uint8Array(environment.buffer).set(input, PLACES.context);
  const context = { size: input.length, writable: false };
  const checker = createAccessChecker({ image, environment, context, lenientStack: true });
  const low = interpretProgram(program, environment, { checker, accesses: verdict.facts.accesses })(PLACES.context);
  const high = new Int32Array(environment.buffer)[PLACES.resultHigh >> 2]!;
  expect(joinHalves(low, high)).toBe(result);
});
