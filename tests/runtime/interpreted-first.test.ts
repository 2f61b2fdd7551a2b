import { expect, test } from 'vitest';
import type { CompiledProgram } from '../../src/abi/execution.ts';
import { ENGINES } from '../../src/runtime/engines.ts';
import { interpretedFirst } from '../../src/runtime/interpreted-first.ts';
import type { Program } from '../../src/abi/program-image.ts';
import type { VerifiedImage } from '../../src/abi/verified-image.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { imageOf, programOf } from '../jit/programs.ts';
import { PLACES, testEnvironment } from '../jit/test-environment.ts';

const COUNTING = `
  call get_current_pid_tgid
  *(u32 *)(r10 -4) = 1
  r1 = map[0]
  r2 = r10
  r2 += -4
  call map_lookup_elem
  if r0 == 0 goto out
  r1 = *(u64 *)(r0 +0)
  r1 += 1
  *(u64 *)(r0 +0) = r1
out:
  r0 = 0
  exit`;
const looping = (rounds: number): string => `
  r0 = 0
again:
  r0 += 1
  if r0 < ${rounds} goto again
  exit`;
const ENDLESS = `
  r0 = 0
again:
  may_goto out
  goto again
out:
  exit`;

function verifiedImageOf(program: Program): VerifiedImage {
  const { image } = imageOf([program]);
  const verdict = verifyProgram(program, image.maps);
  if (verdict.verdict !== 'accept') throw new Error(verdict.message);
  return { image, programs: [{ program, facts: verdict.facts }] };
}

/** Runs a program as the runtime does, and tells in which runs compiled code was there. */
function runTimes(text: string, times: number) {
  const image = verifiedImageOf(programOf(text));
  const environment = testEnvironment();
  const compiled = ENGINES.js(image).get('test')!;
  let compilations = 0;
  const programs = interpretedFirst(image, new Map([['test', (where) => (compilations++, compiled(where))]]));
  let run: CompiledProgram = programs.get('test')!(environment, (program) => (run = program));
  const counts = Array.from({ length: times }, () => (run(PLACES.context), compilations));
  return { counts, memory: Buffer.from(environment.buffer) };
}

test('a program without loops is interpreted at first, and compiled once when it has fired often', () => {
  const { counts, memory } = runTimes(COUNTING, 2000);
  expect(counts[9]).toBe(0);
  expect(counts.at(-1)).toBe(1);
  const environment = testEnvironment();
  const script = ENGINES.js(imageOf([programOf(COUNTING)])).get('test')!(environment);
  for (let i = 0; i < 2000; i++) script(PLACES.context);
  // But for the stack, which nobody reads.
  expect(
    memory.subarray(0, PLACES.stackTop - 16).equals(Buffer.from(environment.buffer, 0, PLACES.stackTop - 16)),
  ).toBe(true);
});

test('a program with a loop is interpreted for as long as its rounds are few', () => {
  // Each run takes 2 + 5 * 2 instructions.
  const { counts } = runTimes(looping(5), 1000);
  expect(counts[9]).toBe(0);
  expect(counts.at(-1)).toBe(1);
  expect(runTimes(looping(20_000), 2).counts).toEqual([1, 1]);
});

test('a program whose rounds nobody counted is compiled when it first fires', () => {
  expect(runTimes(ENDLESS, 2).counts).toEqual([1, 1]);
});

test('who takes no replacement gets compiled code', () => {
  const environment = testEnvironment();
  const image = imageOf([programOf(COUNTING)]);
  let compilations = 0;
  const compiled = ENGINES.js(image).get('test')!;
  interpretedFirst(image, new Map([['test', (where) => (compilations++, compiled(where))]])).get('test')!(environment);
  expect(compilations).toBe(1);
});
