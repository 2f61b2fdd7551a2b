import type { ExecutionEnvironment, MapLocation } from '../../src/abi/execution.ts';
import type { HelperFunctions, HelperName } from '../../src/abi/helpers.ts';
import { HELPERS } from '../../src/abi/helpers.ts';

export const ARENA_BYTES = 1 << 17;
export const KERNEL_HIGH = 0xffff8880 | 0;
/** Where things are in the arena of these tests. */
export const PLACES = {
  resultHigh: 64,
  cpu: 72,
  time: 80,
  pidTgid: 88,
  uidGid: 96,
  task: 104,
  comm: 112,
  probedFunction: 128,
  context: 256,
  array: 0x1000,
  perCpuArray: 0x2000,
  records: 0x8000,
  stackTop: 0x10000,
} as const;

/** Array maps of four 24-byte values; the second has one copy for each of two CPUs. */
export const MAPS: readonly MapLocation[] = [
  { address: 0x200, array: { values: PLACES.array, stride: 24, maxEntries: 4, cpuStride: 0 } },
  { address: 0x208, array: { values: PLACES.perCpuArray, stride: 24, maxEntries: 4, cpuStride: 96 } },
  { address: 0x210 },
];

/**
 * An arena with just enough helpers to see how engines call them: a hash-less lookup, a bump allocator for records, bpf_loop,
 * for_each over an array, and reads that fault outside of the arena.
 */
export function testEnvironment(): ExecutionEnvironment {
  const buffer = new ArrayBuffer(ARENA_BYTES);
  const words = new Int32Array(buffer);
  const bytes = new Uint8Array(buffer);
  words[PLACES.cpu >> 2] = 1;
  words.set([0x12345678, 5], PLACES.time >> 2);
  words.set([1234, 1230], PLACES.pidTgid >> 2);
  words.set([1000, 100], PLACES.uidGid >> 2);
  words.set([0x4000, KERNEL_HIGH], PLACES.task >> 2);
  bytes.set(new TextEncoder().encode('tester'), PLACES.comm);
  let nextRecord: number = PLACES.records;
  const result = (low: number, high = low >> 31): number => {
    words[PLACES.resultHigh >> 2] = high;
    return low;
  };
  const loadAt = (low: number, high: number, size: number): number => {
    const at = low >>> 0;
    if (high !== KERNEL_HIGH || at + size > ARENA_BYTES) return result(0, 0);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
    return result(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  };
  const element = (map: number, key: number): number => {
    const row = MAPS.find((candidate) => candidate.address === map)?.array;
    const index = words[key >> 2]! >>> 0;
    if (row === undefined || index >= row.maxEntries) return 0;
    return row.values + index * row.stride + row.cpuStride * words[PLACES.cpu >> 2]!;
  };

  const implemented: Partial<HelperFunctions> = {
    map_lookup_elem: element,
    map_update_elem: (map, key, value, flags) => {
      const at = element(map, key);
      if (at === 0 || flags !== 0) return result(-2);
      bytes.copyWithin(at, value, value + 24);
      return result(0);
    },
    ktime_get_ns: () => result(words[PLACES.time >> 2]!, words[(PLACES.time >> 2) + 1]!),
    get_smp_processor_id: () => result(words[PLACES.cpu >> 2]!, 0),
    get_current_pid_tgid: () => result(words[PLACES.pidTgid >> 2]!, words[(PLACES.pidTgid >> 2) + 1]!),
    get_current_uid_gid: () => result(words[PLACES.uidGid >> 2]!, words[(PLACES.uidGid >> 2) + 1]!),
    get_current_task: () => result(words[PLACES.task >> 2]!, words[(PLACES.task >> 2) + 1]!),
    get_func_ip: () => result(words[PLACES.probedFunction >> 2]!, words[(PLACES.probedFunction >> 2) + 1]!),
    get_current_comm: (to, size) => {
      bytes.copyWithin(to, PLACES.comm, PLACES.comm + Math.min(size, 16));
      return result(0);
    },
    probe_read_kernel: (to, size, low, high) => {
      const at = low >>> 0;
      if (high !== KERNEL_HIGH || at + size > ARENA_BYTES) {
        bytes.fill(0, to, to + size);
        return result(-14);
      }
      bytes.copyWithin(to, at, at + size);
      return result(0);
    },
    ringbuf_reserve: (_map, size) => {
      if (nextRecord + size > PLACES.stackTop - 0x2000) return 0;
      const at = nextRecord;
      nextRecord += (size + 7) & ~7;
      return at;
    },
    ringbuf_submit: () => 0,
    ringbuf_discard: () => 0,
    loop: (count, countHigh, slot, context, contextHigh) => {
      const callback = environment.callback!;
      if (countHigh !== 0) return result(-7);
      let index = 0;
      while (index < count) {
        const stop = callback(slot, Int32Array.of(index, 0, context, contextHigh, 0, 0, 0, 0, 0, 0));
        index++;
        if (stop !== 0) break;
      }
      return result(index, 0);
    },
    for_each_map_elem: (map, slot, context, contextHigh) => {
      const callback = environment.callback!;
      const row = MAPS.find((candidate) => candidate.address === map)!;
      const array = row.array!;
      const key = 0x220;
      let index = 0;
      while (index < array.maxEntries) {
        words[key >> 2] = index;
        const value = array.values + index * array.stride;
        const args = [map, KERNEL_HIGH, key, KERNEL_HIGH, value, KERNEL_HIGH, context, contextHigh, 0, 0];
        const stop = callback(slot, Int32Array.from(args));
        index++;
        if (stop !== 0) break;
      }
      return result(index, 0);
    },
  };
  const helpers = Object.fromEntries(
    (Object.keys(HELPERS) as HelperName[]).map((name) => [
      name,
      implemented[name] ??
        ((): never => {
          throw new Error(`the test environment has no ${name}`);
        }),
    ]),
  ) as unknown as HelperFunctions;

  const environment: ExecutionEnvironment = {
    buffer,
    kernelHigh: KERNEL_HIGH,
    resultHigh: PLACES.resultHigh,
    stackTop: PLACES.stackTop,
    helpers,
    maps: MAPS,
    current: PLACES,
    probeLoad: loadAt,
    callback: null,
  };
  return environment;
}
