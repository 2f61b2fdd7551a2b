import { MAP_TYPES } from '../../abi/map-types.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { copyBytes, roundUp8 } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import type { BpfMap, MapElement, MapHost } from './bpf-map.ts';

/** More frames than the verifier allows one program, times the levels at which programs interrupt each other in practice. */
const MAX_NESTED_LOOPS = 64;

/** array and percpu_array: all elements exist from the start, one after the other (kernel/bpf/arraymap.c). */
export function createArrayMap(definition: MapDefinition, object: number, host: MapHost): BpfMap {
  const { arena } = host;
  const { bytes, words } = arena;
  const { valueSize, maxEntries } = definition;
  const perCpu = MAP_TYPES[definition.type].perCpu;
  const copies = perCpu ? host.cpus : 1;
  const stride = roundUp8(valueSize);
  const cpuStride = perCpu ? maxEntries * stride : 0;
  const size = copies * maxEntries * stride;
  const values = arena.memory.allocate(size, 8);
  if (definition.initial !== undefined) bytes.set(definition.initial, values);

  const indexAt = (key: number): number => arena.view.getUint32(key, true);
  const valueOf = (element: number, cpu: number): number => values + cpu * cpuStride + element * stride;
  const currentCpu = (): number => (perCpu ? words[host.cpu >> 2]! : 0);
  const keyBytes = (element: number): Uint8Array => new Uint8Array(Uint32Array.of(element).buffer);
  const lookupOnCpu = (key: number, cpu: number): number => {
    const element = indexAt(key);
    return element < maxEntries ? valueOf(element, cpu) : 0;
  };
  /** for_each_map_elem passes keys by address: one place per loop, as loops over one map may nest. */
  const loopKeys = arena.memory.allocate(MAX_NESTED_LOOPS * 8, 8);
  let loops = 0;

  return {
    definition,
    location: { address: object, array: { values, stride, maxEntries, cpuStride } },
    lookup: (key) => lookupOnCpu(key, currentCpu()),
    lookupOnCpu: (key, cpu) => (cpu >>> 0 < host.cpus ? lookupOnCpu(key, perCpu ? cpu : 0) : 0),
    update(key, value, flags) {
      if (flags >>> 0 > 2) return -ERRNO.EINVAL;
      const element = indexAt(key);
      if (element >= maxEntries) return -ERRNO.E2BIG;
      if (flags === 1) return -ERRNO.EEXIST;
      copyBytes(arena, valueOf(element, currentCpu()), value, valueSize);
      return 0;
    },
    delete: () => -ERRNO.EINVAL,
    forEach(visit) {
      const key = loopKeys + (loops++ % MAX_NESTED_LOOPS) * 8;
      let visited = 0;
      for (let stop = false; visited < maxEntries && !stop; visited++) {
        words[key >> 2] = visited;
        stop = visit(key, valueOf(visited, currentCpu()));
      }
      loops--;
      return visited;
    },
    collect() {
      const elements: MapElement[] = [];
      for (let element = 0; element < maxEntries; element++) {
        const value = new Uint8Array(perCpu ? copies * stride : valueSize);
        for (let cpu = 0; cpu < copies; cpu++) {
          const from = valueOf(element, cpu);
          value.set(bytes.subarray(from, from + valueSize), cpu * stride);
        }
        elements.push({ key: keyBytes(element), value });
      }
      return elements;
    },
    // Elements of an array cannot be deleted: user space sees EINVAL, the values stay.
    clear: () => undefined,
    zero() {
      bytes.fill(0, values, values + size);
    },
    write(key, value) {
      const element = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
      if (element >= maxEntries) return -ERRNO.E2BIG;
      for (let cpu = 0; cpu < copies; cpu++) {
        bytes.set(value.subarray(cpu * stride, cpu * stride + valueSize), valueOf(element, cpu));
      }
      return 0;
    },
  };
}
