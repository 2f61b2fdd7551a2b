// Many events through one program that fills, evicts, deletes and reports; the process may not grow.
// Usage: node --expose-gc --import tsx bench/soak.ts [EVENTS, 100 million by default] [ENGINE]
import type { MapDefinition } from '../src/abi/program-image.ts';
import { ENGINES, type EngineName } from '../src/runtime/engines.ts';
import { assembleWorkload } from './jit/assemble-workload.ts';
import { createMachine } from './jit/machine.ts';

const EVENTS = Number(process.argv[2] ?? 100e6);
const ENGINE = (process.argv[3] ?? 'auto') as EngineName;
const STEPS = 10;
/** Events between two turns of the consumer. */
const BATCH = 256;
const MAX_GROWTH = 4 * 2 ** 20;

const ROW = { keySize: 8, valueSize: 8, maxEntries: 1024, flags: 0 } as const;
const MAPS: readonly MapDefinition[] = [
  { ...ROW, name: 'recent', type: 'lru_hash' },
  { ...ROW, name: 'open', type: 'percpu_hash', maxEntries: 4096 },
  { ...ROW, name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 1 << 16 },
];
/** Counts a random key where the least recently used make place, adds and deletes keys of another map, sends a record. */
const TEXT = `
  call get_prandom_u32
  r6 = r0
  r6 &= 4095
  *(u64 *)(r10 -8) = r6
  *(u64 *)(r10 -16) = 1
  r1 = map[0]
  r2 = r10
  r2 += -8
  call map_lookup_elem
  if r0 == 0 goto first
  r1 = 1
  lock *(u64 *)(r0 +0) += r1
  goto counted
first:
  r1 = map[0]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -16
  r4 = 0
  call map_update_elem
counted:
  r1 = map[1]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -16
  r4 = 0
  call map_update_elem
  r6 ^= 2048
  *(u64 *)(r10 -8) = r6
  r1 = map[1]
  r2 = r10
  r2 += -8
  call map_delete_elem
  r1 = map[2]
  r2 = 16
  r3 = 0
  call ringbuf_reserve
  if r0 == 0 goto full
  *(u64 *)(r0 +0) = r6
  *(u64 *)(r0 +8) = 1
  r1 = r0
  r2 = 0
  call ringbuf_submit
full:
  r0 = 0
  exit`;

const { environment, context, ring } = createMachine(MAPS);
const run = ENGINES[ENGINE](assembleWorkload({ name: 'soak', text: TEXT }, MAPS).image).get('soak')!(environment);
let received = 0;
const read = (): void => void received++;

function runEvents(count: number): void {
  for (let i = 0; i < count; i++) {
    run(context);
    if (i % BATCH === BATCH - 1) while (ring.consume(read));
  }
  while (ring.consume(read));
}

function measure(): { readonly heap: number; readonly outside: number } {
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, outside: external + arrayBuffers };
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2).padStart(9);
console.log('     events   ns each   heap MiB  outside MiB   dropped');
const sizes: number[] = [];
for (let step = 1; step <= STEPS; step++) {
  const start = performance.now();
  runEvents(EVENTS / STEPS);
  const ns = ((performance.now() - start) * 1e6) / (EVENTS / STEPS);
  const { heap, outside } = measure();
  sizes.push(heap + outside);
  const events = String((EVENTS / STEPS) * step).padStart(11);
  console.log(
    `${events}${ns.toFixed(1).padStart(10)}  ${megabytes(heap)}    ${megabytes(outside)}${String(ring.dropped()).padStart(10)}`,
  );
}
if (received + ring.dropped() !== EVENTS) throw new Error(`${received} records came, ${ring.dropped()} were dropped`);
// The first step warms up.
const growth = sizes.at(-1)! - sizes[0]!;
console.log(growth <= MAX_GROWTH ? 'memory is flat' : `memory grew by ${megabytes(growth)} MiB`);
process.exitCode = growth <= MAX_GROWTH ? 0 : 1;
