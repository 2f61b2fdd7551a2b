import { describe, expect, test } from 'vitest';
import type { MapType } from '../../../src/abi/map-types.ts';
import { openArena } from '../../../src/runtime/arena.ts';
import type { BpfMap, MapHost } from '../../../src/runtime/maps/bpf-map.ts';
import { createMap } from '../../../src/runtime/maps/create-map.ts';
import type { QueueMap } from '../../../src/runtime/maps/queue-map.ts';
import type { RingBuffer } from '../../../src/runtime/maps/ring-buffer.ts';
import type { StackTraceMap } from '../../../src/runtime/maps/stack-trace-map.ts';
import { createTestMachine } from '../test-machine.ts';

function setUp(type: MapType, maxEntries: number, keySize = 8, valueSize = 8) {
  const machine = createTestMachine({ cpus: 3 });
  const arena = openArena(machine.kernel.memory);
  const host: MapHost = { arena, cpus: 3, cpu: machine.kernel.current.cpu };
  const map = createMap({ name: 'm', type, keySize, valueSize, maxEntries, flags: 0 }, 0, host);
  if ('error' in map) throw new Error(map.error);
  const key = arena.memory.allocate(64, 8);
  const value = arena.memory.allocate(64, 8);
  const put = (k: number, v: number, flags = 0): number => {
    arena.view.setInt32(key, k, true);
    arena.view.setInt32(value, v, true);
    return map.update(key, value, flags);
  };
  const get = (k: number): number | undefined => {
    arena.view.setInt32(key, k, true);
    const at = map.lookup(key);
    return at === 0 ? undefined : arena.view.getInt32(at, true);
  };
  const remove = (k: number): number => {
    arena.view.setInt32(key, k, true);
    return map.delete(key);
  };
  const contents = (): number[][] =>
    map.collect().map((element) => [...new Int32Array(element.key.buffer), ...new Int32Array(element.value.buffer)]);
  return { machine, arena, map: map as BpfMap, put, get, remove, contents, key, value };
}

describe('hash maps', () => {
  test('keep what was stored, also after deletions that shift the index', () => {
    const { put, get, remove } = setUp('hash', 100);
    for (let i = 0; i < 100; i++) expect(put(i, i * 3)).toBe(0);
    for (let i = 0; i < 100; i += 2) expect(remove(i)).toBe(0);
    for (let i = 0; i < 100; i++) expect(get(i)).toBe(i % 2 === 0 ? undefined : i * 3);
    for (let i = 100; i < 150; i++) expect(put(i, i)).toBe(0);
    for (let i = 1; i < 100; i += 2) expect(get(i)).toBe(i * 3);
  });
  test('refuse one element too many with E2BIG, but still update', () => {
    const { put, get } = setUp('hash', 4);
    for (let i = 0; i < 4; i++) put(i, i);
    expect(put(4, 4)).toBe(-7);
    expect(put(3, 33)).toBe(0);
    expect(get(3)).toBe(33);
  });
  test.each([
    ['NOEXIST on an existing key', 1, 1, -17],
    ['EXIST on a missing key', 2, 2, -2],
    ['EXIST on an existing key', 1, 2, 0],
    ['NOEXIST on a missing key', 2, 1, 0],
    ['an unknown flag', 1, 8, -22],
  ])('answer an update with %s', (_name, key, flags, result) => {
    const { put } = setUp('hash', 4);
    put(1, 1);
    expect(put(key, 5, flags)).toBe(result);
  });
  test('answer the deletion of a missing key with ENOENT', () => {
    expect(setUp('hash', 4).remove(9)).toBe(-2);
  });
  test('keep the address of a value while others come and go', () => {
    const { map, put, remove, key, arena } = setUp('hash', 8);
    put(1, 11);
    const before = map.lookup(key);
    for (let i = 2; i < 9; i++) put(i, i);
    for (let i = 2; i < 9; i++) remove(i);
    arena.view.setInt32(key, 1, true);
    expect(map.lookup(key)).toBe(before);
  });
  test('compare whole keys of odd sizes', () => {
    const { map, arena, key, value } = setUp('hash', 8, 5, 4);
    arena.bytes.set([1, 2, 3, 4, 5], key);
    map.update(key, value, 0);
    arena.bytes[key + 4] = 6;
    expect(map.lookup(key)).toBe(0);
    arena.bytes[key + 4] = 5;
    expect(map.lookup(key)).not.toBe(0);
  });
  test.each([4, 8, 12, 16])('find keys of %i bytes at unaligned addresses', (keySize) => {
    const { map, arena, key, value } = setUp('hash', 8, keySize, 8);
    for (let i = 0; i < keySize; i++) arena.bytes[key + i] = i + 1;
    map.update(key, value, 0);
    arena.bytes.copyWithin(key + 33, key, key + keySize);
    expect(map.lookup(key + 33)).toBe(map.lookup(key));
    expect(map.lookup(key + 33)).not.toBe(0);
    arena.bytes[key + 33 + keySize - 1] = 0;
    expect(map.lookup(key + 33)).toBe(0);
  });
  test('visit each element once while the visitor deletes them', () => {
    const { map, put, arena } = setUp('hash', 16);
    for (let i = 0; i < 10; i++) put(i, i);
    const seen: number[] = [];
    expect(
      map.forEach((at) => {
        seen.push(arena.view.getInt32(at, true));
        map.delete(at);
        return false;
      }),
    ).toBe(10);
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(map.collect()).toEqual([]);
  });
  test('stop a visit when the visitor says so', () => {
    const { map, put } = setUp('hash', 16);
    for (let i = 0; i < 10; i++) put(i, i);
    let visited = 0;
    expect(map.forEach(() => ++visited === 3)).toBe(3);
  });
  test('zero values and delete elements for user space', () => {
    const { map, put, contents } = setUp('hash', 8);
    put(1, 5);
    put(2, 6);
    map.zero();
    expect(contents()).toEqual([
      [1, 0, 0, 0],
      [2, 0, 0, 0],
    ]);
    map.clear();
    expect(contents()).toEqual([]);
  });
});

describe('per-CPU hash maps', () => {
  test('hold one value per CPU, zero where no program wrote', () => {
    const { machine, put, get, contents } = setUp('percpu_hash', 8);
    machine.setCpu(1);
    put(7, 70);
    machine.setCpu(2);
    expect(get(7)).toBe(0);
    put(7, 71);
    expect(contents()).toEqual([[7, 0, 0, 0, 70, 0, 71, 0]]);
  });
  test('give a reused element no old values', () => {
    const { machine, put, remove, contents } = setUp('percpu_hash', 1);
    machine.setCpu(1);
    put(1, 5);
    remove(1);
    machine.setCpu(0);
    put(2, 6);
    expect(contents()).toEqual([[2, 0, 6, 0, 0, 0, 0, 0]]);
  });
});

describe('LRU hash maps', () => {
  test('evict the oldest element that was not looked up', () => {
    const { put, get } = setUp('lru_hash', 3);
    for (let i = 0; i < 3; i++) put(i, i);
    get(0);
    expect(put(3, 3)).toBe(0);
    expect([0, 1, 2, 3].map((i) => get(i) !== undefined)).toEqual([true, false, true, true]);
  });
  test('never refuse an element', () => {
    const { put, map } = setUp('lru_percpu_hash', 5);
    for (let i = 0; i < 1000; i++) expect(put(i, i)).toBe(0);
    expect(map.collect()).toHaveLength(5);
  });
});

describe('array maps', () => {
  test('have all elements from the start and none behind the end', () => {
    const { put, get, remove } = setUp('array', 4, 4, 8);
    expect([get(0), get(3), get(4), get(-1)]).toEqual([0, 0, undefined, undefined]);
    expect([put(3, 9), put(4, 9), put(3, 9, 1), remove(0)]).toEqual([0, -7, -17, -22]);
    expect(get(3)).toBe(9);
  });
  test('visit all elements, and keep the key of an outer loop while an inner one runs', () => {
    const { map, arena } = setUp('array', 3, 4, 8);
    const seen: number[] = [];
    const visited = map.forEach((key) => {
      map.forEach(() => false);
      seen.push(arena.view.getInt32(key, true));
      return seen.length === 2;
    });
    expect([visited, ...seen]).toEqual([2, 0, 1]);
    expect(map.forEach(() => false)).toBe(3);
  });
  test('tell generated code where the elements are', () => {
    const { map, put, arena } = setUp('percpu_array', 4, 4, 12);
    put(2, 42);
    const array = map.location.array!;
    expect(array).toMatchObject({ stride: 16, maxEntries: 4, cpuStride: 64 });
    expect(arena.view.getInt32(array.values + 2 * array.stride, true)).toBe(42);
  });
});

describe('ring buffers', () => {
  const setUpRing = () => {
    const base = setUp('ringbuf', 4096, 0, 0);
    const ring = base.map as RingBuffer;
    const read = (): string | undefined => {
      let text: string | undefined;
      ring.consume((at, size) => (text = String.fromCharCode(...base.arena.bytes.subarray(at, at + size))));
      return text;
    };
    const write = (text: string): void => {
      const record = ring.reserve(text.length);
      base.arena.bytes.set(new TextEncoder().encode(text), record);
      ring.submit(record, 0);
    };
    return { ...base, ring, read, write };
  };
  test('deliver records in the order of their reservation', () => {
    const { ring, read, arena } = setUpRing();
    const first = ring.reserve(1);
    const second = ring.reserve(1);
    arena.bytes[first] = 65;
    arena.bytes[second] = 66;
    ring.submit(second, 0);
    expect(read()).toBeUndefined();
    ring.submit(first, 0);
    expect([read(), read(), read()]).toEqual(['A', 'B', undefined]);
  });
  test('skip discarded records', () => {
    const { ring, read, write } = setUpRing();
    ring.discard(ring.reserve(8), 0);
    write('x');
    expect([read(), read()]).toEqual(['x', undefined]);
  });
  test('drop and count what does not fit, and recover when read', () => {
    const { ring, read } = setUpRing();
    for (let i = 0; i < 4; i++) ring.submit(ring.reserve(1016), 0);
    expect(ring.reserve(1)).toBe(0);
    expect(ring.dropped()).toBe(1);
    read();
    expect(ring.reserve(1016)).not.toBe(0);
    expect(ring.dropped()).toBe(1);
  });
  test.each([4089, 0x7fff_fff0, 0x7fff_ffff])('hold no record of %d bytes', (size) => {
    const { ring, read, write } = setUpRing();
    expect(ring.reserve(size)).toBe(0);
    write('x');
    expect([ring.dropped(), read()]).toEqual([1, 'x']);
  });
  test('keep a record that passes the end of the ring in one piece', () => {
    const { read, write } = setUpRing();
    const text = 'abcdefghij'.repeat(100);
    for (let i = 0; i < 50; i++) {
      write(text + i);
      expect(read()).toBe(text + i);
    }
  });
  test('wake the consumer for the record it waits for only', () => {
    const { ring, write, read } = setUpRing();
    let wakeUps = 0;
    ring.onData = () => wakeUps++;
    write('a');
    write('b');
    expect(wakeUps).toBe(1);
    read();
    read();
    write('c');
    expect(wakeUps).toBe(2);
  });
  test('refuse unknown flags and report a full ring to ringbuf_output', () => {
    const { ring, key } = setUpRing();
    expect([ring.output(key, 8, 4), ring.output(key, 8, 0), ring.output(key, 5000, 0)]).toEqual([-22, 0, -11]);
  });
});

test('stack maps give one id to one stack and refuse another with the same id', () => {
  const { map, arena } = setUp('stack_trace', 1, 4, 24);
  const stacks = map as StackTraceMap;
  const trace = arena.memory.allocate(24, 8);
  arena.view.setBigUint64(trace, 0xffffffff81000000n, true);
  const id = stacks.idOf(trace, 3, 0);
  expect(stacks.idOf(trace, 3, 0)).toBe(id);
  arena.view.setBigUint64(trace, 0xffffffff81000008n, true);
  expect(stacks.idOf(trace, 3, 0)).toBe(-17);
  expect(stacks.idOf(trace, 3, 1 << 10)).toBe(id);
});

test('a map type that nobody implements is refused with a reason', () => {
  expect(() => setUp('array_of_maps', 4, 4, 4)).toThrow('map type array_of_maps is not supported');
});

/** What bpf_map_update_elem returns for [flags, whether the key is there] (kernel/bpf/hashtab.c, arraymap.c; include/uapi/linux/bpf.h). */
describe.each<[MapType, Record<string, number>]>([
  ['hash', { 'any new': 0, 'any old': 0, 'noexist new': 0, 'noexist old': -17, 'exist new': -2, 'exist old': 0 }],
  ['lru_hash', { 'any new': 0, 'any old': 0, 'noexist new': 0, 'noexist old': -17, 'exist new': -2, 'exist old': 0 }],
  [
    'percpu_hash',
    { 'any new': 0, 'any old': 0, 'noexist new': 0, 'noexist old': -17, 'exist new': -2, 'exist old': 0 },
  ],
  [
    'lru_percpu_hash',
    { 'any new': 0, 'any old': 0, 'noexist new': 0, 'noexist old': -17, 'exist new': -2, 'exist old': 0 },
  ],
  ['array', { 'any old': 0, 'noexist old': -17, 'exist old': 0, 'any beyond': -7, 'noexist beyond': -7 }],
  ['percpu_array', { 'any old': 0, 'noexist old': -17, 'exist old': 0, 'any beyond': -7, 'noexist beyond': -7 }],
])('updates of a map of type %s', (type, table) => {
  test.each(Object.entries(table))('%s: %i', (situation, result) => {
    const { put } = setUp(type, 4, type.endsWith('array') ? 4 : 8);
    const [flags, key] = situation.split(' ');
    if (!type.endsWith('array')) put(1, 1);
    const keys: Record<string, number> = { old: 1, new: 2, beyond: 4 };
    expect(put(keys[key!]!, 5, ['any', 'noexist', 'exist'].indexOf(flags!))).toBe(result);
  });
  // BPF_F_LOCK (4) is for values with a bpf_spin_lock, which none of our maps has.
  test.each([3, 4, 5, 6, 8, -1])('flags of %i, which do not exist or want a lock, are refused first', (flags) => {
    const { put } = setUp(type, 4, type.endsWith('array') ? 4 : 8);
    expect([put(1, 1, flags), put(9, 1, flags)]).toEqual([-22, -22]);
  });
});

test.each<[MapType, number, number]>([
  ['hash', 0, -2],
  ['lru_hash', 0, -2],
  ['percpu_hash', 0, -2],
  ['lru_percpu_hash', 0, -2],
  ['array', -22, -22],
  ['percpu_array', -22, -22],
])(
  'deleting from a map of type %s returns %i for a key that is there and %i for one that is not',
  (type, old, missing) => {
    const { put, remove } = setUp(type, 4, type.endsWith('array') ? 4 : 8);
    put(1, 1);
    expect([remove(1), remove(3)]).toEqual([old, missing]);
  },
);

test.each<MapType>(['hash', 'percpu_hash'])('a full map of type %s says E2BIG to new keys only', (type) => {
  const { put, remove } = setUp(type, 2);
  put(1, 1);
  put(2, 2);
  const [any, noexist, exist] = [0, 1, 2];
  expect([put(3, 3, any), put(3, 3, noexist), put(3, 3, exist)]).toEqual([-7, -7, -2]);
  expect([put(1, 3, any), put(1, 3, noexist), put(1, 3, exist)]).toEqual([0, -17, 0]);
  remove(1);
  expect(put(3, 3, any)).toBe(0);
});

test.each<[MapType, number, number | undefined]>([
  ['percpu_hash', 1, 11],
  ['lru_percpu_hash', 1, 11],
  ['percpu_array', 1, 11],
  ['percpu_hash', 3, undefined],
  ['percpu_array', 3, undefined],
  ['percpu_array', -1, undefined],
])("a lookup in a %s of another CPU's value: CPU %i of three", (type, cpu, found) => {
  const { machine, arena, map, put, key } = setUp(type, 4, type === 'percpu_array' ? 4 : 8);
  for (const [at, value] of [10, 11, 12].entries()) {
    arena.words[machine.kernel.current.cpu >> 2] = at;
    put(2, value);
  }
  const place = map.lookupOnCpu(key, cpu);
  expect(place === 0 ? undefined : arena.view.getInt32(place, true)).toBe(found);
});

test.each<MapType>(['hash', 'lru_hash', 'percpu_hash', 'lru_percpu_hash', 'array', 'percpu_array'])(
  'what user space reads of a map of type %s, it can write back',
  (type) => {
    const keySize = type.endsWith('array') ? 4 : 8;
    const { machine, arena, map, put, get } = setUp(type, 4, keySize);
    for (const cpu of [0, 1, 2]) {
      arena.words[machine.kernel.current.cpu >> 2] = cpu;
      for (const key of [0, 1, 2, 3]) put(key, 10 * key + cpu);
    }
    const elements = map.collect();
    expect(elements).toHaveLength(4);
    expect(elements[0]!.value).toHaveLength(type.includes('percpu') ? 24 : 8);
    map.zero();
    expect(get(3)).toBe(0);
    for (const { key, value } of elements) expect(map.write(key, value)).toBe(0);
    expect(map.collect()).toEqual(elements);
    expect(get(3)).toBe(32);
  },
);

test('a full LRU map gives up what was not looked up for longest', () => {
  const { put, get } = setUp('lru_hash', 4);
  for (let i = 0; i < 4; i++) put(i, i);
  get(0);
  get(2);
  put(4, 4);
  put(5, 5);
  expect([0, 1, 2, 3, 4, 5].map((key) => get(key))).toEqual([0, undefined, 2, undefined, 4, 5]);
});

test('an element added while a loop runs is visited or not, one deleted is not, and the loop ends', () => {
  const { map, put, remove, arena, contents } = setUp('hash', 8);
  for (let i = 0; i < 4; i++) put(i, i);
  const seen: number[] = [];
  const visited = map.forEach((at) => {
    const key = arena.view.getInt32(at, true);
    seen.push(key);
    remove(key);
    if (key === 0) remove(3);
    put(key + 100, 1);
    return seen.length > 20;
  });
  expect(seen.slice(0, 1)).toEqual([0]);
  expect(seen).not.toContain(3);
  expect(visited).toBe(seen.length);
  expect(visited).toBeLessThanOrEqual(8);
  expect(contents().every(([key]) => key! >= 100)).toBe(true);
});

describe.each<['queue' | 'stack', number[]]>([
  ['queue', [1, 2, 3]],
  ['stack', [3, 2, 1]],
])('a %s', (type, order) => {
  const open = () => {
    const { map, arena, value } = setUp(type, 3, 0, 8);
    const queue = map as QueueMap;
    const push = (v: number, flags = 0): number => {
      arena.view.setInt32(value, v, true);
      return queue.push(value, flags);
    };
    const out = (take: 'pop' | 'peek'): [number, number] => [queue[take](value), arena.view.getInt32(value, true)];
    return { push, out, queue };
  };
  test('gives its values back in its order, then ENOENT and zeroes', () => {
    const { push, out } = open();
    for (const v of [1, 2, 3]) expect(push(v)).toBe(0);
    expect(out('peek')).toEqual([0, order[0]]);
    expect([out('pop'), out('pop'), out('pop'), out('pop')]).toEqual([...order.map((v) => [0, v]), [-2, 0]]);
  });
  test('refuses a value too many with E2BIG, or gives up its oldest for BPF_EXIST', () => {
    const { push, out } = open();
    for (const v of [1, 2, 3]) push(v);
    expect([push(4), push(4, 1), push(4, 2)]).toEqual([-7, -22, 0]);
    const rest = [out('pop')[1], out('pop')[1], out('pop')[1]];
    expect(rest).toEqual(type === 'queue' ? [2, 3, 4] : [4, 3, 2]);
  });
});
