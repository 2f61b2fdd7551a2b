import type { ExecutionEnvironment } from '../../src/abi/execution.ts';
import { Memory } from '../../src/jit/web-assembly.ts';
import { createHelpers, createRandom } from '../../src/runtime/helpers/create-helpers.ts';
import type { MapDefinition } from '../../src/abi/program-image.ts';
import { openArena } from '../../src/runtime/arena.ts';
import type { Kernel } from '../../src/runtime/kernel.ts';
import { MAP_OBJECT, type BpfMap } from '../../src/runtime/maps/bpf-map.ts';
import { createMap } from '../../src/runtime/maps/create-map.ts';
import type { RingBuffer } from '../../src/runtime/maps/ring-buffer.ts';
import { WORKLOAD_MAPS } from './workloads.ts';

const KERNEL_HIGH = 0xffff8880 | 0;
const PAGES = 64;

export interface BenchMachine {
  readonly environment: ExecutionEnvironment;
  readonly context: number;
  readonly ring: RingBuffer;
  /** Empties the ring buffer. */
  readonly drain: () => void;
}

/** An arena and the real maps and helpers on a machine that stands still. */
export function createMachine(definitions: readonly MapDefinition[] = WORKLOAD_MAPS): BenchMachine {
  const wasmMemory = new Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const { buffer } = wasmMemory;
  let next = 8192;
  const allocate = (size: number): number => {
    const at = next;
    next += (size + 15) & ~15;
    return at;
  };
  const unused = (): never => {
    throw new Error('not part of this benchmark');
  };
  const memory = {
    buffer,
    wasmMemory,
    kernelHigh: KERNEL_HIGH,
    allocate,
    free: unused,
    kernelAddress: unused,
    readKernel: unused,
    readUser: unused,
    writeUser: unused,
  };
  const current = {
    cpu: allocate(8),
    time: allocate(8),
    pidTgid: allocate(8),
    probedFunction: allocate(8),
    uidGid: allocate(8),
    comm: allocate(16),
    task: allocate(8),
  };
  const arena = openArena(memory);
  arena.words.set([1234, 1230], current.pidTgid >> 2);
  arena.words.set([123456, 7], current.time >> 2);
  const host = { arena, cpus: 4, cpu: current.cpu };
  const maps = definitions.map((definition, index) => createMap(definition, index, host) as BpfMap);
  const resultHigh = allocate(8);
  const stackTop = allocate(16 * 512) + 16 * 512;
  const environment: ExecutionEnvironment = {
    buffer: memory.buffer,
    wasmMemory,
    kernelHigh: KERNEL_HIGH,
    resultHigh,
    stackTop,
    helpers: createHelpers({
      kernel: { memory, current, cpus: 4, bootTimeNs: 0 } as unknown as Kernel,
      arena,
      maps,
      resultHigh,
      scratch: allocate(4096),
      random: createRandom(1),
      run: { atReturn: false, cookie: 0 },
      callback: unused,
    }),
    maps: maps.map(({ location }) => location),
    current,
    probeLoad: unused,
    callback: null,
  };
  const context = allocate(1024);
  for (let i = 0; i < 1024; i++) arena.bytes[context + i] = (i * 37 + 11) & 0xff;
  arena.bytes.copyWithin(context + 512, context + 256, context + 256 + 64);
  arena.view.setBigUint64(context, 123456789n, true);
  arena.view.setBigUint64(context + 8, 987654321987654321n, true);
  arena.view.setBigUint64(context + 16, 12345678901n, true);
  const ring = maps.find(({ definition }) => definition.type === 'ringbuf') as RingBuffer;
  const drain = (): void => {
    const { address } = ring.location;
    arena.words[(address + MAP_OBJECT.consumer) >> 2] = arena.words[(address + MAP_OBJECT.producer) >> 2]!;
  };
  return { environment, context, ring, drain };
}
