import { expect, test } from 'vitest';
import { expectSame } from './differential.ts';
import { KERNEL_RESULTS } from './kernel-results.ts';
import { rawProgram } from './programs.ts';

test.each(KERNEL_RESULTS)('$name returns what the kernel returned', ({ insns, input, retval }) => {
  expect(Number(BigInt.asUintN(32, expectSame(rawProgram(insns), { input })))).toBe(retval >>> 0);
});
