// Generated JavaScript against the interpreter, interleaved; best round in nanoseconds a run.
// Usage: node --no-lazy-feedback-allocation --import tsx bench/jit.ts [rounds] [name filter]
import type { CompiledProgram, EnginePrograms, ExecutionEnvironment } from '../src/abi/execution.ts';
import { HELPERS, type HelperName } from '../src/abi/helpers.ts';
import type { Program } from '../src/abi/program-image.ts';
import type { VerifiedImage } from '../src/abi/verified-image.ts';
import { assemble } from '../src/isa/assemble.ts';
import { compileImage } from '../src/jit/compile.ts';
import { createHelpers } from '../src/runtime/helpers/create-helpers.ts';
import { openArena } from '../src/runtime/arena.ts';
import { interpretImage } from '../src/runtime/interpreter/interpreter.ts';
import type { Kernel } from '../src/runtime/kernel.ts';
import { MAP_OBJECT, type BpfMap } from '../src/runtime/maps/bpf-map.ts';
import { createMap } from '../src/runtime/maps/create-map.ts';
import { WORKLOADS, WORKLOAD_MAPS, type Workload } from './jit-workloads.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const FILTER = process.argv[3] ?? '';
const ROUND_NS = 30e6;
const KERNEL_HIGH = 0xffff8880 | 0;

/** An arena and the real maps and helpers on a machine that stands still. */
function createEnvironment(): { environment: ExecutionEnvironment; context: number; drain: () => void } {
  const buffer = new ArrayBuffer(1 << 22);
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
  const maps = WORKLOAD_MAPS.map((definition, index) => createMap(definition, index, host) as BpfMap);
  const resultHigh = allocate(8);
  const stackTop = allocate(16 * 512) + 16 * 512;
  const environment: ExecutionEnvironment = {
    buffer: memory.buffer,
    kernelHigh: KERNEL_HIGH,
    resultHigh,
    stackTop,
    helpers: createHelpers({
      kernel: { memory, current, cpus: 4, bootTimeNs: 0 } as unknown as Kernel,
      arena,
      maps,
      resultHigh,
      scratch: allocate(4096),
      random: () => 4,
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
  const ring = maps[2]!.location.address;
  const drain = (): void => {
    arena.words[(ring + MAP_OBJECT.consumer) >> 2] = arena.words[(ring + MAP_OBJECT.producer) >> 2]!;
  };
  return { environment, context, drain };
}

function imageOf({ name, text }: Workload): VerifiedImage {
  const helper = (called: string): number | undefined => HELPERS[called as HelperName]?.id;
  const result = assemble(text, { helper });
  if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.errors)}`);
  const { insns, mapReferences } = result.program;
  const program: Program = {
    name,
    type: 'kprobe',
    insns,
    relocations: mapReferences.map(({ slot, map }) => ({ slot, map: Number(map) })),
    functions: [{ slot: 0, name }],
    lines: [],
  };
  const facts = {
    reached: new Uint8Array(insns.length).fill(1),
    registers: new Uint8Array(insns.length * 11),
    accesses: insns.map(() => undefined),
    stackDepths: [16],
    insnsProcessed: insns.length,
  };
  return { image: { programs: [program], maps: WORKLOAD_MAPS }, programs: [{ program, facts }] };
}

interface Runner {
  readonly measure: () => number;
  readonly result: () => number;
}

let unit = 0;
/** Keeps results alive. */
let sink = 0;

function prepare(programs: EnginePrograms, name: string): Runner {
  const { environment, context, drain } = createEnvironment();
  const run: CompiledProgram = programs.get(name)!(environment);
  // A harness of its own for each engine and workload: a shared loop would call a different function each time and measure
  // that.
  const harness = new Function(
    'run',
    'drain',
    `return (context, times) => { // ${unit++}
      let sum = 0;
      for (let i = 0; i < times; i++) { sum = (sum + run(context)) | 0; if ((i & 511) === 511) drain(); }
      return sum;
    };`,
  )(run, drain) as (context: number, times: number) => number;
  const loop = (times: number): number => {
    const start = process.hrtime.bigint();
    sink ^= harness(context, times);
    return Number(process.hrtime.bigint() - start);
  };
  // Warm up until a round takes long enough to be measured.
  let times = 16;
  while (loop(times) < ROUND_NS) times *= 2;
  return { measure: () => loop(times) / times, result: () => run(context) };
}

console.log('workload                     js ns   interpreter ns    ratio');
for (const workload of WORKLOADS.filter(({ name }) => name.includes(FILTER))) {
  const image = imageOf(workload);
  const js = prepare(compileImage(image).programs, workload.name);
  const interpreter = prepare(interpretImage(image), workload.name);
  if (js.result() !== interpreter.result()) throw new Error(`${workload.name}: the engines differ`);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(js.measure());
    times[1].push(interpreter.measure());
  }
  // The best round: whatever else the machine does can only add time.
  const [a, b] = [Math.min(...times[0]), Math.min(...times[1])];
  console.log(
    `${workload.name.padEnd(26)}${a.toFixed(1).padStart(8)}${b.toFixed(0).padStart(17)}${(b / a).toFixed(0).padStart(9)}`,
  );
}
if (sink === 0x12345) console.log();
