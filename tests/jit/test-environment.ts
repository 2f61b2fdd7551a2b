import type { ExecutionEnvironment } from '../../src/abi/execution.ts';
import type { MapDefinition } from '../../src/abi/program-image.ts';
import { Memory } from '../../src/jit/web-assembly.ts';
import { openArena } from '../../src/runtime/arena.ts';
import { createHelpers, createRandom } from '../../src/runtime/helpers/create-helpers.ts';
import type { HelperHost } from '../../src/runtime/helpers/helper-host.ts';
import type { Kernel } from '../../src/runtime/kernel.ts';
import { createMap } from '../../src/runtime/maps/create-map.ts';

const PAGES = 2;
const ARENA_BYTES = PAGES * 65536;
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
  /** Maps, from here to the stacks. */
  heap: 0x1000,
  stackTop: 0x10000,
} as const;

const ROW = { keySize: 4, valueSize: 24, maxEntries: 4, flags: 0 } as const;
/** The maps of the test environment, one of each kind that generated code treats in its own way. */
export const MAP_DEFINITIONS: readonly MapDefinition[] = [
  { ...ROW, name: 'array', type: 'array' },
  { ...ROW, name: 'percpu', type: 'percpu_array' },
  { ...ROW, name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  { ...ROW, name: 'by_number', type: 'hash' },
  { ...ROW, name: 'by_word', type: 'percpu_hash', keySize: 8 },
  { ...ROW, name: 'recent', type: 'lru_hash', keySize: 12 },
  { ...ROW, name: 'odd', type: 'lru_percpu_hash', keySize: 7 },
];

/** A WebAssembly.Memory reserves much address space: environments take turns with a few, so that only the latest are good. */
const MEMORIES = Array.from({ length: 6 }, () => new Memory({ initial: PAGES, maximum: PAGES, shared: true }));
let turn = 0;

/** The real maps and helpers over a small arena, with a kernel whose clock and processes stand still. */
export function testEnvironment(): ExecutionEnvironment {
  const wasmMemory = MEMORIES[turn++ % MEMORIES.length]!;
  const { buffer } = wasmMemory;
  const words = new Int32Array(buffer);
  const bytes = new Uint8Array(buffer);
  bytes.fill(0);
  words[PLACES.cpu >> 2] = 1;
  words.set([0x12345678, 5], PLACES.time >> 2);
  words.set([1234, 1230], PLACES.pidTgid >> 2);
  words.set([1000, 100], PLACES.uidGid >> 2);
  words.set([0x4000, KERNEL_HIGH], PLACES.task >> 2);
  bytes.set(new TextEncoder().encode('tester'), PLACES.comm);

  let top: number = PLACES.heap;
  const at = (low: number, high: number, size: number): number =>
    high === KERNEL_HIGH && (low >>> 0) + size <= ARENA_BYTES ? low : -1;
  const read = (to: number, size: number, low: number, high: number): number => {
    const from = at(low, high, size);
    if (from < 0) return -14;
    bytes.copyWithin(to, from, from + size);
    return 0;
  };
  const memory: Kernel['memory'] = {
    buffer,
    wasmMemory,
    kernelHigh: KERNEL_HIGH,
    allocate(size) {
      const block = top;
      top += (size + 15) & ~15;
      if (top > PLACES.stackTop - 0x1000) throw new Error('the maps of the tests are too large');
      return block;
    },
    free: () => undefined,
    kernelAddress: at,
    readKernel: read,
    readUser: () => -14,
    writeUser: () => -14,
  };
  const arena = openArena(memory);
  const maps = MAP_DEFINITIONS.map((definition, index) => {
    const map = createMap(definition, index, { arena, cpus: 2, cpu: PLACES.cpu });
    if ('error' in map) throw new Error(map.error);
    return map;
  });
  const kernel: Partial<Kernel> = { memory, current: PLACES, cpus: 2, bootTimeNs: 0 };
  const host: HelperHost = {
    kernel: kernel as Kernel,
    arena,
    maps,
    resultHigh: PLACES.resultHigh,
    scratch: memory.allocate(4096),
    random: createRandom(1),
    run: { atReturn: false, cookie: 0 },
    callback: () => environment.callback!,
  };
  const environment: ExecutionEnvironment = {
    buffer,
    wasmMemory,
    kernelHigh: KERNEL_HIGH,
    resultHigh: PLACES.resultHigh,
    stackTop: PLACES.stackTop,
    helpers: createHelpers(host),
    maps: maps.map(({ location }) => location),
    current: PLACES,
    probeLoad(low, high, size) {
      const from = at(low, high, size);
      words[PLACES.resultHigh >> 2] = from >= 0 && size === 8 ? arena.view.getInt32(from + 4, true) : 0;
      if (from < 0) return 0;
      if (size === 1) return bytes[from]!;
      return size === 2 ? arena.view.getUint16(from, true) : arena.view.getInt32(from, true);
    },
    callback: null,
  };
  return environment;
}
