import { expect, test } from 'vitest';
import { openArena } from '../../../src/runtime/arena.ts';
import { createMap } from '../../../src/runtime/maps/create-map.ts';
import { STORAGE_CREATE, type TaskStorageMap } from '../../../src/runtime/maps/task-storage-map.ts';
import { createTestMachine } from '../test-machine.ts';

function setUp() {
  const machine = createTestMachine();
  const arena = openArena(machine.kernel.memory);
  const listeners = new Set<(task: number) => void>();
  const map = createMap({ name: 'm', type: 'task_storage', keySize: 4, valueSize: 12, maxEntries: 0, flags: 1 }, 0, {
    arena,
    cpus: 2,
    cpu: machine.kernel.current.cpu,
    onTaskFreed(callback) {
      listeners.add(callback);
      return () => void listeners.delete(callback);
    },
  });
  if ('error' in map) throw new Error(map.error);
  const initial = arena.memory.allocate(16, 8);
  arena.words.set([1, 2, 3, 4], initial >> 2);
  const words = (at: number): number[] => [...arena.words.subarray(at >> 2, (at >> 2) + 3)];
  return {
    map: map as TaskStorageMap,
    arena,
    initial,
    words,
    free: (task: number) => listeners.forEach((freed) => freed(task)),
    listeners,
  };
}

test('the flag that makes a value is BPF_LOCAL_STORAGE_GET_F_CREATE', () => {
  expect(STORAGE_CREATE).toBe(1);
});

test('a task has no value until one is made, and then the same one each time', () => {
  const { map } = setUp();
  expect(map.valueOf(64, false, 0)).toBe(0);
  const value = map.valueOf(64, true, 0);
  expect(value).not.toBe(0);
  expect(map.valueOf(64, true, 0)).toBe(value);
  expect(map.valueOf(64, false, 0)).toBe(value);
  expect(map.valueOf(128, true, 0)).not.toBe(value);
});

test('a new value is zero, or a copy of what the program gave; one that is there keeps what it holds', () => {
  const { map, initial, words, arena } = setUp();
  expect(words(map.valueOf(64, true, 0))).toEqual([0, 0, 0]);
  const value = map.valueOf(128, true, initial);
  expect(words(value)).toEqual([1, 2, 3]);
  arena.words[value >> 2] = 9;
  expect(words(map.valueOf(128, true, initial))).toEqual([9, 2, 3]);
});

test('deleting says whether there was a value, and what comes next starts anew elsewhere', () => {
  const { map, initial, words } = setUp();
  expect(map.remove(64)).toBe(-2);
  const value = map.valueOf(64, true, initial);
  expect(map.remove(64)).toBe(0);
  expect(map.remove(64)).toBe(-2);
  expect(map.valueOf(64, false, 0)).toBe(0);
  const next = map.valueOf(64, true, 0);
  expect(next).not.toBe(value);
  expect(words(next)).toEqual([0, 0, 0]);
  // What a program that still holds the old address sees is unchanged.
  expect(words(value)).toEqual([1, 2, 3]);
});

test('values go with their tasks, and memory stays flat', () => {
  const { map, free } = setUp();
  const places = new Set<number>();
  for (let task = 64; task < 64 * 2000; task += 64) {
    places.add(map.valueOf(task, true, 0));
    free(task);
    expect(map.valueOf(task, false, 0)).toBe(0);
  }
  expect(places.size).toBeLessThan(100);
});

test('there is no value where the machine has no memory for one', () => {
  const { map, arena } = setUp();
  const known = map.valueOf(64, true, 0);
  try {
    for (;;) arena.memory.allocate(1 << 20, 8);
  } catch {
    // Less than a megabyte is left: small blocks next.
  }
  const values = Array.from({ length: 1 << 17 }, (_, index) => map.valueOf(128 + 64 * index, true, 0));
  expect(values.at(-1)).toBe(0);
  expect(map.valueOf(64, false, 0)).toBe(known);
});

test('a map that nobody uses any more does not listen to the machine', () => {
  const { map, listeners } = setUp();
  expect(listeners.size).toBe(1);
  map.release!();
  expect(listeners.size).toBe(0);
});

test('user space clears all of them, and cannot walk them', () => {
  const { map } = setUp();
  map.valueOf(64, true, 0);
  expect(map.collect()).toEqual([]);
  map.clear();
  expect(map.valueOf(64, false, 0)).toBe(0);
});

test('the kernel wants BPF_F_NO_PREALLOC for it', () => {
  const { arena } = setUp();
  const definition = { name: 'm', type: 'task_storage', keySize: 4, valueSize: 8, maxEntries: 0, flags: 0 } as const;
  expect(createMap(definition, 0, { arena, cpus: 1, cpu: 0 })).toEqual({
    error: expect.stringContaining('BPF_F_NO_PREALLOC') as string,
  });
});
