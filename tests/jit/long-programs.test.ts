import { describe, expect, test } from 'vitest';
import { compileImage, tierOf } from '../../src/jit/compile.ts';
import { planProgram } from '../../src/jit/plan.ts';
import { interpretImage } from '../../src/runtime/interpreter/interpreter.ts';
import { imageOf, programOf } from './programs.ts';
import { MAP_DEFINITIONS, PLACES, testEnvironment } from './test-environment.ts';

const repeat = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
const START = 'r6 = *(u32 *)(r1 +0)\nr0 = 7\n';

/** Each test is passed to get to the next; the way out follows it. */
const earlyReturns = (count: number): string =>
  `${START}${repeat(count, (i) => `if r6 != ${i} goto next${i}\nr0 = ${i + 1}\nexit\nnext${i}:`)}\nexit`;
/** The ways out stand behind all tests. */
const farReturns = (count: number): string =>
  `${START}${repeat(count, (i) => `if r6 == ${i} goto out${i}`)}\nexit\n${repeat(count, (i) => `out${i}:\nr0 = ${i + 1}\nexit`)}`;
/** Each test jumps into what follows the inside of the next: blocks as deep as there are tests. */
const nested = (count: number): string =>
  `${START}${repeat(count, (i) => `if r6 == ${i} goto out${i}`)}\n${repeat(count, (i) => `r0 += 1\nout${count - 1 - i}:`)}\nexit`;
/** All tests lead to one end. */
const commonEnd = (count: number): string =>
  `${START}${repeat(count, (i) => `r0 += 1\nif r6 == ${i} goto out`)}\nout:\nexit`;

describe.each([
  {
    what: '20,000 early returns',
    text: earlyReturns(20_000),
    tier: 'wasm',
    results: { 0: 1, 19_999: 20_000, 20_000: 7 },
  },
  { what: '3,000 returns at the end', text: farReturns(3000), tier: 'wasm', results: { 0: 1, 2999: 3000, 3000: 7 } },
  { what: '3,000 jumps to one end', text: commonEnd(3000), tier: 'wasm', results: { 0: 8, 2999: 3007, 9000: 3007 } },
  { what: '300 nested conditions', text: nested(300), tier: 'wasm', results: { 0: 7, 299: 306, 300: 307 } },
  // Deeper than a parser, or a recursion of ours, would stand.
  { what: '3,000 nested conditions', text: nested(3000), tier: 'js', results: { 0: 7, 2999: 3006, 3000: 3007 } },
])('$what', ({ text, tier, results }) => {
  const program = programOf(text);
  const image = imageOf([program]);
  const engines = {
    interp: () => interpretImage(image),
    js: () => compileImage(image, 'js').programs,
    wasm: () => compileImage(image, 'wasm').programs,
  };
  test.each(['interp', 'js', 'wasm'] as const)('run in %s', (engine) => {
    const programs = engines[engine]();
    // One environment: code is compiled anew for each.
    const environment = testEnvironment();
    const words = new Int32Array(environment.buffer);
    const run = programs.get(program.name)!(environment);
    for (const [input, result] of Object.entries(results)) {
      words[PLACES.context >> 2] = Number(input);
      expect(run(PLACES.context)).toBe(result);
    }
  });
  test(`become ${tier} where WebAssembly is wanted`, () => {
    expect(tierOf(planProgram(image.programs[0]!, MAP_DEFINITIONS), 'wasm')).toBe(tier);
  });
});
