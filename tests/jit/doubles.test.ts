import { expect, test } from 'vitest';
import { compileImage } from '../../src/jit/compile.ts';
import { expectSame } from './differential.ts';
import { imageOf, programOf } from './programs.ts';

const sourceOf = (text: string): string => compileImage(imageOf([programOf(text)])).source();
const end = '\nr0 = 0\nexit';

test.each([
  ['zero', 0n],
  ['a small number', 7n],
  ['the bits of -0', 1n << 63n],
  ['the bits of infinity', 0x7ff0000000000000n],
  ['the bits of a quiet NaN', 0x7ff8000000000001n],
  ['the bits of a signalling NaN', 0x7ff0000000000001n],
  ['a kernel address, which is a NaN', 0xffff888012345678n],
  ['the least double', 1n],
  ['the greatest double', 0x7fefffffffffffffn],
  ['-1', 0xffffffffffffffffn],
])('%s is stored bit by bit', (_, value) => {
  expectSame(programOf(`r2 = 0x${value.toString(16)}ll\n*(u64 *)(r1 +8) = r2\n*(u64 *)(r10 -8) = r2${end}`));
});

test('times and process ids go from their place to a record in one access, other words do not', () => {
  const store = (helper: string): string => `r6 = r1\ncall ${helper}\n*(u64 *)(r6 +8) = r0${end}`;
  expect(sourceOf(store('ktime_get_ns'))).toContain('HEAPF64[(ctx >> 3) + 1] = HEAPF64[TIME >> 3];');
  expect(sourceOf(store('get_current_pid_tgid'))).toContain('HEAPF64[(ctx >> 3) + 1] = HEAPF64[PID_TGID >> 3];');
  expect(sourceOf(store('get_current_task'))).not.toContain('HEAPF64');
  for (const helper of ['ktime_get_ns', 'get_current_pid_tgid', 'get_current_uid_gid'])
    expectSame(programOf(store(helper)));
});

test.each([
  ['a store of its low word only', 'r6 = r1\ncall ktime_get_ns\n*(u32 *)(r6 +8) = r0'],
  ['a store where no word begins', 'r6 = r1\ncall ktime_get_ns\n*(u64 *)(r6 +12) = r0'],
  ['a time that was changed', 'r6 = r1\ncall ktime_get_ns\nr0 += 1\n*(u64 *)(r6 +8) = r0'],
  [
    'a time that another helper came after',
    'r6 = r1\ncall ktime_get_ns\nr7 = r0\ncall get_prandom_u32\n*(u64 *)(r6 +8) = r7',
  ],
  [
    'a time on one way only',
    'r6 = r1\nr7 = *(u64 *)(r1 +0)\ncall ktime_get_ns\nif r7 == 0 goto +1\nr0 = r7\n*(u64 *)(r6 +8) = r0',
  ],
])('not %s', (_, body) => {
  expect(sourceOf(body + end)).not.toContain('HEAPF64[TIME');
  if (!body.includes('prandom'))
    for (const first of [0, 1]) expectSame(programOf(body + end), { input: Uint8Array.of(first) });
});
