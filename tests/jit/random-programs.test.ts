import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planProgram } from '../../src/jit/plan.ts';
import { expectSame } from './differential.ts';
import { imageOf } from './programs.ts';
import { randomKeys, randomProgram } from './random-programs.ts';

/** A failure prints the seed and the smallest program; that program then becomes a case of programs.test.ts. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 150);

test('random programs run alike in both engines', () => {
  fc.assert(
    fc.property(randomProgram, (program) => void expectSame(program)),
    { numRuns },
  );
});

test('random lookups run alike in both engines, most with their keys in variables', () => {
  let withWords = 0;
  fc.assert(
    fc.property(randomKeys, (program) => {
      expectSame(program);
      const { image, programs } = imageOf([program]);
      const { stackWords } = planProgram(programs[0]!, image.maps).functions.get(0)!;
      if (stackWords.size > 0) withWords++;
    }),
    { numRuns },
  );
  expect(withWords).toBeGreaterThan(numRuns / 3);
});
