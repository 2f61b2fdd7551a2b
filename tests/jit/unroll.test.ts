import { expect, test } from 'vitest';
import { planProgram } from '../../src/jit/plan.ts';
import { expectSame } from './differential.ts';
import { imageOf, programOf } from './programs.ts';

/** How many copies of the instruction `r0 ^= r6` a program is compiled to. */
function copiesOf(text: string): number {
  const { image, programs } = imageOf([programOf(text)]);
  const { graph } = planProgram(programs[0]!, image.maps).functions.get(0)!;
  const steps = graph.blocks.flatMap((block) => block.steps);
  return steps.filter(({ operation }) => operation.kind === 'alu' && operation.op === 'xor').length;
}

const loop = (start: number, step: string, question: string, more = ''): string => `
  r1 = *(u64 *)(r1 +0)
  r0 = 0
  r6 = ${start}
again:
  r0 += r1
  r0 ^= r6
  ${more}
  ${step}
  ${question}
  exit`;
const upTo = (limit: number, op = '<'): string => `if r6 ${op} ${limit} goto again`;

test.each<[string, number, string]>([
  ['a thousand turns', 8, loop(0, 'r6 += 1', upTo(1000))],
  ['turns that only four divides', 4, loop(0, 'r6 += 1', upTo(12))],
  ['turns that only two divides', 2, loop(0, 'r6 += 1', upTo(6, '!='))],
  ['an odd number of turns, which stays a loop', 1, loop(0, 'r6 += 1', upTo(7))],
  ['a counter that starts above zero', 8, loop(4, 'r6 += 1', upTo(20, 's<'))],
  ['a counter that grows by three', 4, loop(0, 'r6 += 3', upTo(12))],
  ['a counter that passes its end, which stays a loop', 1, loop(0, 'r6 += 3', upTo(16))],
  ['a loop that ends by a jump out', 8, loop(0, 'r6 += 1', 'if r6 == 16 goto done\ngoto again\ndone:')],
  ['a loop that ends at or above its limit', 8, loop(0, 'r6 += 1', 'if r6 >= 16 goto done\ngoto again\ndone:')],
  ['a counter of 32 bits', 8, loop(0, 'w6 += 1', 'if w6 < 16 goto again')],
  ['a counter that changes twice, which stays a loop', 1, loop(0, 'r6 += 1', upTo(16), 'r6 += 1')],
  ['a body that calls, which stays a loop', 1, loop(0, 'r6 += 1', upTo(16), 'r7 = r0\ncall get_prandom_u32\nr0 = r7')],
  ['a loop of its own limit inclusive, which stays a loop', 1, loop(0, 'r6 += 1', upTo(16, '<='))],
])('%s', (_, copies, text) => {
  // The last block's copies are all: nothing else xors.
  expect(copiesOf(text)).toBe(copies);
  if (!text.includes('call')) expectSame(programOf(text), { input: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
});

test('a counter that two ways start differently stays a loop', () => {
  const text = `
    r1 = *(u64 *)(r1 +0)
    r0 = 0
    r6 = 0
    if r1 == 0 goto again
    r6 = 8
  again:
    r0 += 7
    r0 ^= r6
    r6 += 1
    if r6 != 16 goto again
    exit`;
  expect(copiesOf(text)).toBe(1);
  expectSame(programOf(text));
  expectSame(programOf(text), { input: Uint8Array.of(1) });
});

test('a division in a loop that is written out divides in each turn', () => {
  expectSame(
    programOf(loop(1, 'r6 += 1', upTo(17), 'r2 = r0\nr2 /= r6\nr3 = r0\nr3 %= r6\nr0 += r2\nr0 *= 31\nr0 += r3')),
    { input: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 200) },
  );
});

test('a loop that a function begins with stays one: its callers choose where it starts', () => {
  const program = programOf(`
    r1 = 4
    r2 = 1
    r3 = 0
    call again
    exit
  again:
    r3 += 1
    r1 += 1
    if r1 < 8 goto again
    r1 = 0
    r2 += -1
    if r2 s>= 0 goto again
    r0 = r3
    exit`);
  expect(expectSame(program)).toBe(12n);
});
