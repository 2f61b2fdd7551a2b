import { MAP_TYPES, type MapType } from '../../abi/map-types.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { createArrayMap } from './array-map.ts';
import { MAP_OBJECT, withoutElements, type BpfMap, type MapHost } from './bpf-map.ts';
import { createHashMap } from './hash-map.ts';
import { refusedAttributes } from './map-attributes.ts';
import { createPerfEventMap } from './perf-event-map.ts';
import { createQueueMap } from './queue-map.ts';
import { createRingBuffer } from './ring-buffer.ts';
import { createStackTraceMap } from './stack-trace-map.ts';
import { createTaskStorageMap } from './task-storage-map.ts';

type MapFactory = (definition: MapDefinition, object: number, host: MapHost) => BpfMap;

/** Map types that scripts can reach so far; `undefined` refuses to load. */
const MAP_FACTORIES: Record<MapType, MapFactory | undefined> = {
  hash: createHashMap,
  lru_hash: createHashMap,
  percpu_hash: createHashMap,
  lru_percpu_hash: createHashMap,
  array: createArrayMap,
  percpu_array: createArrayMap,
  ringbuf: createRingBuffer,
  stack_trace: createStackTraceMap,
  perf_event_array: createPerfEventMap,
  prog_array: (definition, address) => withoutElements(definition, { address }),
  // Nobody puts a group into one.
  cgroup_array: (definition, address) => withoutElements(definition, { address }),
  array_of_maps: undefined,
  hash_of_maps: undefined,
  queue: createQueueMap,
  stack: createQueueMap,
  task_storage: createTaskStorageMap,
};

/** Creates a map and its object in the arena; an unknown type, and what the kernel refuses, is refused with a reason. */
export function createMap(
  definition: MapDefinition,
  index: number,
  host: MapHost,
): BpfMap | { readonly error: string } {
  const factory = MAP_FACTORIES[definition.type];
  if (factory === undefined) return { error: `map type ${definition.type} is not supported` };
  const refusal = refusedAttributes(definition);
  if (refusal !== undefined) return { error: refusal };
  const { words, memory } = host.arena;
  const object = memory.allocate(MAP_OBJECT.size, 8);
  words[(object + MAP_OBJECT.index) >> 2] = index;
  words[(object + MAP_OBJECT.type) >> 2] = MAP_TYPES[definition.type].id;
  words[(object + MAP_OBJECT.keySize) >> 2] = definition.keySize;
  words[(object + MAP_OBJECT.valueSize) >> 2] = definition.valueSize;
  words[(object + MAP_OBJECT.maxEntries) >> 2] = definition.maxEntries;
  return factory(definition, object, host);
}
