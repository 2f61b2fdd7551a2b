import fc from 'fast-check';
import { test } from 'vitest';
import { expectSame } from './differential.ts';
import { randomProgram } from './random-programs.ts';

/** A failure prints the seed and the smallest program; that program then becomes a case of programs.test.ts. */
test('random programs run alike in both engines', () => {
  fc.assert(
    fc.property(randomProgram, (program) => void expectSame(program)),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 150) },
  );
});
