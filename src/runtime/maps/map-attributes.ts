import { ERRNOS, type ErrnoName } from '../../abi/errno.ts';
import { MAP_FLAGS, MAP_TYPES, MAX_PER_CPU_VALUE, type MapType } from '../../abi/map-types.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { roundUp8 } from '../arena.ts';
import { PAGE_SIZE } from '../../abi/linux.ts';

const KMALLOC_MAX_SIZE = 4 << 20;
/** sizeof(struct htab_elem): what stands in front of an element's key. */
const HASH_ELEMENT_HEADER = 48;
/** More hash buckets (16 bytes each) than a u32 counts bytes of. */
const MAX_HASH_ENTRIES = 2 ** 27;
/** sysctl_perf_event_max_stack. */
const MAX_STACK_DEPTH = 127;

/** A reason of the kernel to create no such map. */
interface Rule {
  readonly refuses: (map: MapDefinition) => boolean;
  readonly errno: ErrnoName;
  readonly why: string;
}

const keySizeIs = (size: number): Rule => ({
  refuses: (map) => map.keySize !== size,
  errno: 'EINVAL',
  why: size === 0 ? 'maps of this type have no keys' : `the key size must be ${size}`,
});
const valueSizeIs = (size: number): Rule => ({
  refuses: (map) => map.valueSize !== size,
  errno: 'EINVAL',
  why: size === 0 ? 'maps of this type have no values' : `the value size must be ${size}`,
});
const ENTRIES: Rule = { refuses: (map) => map.maxEntries === 0, errno: 'EINVAL', why: 'it has room for 0 entries' };
const KEYS: Rule = { refuses: (map) => map.keySize === 0, errno: 'EINVAL', why: 'its keys have 0 bytes' };
const VALUES: Rule = { refuses: (map) => map.valueSize === 0, errno: 'EINVAL', why: 'its values have 0 bytes' };
const PER_CPU: Rule = {
  refuses: (map) => MAP_TYPES[map.type].perCpu && roundUp8(map.valueSize) > MAX_PER_CPU_VALUE,
  errno: 'E2BIG',
  why: `a per-CPU value has at most ${MAX_PER_CPU_VALUE} bytes`,
};
const valueFits = (limit: number): Rule => ({
  refuses: (map) => map.valueSize > limit,
  errno: 'E2BIG',
  why: `a value has at most ${limit} bytes`,
});
const entriesFit = (limit: number): Rule => ({
  refuses: (map) => map.maxEntries > limit,
  errno: 'E2BIG',
  why: `it holds at most ${limit} entries`,
});

/** htab_map_alloc_check and htab_map_alloc (kernel/bpf/hashtab.c). */
const HASH: readonly Rule[] = [
  ENTRIES,
  KEYS,
  VALUES,
  {
    refuses: (map) => map.keySize + map.valueSize >= KMALLOC_MAX_SIZE - HASH_ELEMENT_HEADER,
    errno: 'E2BIG',
    why: `a key and a value together have less than ${KMALLOC_MAX_SIZE - HASH_ELEMENT_HEADER} bytes`,
  },
  PER_CPU,
  entriesFit(MAX_HASH_ENTRIES),
];
/** array_map_alloc_check (kernel/bpf/arraymap.c). */
const ARRAY: readonly Rule[] = [ENTRIES, keySizeIs(4), VALUES, valueFits(0x7fff_ffff), PER_CPU];
/** fd_array_map_alloc_check: the values are file descriptors. */
const ARRAY_OF_FILES: readonly Rule[] = [valueSizeIs(4), ...ARRAY];
/** queue_stack_map_alloc_check (kernel/bpf/queue_stack_maps.c). */
const QUEUE: readonly Rule[] = [ENTRIES, keySizeIs(0), VALUES, valueFits(KMALLOC_MAX_SIZE)];

const RULES: Readonly<Record<MapType, readonly Rule[]>> = {
  hash: HASH,
  lru_hash: HASH,
  percpu_hash: HASH,
  lru_percpu_hash: HASH,
  hash_of_maps: [valueSizeIs(4), ...HASH],
  array: ARRAY,
  percpu_array: ARRAY,
  prog_array: ARRAY_OF_FILES,
  perf_event_array: ARRAY_OF_FILES,
  cgroup_array: ARRAY_OF_FILES,
  array_of_maps: ARRAY_OF_FILES,
  queue: QUEUE,
  stack: QUEUE,
  // stack_map_alloc (kernel/bpf/stackmap.c).
  stack_trace: [
    ENTRIES,
    keySizeIs(4),
    {
      refuses: ({ valueSize }) => valueSize < 8 || valueSize % 8 !== 0 || valueSize / 8 > MAX_STACK_DEPTH,
      errno: 'EINVAL',
      why: `a value is 1 to ${MAX_STACK_DEPTH} addresses of 8 bytes`,
    },
    entriesFit(2 ** 31),
  ],
  // ringbuf_map_alloc (kernel/bpf/ringbuf.c).
  ringbuf: [
    keySizeIs(0),
    valueSizeIs(0),
    {
      refuses: ({ maxEntries }) => maxEntries < PAGE_SIZE || !Number.isInteger(Math.log2(maxEntries)),
      errno: 'EINVAL',
      why: `its size must be a power of two of pages of ${PAGE_SIZE} bytes`,
    },
  ],
  // bpf_local_storage_map_alloc_check (kernel/bpf/bpf_local_storage.c).
  task_storage: [
    {
      refuses: ({ flags }) => (flags & MAP_FLAGS.no_prealloc) === 0,
      errno: 'EINVAL',
      why: 'its values are allocated when tasks get them: BPF_F_NO_PREALLOC',
    },
    { refuses: (map) => map.maxEntries !== 0, errno: 'EINVAL', why: 'the number of its entries cannot be set' },
    keySizeIs(4),
    VALUES,
  ],
};

/** Why the kernel refuses to create such a map, as libbpf would ask for it: strerror's words and ours. */
export function refusedAttributes(map: MapDefinition): string | undefined {
  const rule = RULES[map.type].find(({ refuses }) => refuses(map));
  return rule === undefined ? undefined : `${ERRNOS[rule.errno].text} (${rule.why})`;
}

/**
 * What libbpf makes of a definition before it asks the kernel (tools/lib/bpf/libbpf.c, adjust_ringbuf_sz and
 * map_set_def_max_entries): rings grow to a power of two of pages, a perf_event_array without a size gets one per CPU.
 */
export function libbpfDefinition(map: MapDefinition, cpus: number): MapDefinition {
  if (map.type === 'perf_event_array' && map.maxEntries === 0) return { ...map, maxEntries: cpus };
  if (map.type !== 'ringbuf' || map.maxEntries === 0 || map.maxEntries > 2 ** 31) return map;
  return { ...map, maxEntries: Math.max(PAGE_SIZE, 2 ** Math.ceil(Math.log2(map.maxEntries))) };
}

/** The message for the first of these maps that no kernel would create, however much memory it has. */
export function impossibleMap(maps: readonly MapDefinition[]): string | undefined {
  for (const map of maps) {
    const refusal = refusedAttributes(libbpfDefinition(map, 1));
    if (refusal !== undefined) return mapFailure(map, refusal);
  }
  return undefined;
}

export function mapFailure({ name }: MapDefinition, reason: string): string {
  return `Failed to create map '${name}': ${reason}`;
}
