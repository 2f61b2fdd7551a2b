import type { MapDefinition } from '../../src/abi/program-image.ts';

export interface Workload {
  readonly name: string;
  readonly text: string;
  /** How ubpf does beside native C on the machine where both were last measured: multiples of the native time. */
  readonly ubpf: { readonly jit: number; readonly interpreter: number };
  /** What the engine that `auto` chooses must at least reach, as a multiple of the speed of ubpf's compiled code. */
  readonly bar?: number;
}

/** The maps of the workloads: map[0] counts by process, map[1] holds a histogram, map[2] takes events. */
export const WORKLOAD_MAPS: readonly MapDefinition[] = [
  { name: 'by_pid', type: 'percpu_hash', keySize: 8, valueSize: 8, maxEntries: 4096, flags: 0 },
  { name: 'histogram', type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 64, flags: 0 },
  { name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 1 << 16, flags: 0 },
];

const STEPS_OF_LOG2 = [32, 16, 8, 4, 2, 1]
  .map(
    (bits) => `
  r2 = ${BigInt(1) << BigInt(bits)}ll
  if r1 < r2 goto below${bits}
  r1 >>= ${bits}
  r6 += ${bits}
below${bits}:`,
  )
  .join('');

/** What tracing scripts do all day, and what is hardest for JavaScript: 64-bit arithmetic. The context is 1 KiB of bytes. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'empty', ubpf: { jit: 1.7, interpreter: 14 }, text: 'r0 = 0\nexit' },
  {
    name: 'hash64, 1000 steps',
    ubpf: { jit: 1.17, interpreter: 25 },
    bar: 0.9,
    text: `
  r0 = 0xcbf29ce484222325ll
  r2 = 0x100000001b3ll
  r1 = 0
again:
  r0 ^= r1
  r0 *= r2
  r3 = r0
  r3 >>= 29
  r0 ^= r3
  r1 += 1
  if r1 < 1000 goto again
  exit`,
  },
  {
    name: 'primes below 1000, u32',
    ubpf: { jit: 6.5, interpreter: 25 },
    text: `
  w0 = 0
  w1 = 2
candidate:
  w2 = 2
divisor:
  w3 = w2
  w3 *= w2
  if w3 > w1 goto prime
  w4 = w1
  w4 %= w2
  if w4 == 0 goto next
  w2 += 1
  goto divisor
prime:
  w0 += 1
next:
  w1 += 1
  if w1 < 1000 goto candidate
  exit`,
  },
  {
    // As clang -O2 translates the loop over an array of bytes.
    name: 'byte sum of 1 KiB',
    ubpf: { jit: 1.0, interpreter: 75 },
    bar: 1.2,
    text: `
  r0 = 0
  r2 = 0
again:
  r3 = r1
  r3 += r2
  r3 = *(u8 *)(r3 +0)
  r0 += r3
  r2 += 1
  if r2 == 1024 goto done
  goto again
done:
  exit`,
  },
  {
    name: 'count by pid',
    ubpf: { jit: 3.5, interpreter: 45 },
    bar: 1.2,
    text: `
  call get_current_pid_tgid
  r0 >>= 32
  *(u64 *)(r10 -8) = r0
  r1 = map[0]
  r2 = r10
  r2 += -8
  call map_lookup_elem
  if r0 == 0 goto first
  r1 = *(u64 *)(r0 +0)
  r1 += 1
  *(u64 *)(r0 +0) = r1
  r0 = 0
  exit
first:
  *(u64 *)(r10 -16) = 1
  r1 = map[0]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -16
  r4 = 1
  call map_update_elem
  r0 = 0
  exit`,
  },
  {
    name: 'log2 histogram',
    ubpf: { jit: 1.17, interpreter: 35 },
    bar: 1.2,
    text: `
  r1 = *(u64 *)(r1 +0)
  r6 = 0
  if r1 == 0 goto known
  r6 = 1${STEPS_OF_LOG2}
known:
  *(u32 *)(r10 -4) = r6
  r1 = map[1]
  r2 = r10
  r2 += -4
  call map_lookup_elem
  if r0 == 0 goto out
  r1 = *(u64 *)(r0 +0)
  r1 += 1
  *(u64 *)(r0 +0) = r1
out:
  r0 = 0
  exit`,
  },
  {
    name: 'compare 64 bytes',
    ubpf: { jit: 1.9, interpreter: 109 },
    bar: 0.55,
    text: `
  r2 = r1
  r2 += 256
  r3 = r1
  r3 += 512
  r4 = 0
again:
  r5 = *(u8 *)(r2 +0)
  r6 = *(u8 *)(r3 +0)
  if r5 != r6 goto differ
  r2 += 1
  r3 += 1
  r4 += 1
  if r4 < 64 goto again
  r0 = 1
  exit
differ:
  r0 = 0
  exit`,
  },
  {
    name: 'compare 64 bytes by words',
    ubpf: { jit: 1.7, interpreter: 95 },
    bar: 0.55,
    text: `
  r2 = r1
  r2 += 256
  r3 = r1
  r3 += 512
  r4 = 0
again:
  r5 = *(u64 *)(r2 +0)
  r6 = *(u64 *)(r3 +0)
  if r5 != r6 goto differ
  r2 += 8
  r3 += 8
  r4 += 1
  if r4 < 8 goto again
  r0 = 1
  exit
differ:
  r0 = 0
  exit`,
  },
  {
    name: 'ring-buffer event',
    ubpf: { jit: 3.1, interpreter: 49 },
    bar: 1.2,
    text: `
  r6 = r1
  r1 = map[2]
  r2 = 40
  r3 = 0
  call ringbuf_reserve
  if r0 == 0 goto full
  r7 = r0
  *(u64 *)(r7 +0) = 7
  call ktime_get_ns
  *(u64 *)(r7 +8) = r0
  call get_current_pid_tgid
  *(u64 *)(r7 +16) = r0
  r1 = *(u64 *)(r6 +0)
  *(u64 *)(r7 +24) = r1
  r1 = *(u64 *)(r6 +8)
  *(u64 *)(r7 +32) = r1
  r1 = r7
  r2 = 0
  call ringbuf_submit
full:
  r0 = 0
  exit`,
  },
  {
    name: 'u64 division',
    ubpf: { jit: 4.6, interpreter: 16 },
    bar: 1.2,
    text: `
  r2 = *(u64 *)(r1 +8)
  r3 = *(u64 *)(r1 +16)
  r0 = r2
  r0 /= r3
  r2 %= r3
  r0 += r2
  exit`,
  },
];
