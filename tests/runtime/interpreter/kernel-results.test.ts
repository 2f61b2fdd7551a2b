import { expect, test } from 'vitest';
import { interpretProgram } from '../../../src/runtime/interpreter/interpreter.ts';
import { KERNEL_RESULTS } from '../../jit/kernel-results.ts';
import { PLACES, testEnvironment } from '../../jit/test-environment.ts';
import { rawProgram } from '../../jit/programs.ts';

test.each(KERNEL_RESULTS)('$name returns what the kernel returned', ({ insns, input, retval }) => {
  const environment = testEnvironment();
  new Uint8Array(environment.buffer).set(input, PLACES.context);
  const run = interpretProgram(rawProgram(insns), environment);
  expect(run(PLACES.context) >>> 0).toBe(retval >>> 0);
});
