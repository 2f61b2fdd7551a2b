import { expect, test } from 'vitest';
import { createArena } from '../../src/simkernel/memory/arena.ts';

test.each([2 ** 28, 2 ** 31, 2 ** 32, 2 ** 32 + 8, 2 ** 53, Infinity])('a block of %d bytes is refused', (size) => {
  const arena = createArena(() => undefined);
  const first = arena.allocate(70_000);
  expect(() => arena.allocate(size)).toThrow('guest memory is full');
  expect(arena.heapBytes()).toBe(73_728);
  expect(arena.allocate(16)).toBe(first + 73_728);
});

test.each([1, 64, 65, 65_536, 65_537, 1_000_000])('a freed block of %d bytes is cleared and used again', (size) => {
  const arena = createArena(() => undefined);
  const at = arena.allocate(size);
  arena.bytes.fill(0xff, at, at + size);
  arena.free(at, size);
  expect(arena.heapBytes()).toBe(0);
  expect(arena.allocate(size)).toBe(at);
  expect(arena.bytes.subarray(at, at + size).every((byte) => byte === 0)).toBe(true);
});
