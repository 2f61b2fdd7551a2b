import { expect, test } from 'vitest';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { MAP_DEFINITIONS } from '../jit/test-environment.ts';
import { validProgram } from '../fuzz/valid-programs.ts';

/** What the verifier says of a program, with its whole log. */
const judge = (seed: number): unknown => verifyProgram(validProgram(seed, 'judged'), MAP_DEFINITIONS, { logLevel: 2 });

test('a verdict is the same cold and after a thousand other programs', () => {
  const seeds = Array.from({ length: 20 }, (_, index) => 7000 + index);
  const cold = seeds.map(judge);
  for (let seed = 1; seed <= 1000; seed++) verifyProgram(validProgram(seed, 'other'), MAP_DEFINITIONS);
  expect(seeds.map(judge)).toEqual(cold);
}, 60_000);
