import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MapType } from '../../../src/abi/map-types.ts';
import { openArena } from '../../../src/runtime/arena.ts';
import { createMap } from '../../../src/runtime/maps/create-map.ts';
import { createTestMachine } from '../test-machine.ts';

type Step =
  | { readonly kind: 'put'; readonly key: number; readonly value: number; readonly flags: number }
  | { readonly kind: 'get' | 'delete'; readonly key: number }
  | { readonly kind: 'clear' | 'zero' };

// Few keys in a small map: every order of collisions, deletions and a full map comes up.
const key = fc.integer({ min: 0, max: 11 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.nat(99), flags: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('get' as const, 'delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('clear' as const, 'zero' as const) }) },
);
const MAX_ENTRIES = 7;

/** What the kernel answers, by a plain Map. */
function answer(model: Map<number, number>, action: Step): number | undefined {
  switch (action.kind) {
    case 'put':
      if (model.has(action.key) ? action.flags === 1 : action.flags === 2) return model.has(action.key) ? -17 : -2;
      if (!model.has(action.key) && model.size === MAX_ENTRIES) return -7;
      model.set(action.key, action.value);
      return 0;
    case 'get':
      return model.get(action.key);
    case 'delete':
      return model.delete(action.key) ? 0 : -2;
    case 'clear':
      model.clear();
      return 0;
    case 'zero':
      for (const known of model.keys()) model.set(known, 0);
      return 0;
  }
}

test.each<[MapType, number]>([
  ['hash', 4],
  ['hash', 8],
  ['hash', 16],
  ['hash', 5],
  ['percpu_hash', 12],
])('%s with keys of %i bytes answers as a plain map would', (type, keySize) => {
  const machine = createTestMachine();
  const arena = openArena(machine.kernel.memory);
  const at = arena.memory.allocate(32, 8);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const definition = { name: 'm', type, keySize, valueSize: 8, maxEntries: MAX_ENTRIES, flags: 0 };
      const map = createMap(definition, 0, { arena, cpus: 2, cpu: machine.kernel.current.cpu });
      if ('error' in map) throw new Error(map.error);
      const model = new Map<number, number>();
      const perform = (action: Step): number | undefined => {
        if ('key' in action) arena.view.setInt32(at, action.key * 0x01010101, true);
        switch (action.kind) {
          case 'put':
            arena.view.setInt32(at + 16, action.value, true);
            return map.update(at, at + 16, action.flags);
          case 'get': {
            const found = map.lookup(at);
            return found === 0 ? undefined : arena.view.getInt32(found, true);
          }
          case 'delete':
            return map.delete(at);
          case 'clear':
            map.clear();
            return 0;
          case 'zero':
            map.zero();
            return 0;
        }
      };
      for (const action of steps) expect(perform(action)).toBe(answer(model, action));
      const contents = map
        .collect()
        .map((element) => [element.key[0]!, new DataView(element.value.buffer).getInt32(0, true)]);
      expect(new Map(contents as [number, number][])).toEqual(model);
      expect(contents).toHaveLength(model.size);
    }),
    { numRuns: 150 },
  );
});
