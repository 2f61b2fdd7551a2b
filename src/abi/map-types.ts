/** Map types by their kernel names (include/uapi/linux/bpf.h, enum bpf_map_type). */
export interface MapTypeRow {
  readonly id: number;
  /** One value per possible CPU. */
  readonly perCpu: boolean;
}
export const MAP_TYPES = {
  hash: { id: 1, perCpu: false },
  array: { id: 2, perCpu: false },
  prog_array: { id: 3, perCpu: false },
  perf_event_array: { id: 4, perCpu: false },
  percpu_hash: { id: 5, perCpu: true },
  percpu_array: { id: 6, perCpu: true },
  stack_trace: { id: 7, perCpu: false },
  cgroup_array: { id: 8, perCpu: false },
  lru_hash: { id: 9, perCpu: false },
  lru_percpu_hash: { id: 10, perCpu: true },
  array_of_maps: { id: 12, perCpu: false },
  hash_of_maps: { id: 13, perCpu: false },
  queue: { id: 22, perCpu: false },
  stack: { id: 23, perCpu: false },
  ringbuf: { id: 27, perCpu: false },
  task_storage: { id: 29, perCpu: false },
} as const satisfies Record<string, MapTypeRow>;
export type MapType = keyof typeof MAP_TYPES;
/** Whether a text names a map type. */
export const isMapType = (name: string): name is MapType => Object.hasOwn(MAP_TYPES, name);

/** Map creation flags. */
export const MAP_FLAGS = {
  no_prealloc: 1,
  rdonly: 8,
  wronly: 16,
  rdonly_prog: 128,
  wronly_prog: 256,
  mmapable: 1024,
} as const;
/** Flags of bpf_map_update_elem. */
export const UPDATE_FLAGS = { any: 0, noexist: 1, exist: 2 } as const;

/** PCPU_MIN_UNIT_SIZE: the largest value that one CPU can have of its own. */
export const MAX_PER_CPU_VALUE = 32 << 10;
