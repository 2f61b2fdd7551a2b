import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileImage, tierOf } from '../../src/jit/compile.ts';
import { planProgram } from '../../src/jit/plan.ts';
import { KERNEL_RESULTS } from './kernel-results.ts';
import { imageOf, programOf, rawProgram } from './programs.ts';
import { randomProgram } from './random-programs.ts';
import { MAP_DEFINITIONS } from './test-environment.ts';

function tierOfText(text: string, wanted: 'auto' | 'wasm' = 'auto'): string {
  return tierOf(planProgram(imageOf([programOf(text)]).programs[0]!, MAP_DEFINITIONS), wanted);
}

const COUNT = `
  call get_current_pid_tgid
  *(u64 *)(r10 -8) = r0
  r1 = map[4]
  r2 = r10
  r2 += -8
  call map_lookup_elem
  if r0 == 0 goto out
  r1 = 1
  lock *(u64 *)(r0 +0) += r1
out:
  r0 = 0
  exit`;
const LOOP = (body: string): string => `
  r0 = 1
  r6 = 0
again:
  ${body}
  r6 += 1
  if r6 < 1000 goto again
  exit`;

test.each([
  ['counting in a map', 'js', COUNT],
  ['a loop over 64-bit products', 'wasm', LOOP('r0 *= 31')],
  ['a loop over plain steps', 'wasm', LOOP('r0 ^= r6')],
  ['a loop that mostly calls helpers', 'js', LOOP('call get_prandom_u32')],
  ['one division of unknown words', 'wasm', 'r0 = *(u64 *)(r1 +0)\nr1 = *(u64 *)(r1 +8)\nr0 /= r1\nexit'],
  ['one division by a thousand', 'js', 'r0 = *(u64 *)(r1 +0)\nr0 /= 1000\nexit'],
  ['more code than V8 optimises', 'wasm', `r0 = 0\n${'r0 += 1\n'.repeat(3001)}exit`],
])('%s goes to %s', (_, tier, text) => {
  expect(tierOfText(text)).toBe(tier);
});

test('control flow without structure stays with JavaScript', () => {
  const text = `
    r0 = 0
    r6 = *(u64 *)(r1 +0)
    if r6 == 0 goto right
  left:
    r0 += 1
    if r0 > 10 goto done
  right:
    r0 += 2
    if r0 <= 10 goto left
  done:
    exit`;
  expect(tierOfText(text, 'wasm')).toBe('js');
});

test('generated JavaScript has no bigint, whatever the program', () => {
  const check = (source: string): void => {
    expect(source.replaceAll(/\/\/.*$/gm, '')).not.toMatch(/BigInt|\b\d+n\b/);
  };
  for (const { insns } of KERNEL_RESULTS) check(compileImage(imageOf([rawProgram(insns)])).source());
  fc.assert(
    fc.property(randomProgram, (program) => check(compileImage(imageOf([program])).source())),
    { numRuns: 50 },
  );
});
