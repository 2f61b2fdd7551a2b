import type { CompiledProgram, EnginePrograms, ExecutionEnvironment } from '../abi/execution.ts';
import { ERRNOS } from '../abi/errno.ts';
import type { MapDefinition, Program, ProgramImage, ProgramType } from '../abi/program-image.ts';
import { HELPERS } from '../abi/helpers.ts';
import { CALL_CODE, CALLEE } from '../isa/opcodes.ts';
import { MAX_BPF_STACK, MAX_CALL_FRAMES } from '../isa/instruction.ts';
import { bug, InternalError } from '../source/bug.ts';
import { openArena, type Arena } from './arena.ts';
import { createHelpers, createRandom } from './helpers/create-helpers.ts';
import { PLAIN_RUN, SCRATCH_SIZE, type HelperHost, type RunContext } from './helpers/helper-host.ts';
import type { Kernel } from './kernel.ts';
import type { BpfMap, MapHost } from './maps/bpf-map.ts';
import { createMap } from './maps/create-map.ts';
import { libbpfDefinition, mapFailure } from './maps/map-attributes.ts';

/** An image whose maps exist and whose programs can run. */
export interface LoadedImage {
  readonly arena: Arena;
  readonly maps: readonly BpfMap[];
  /**
   * How to run a program on the current CPU, with its context at an arena offset, unless that would be a recursion. The
   * program may ask what is true of the place that it runs at.
   */
  runner(program: string, run?: Readonly<RunContext>): ProgramRunner;
  /** Whether a program calls bpf_override_return. */
  overrides(program: string): boolean;
  /** Runs that were skipped because of a recursion. */
  missedRuns(): number;
  /** No program runs any more: nothing of the image listens to the machine. */
  release(): void;
}

export type ProgramRunner = (context: number) => void;

/** One nesting level of programs. */
interface Level {
  readonly environment: ExecutionEnvironment;
  readonly run: RunContext;
}

export interface LoadOptions {
  readonly image: ProgramImage;
  readonly programs: EnginePrograms;
  readonly kernel: Kernel;
  /** For random numbers that programs ask for. */
  readonly seed: number;
}

/**
 * What keeps a program from running inside of another on one CPU. `shared`: programs of these types exclude each other
 * (bpf_prog_active in trace_call_bpf and bpf_overflow_handler, kernel/trace/bpf_trace.c, kernel/events/core.c). `own`: a
 * program only excludes itself (__bpf_trace_run, __bpf_prog_enter_recur).
 */
const EXCLUSION: Record<ProgramType, 'shared' | 'own'> = {
  kprobe: 'shared',
  tracepoint: 'shared',
  perf_event: 'shared',
  raw_tracepoint: 'own',
  tracing: 'own',
  socket_filter: 'own',
  sched_cls: 'own',
  xdp: 'own',
};

export function loadImage(options: LoadOptions): LoadedImage | { readonly error: string } {
  const { image, kernel } = options;
  const arena = openArena(kernel.memory);
  const maps = createMaps(image.maps, kernel, arena);
  if ('error' in maps) return maps;

  const random = createRandom(options.seed);
  const levels: Level[] = [];
  /** How many programs run now, one inside the other: the level of the next. */
  let level = 0;
  let missed = 0;
  const sharedActive = new Int32Array(kernel.cpus);
  const { words } = arena;

  const levelAt = (wanted: number): Level => {
    const known = levels[wanted];
    if (known !== undefined) return known;
    const run: RunContext = { ...PLAIN_RUN };
    return (levels[wanted] = { run, environment: createEnvironment(kernel, arena, maps, random, run) });
  };

  function createRunner(program: Program): (at: Readonly<RunContext>) => ProgramRunner {
    const factory = options.programs.get(program.name) ?? bug(`program ${program.name} is not compiled`);
    const active = EXCLUSION[program.type] === 'shared' ? sharedActive : new Int32Array(kernel.cpus);
    /** By nesting level. */
    const instances: CompiledProgram[] = [];
    const instantiate = (wanted: number, environment: ExecutionEnvironment): CompiledProgram =>
      (instances[wanted] = factory(environment, (program) => (instances[wanted] = program)));
    return (at) => (context) => {
      const cpu = words[kernel.current.cpu >> 2]!;
      if (active[cpu] !== 0) {
        missed++;
        return;
      }
      const { environment, run } = levelAt(level);
      const instance = instances[level] ?? instantiate(level, environment);
      run.atReturn = at.atReturn;
      run.cookie = at.cookie;
      active[cpu] = 1;
      level++;
      try {
        instance(context);
      } finally {
        level--;
        active[cpu] = 0;
      }
    };
  }
  const overriding = new Set(image.programs.filter(callsOverride).map(({ name }) => name));
  const runners = new Map(image.programs.map((program) => [program.name, createRunner(program)]));

  return {
    arena,
    maps,
    runner: (program, at = PLAIN_RUN) => (runners.get(program) ?? bug(`no program ${program}`))(at),
    overrides: (name) => overriding.has(name),
    missedRuns: () => missed,
    release: () => maps.forEach((map) => map.release?.()),
  };
}

const callsOverride = ({ insns }: Program): boolean =>
  insns.some(({ code, src, imm }) => code === CALL_CODE && src === CALLEE.helper && imm === HELPERS.override_return.id);

/** Creates the maps of an image in the arena; the message of the first that cannot be. */
export function createMaps(
  definitions: readonly MapDefinition[],
  kernel: Kernel,
  arena: Arena,
): readonly BpfMap[] | { readonly error: string } {
  const mapHost: MapHost = {
    arena,
    cpus: kernel.cpus,
    cpu: kernel.current.cpu,
    ...(kernel.onTaskFreed === undefined ? {} : { onTaskFreed: (freed) => kernel.onTaskFreed!(freed) }),
  };
  const maps: BpfMap[] = [];
  for (const [index, definition] of definitions.entries()) {
    const map = tryCreateMap(libbpfDefinition(definition, kernel.cpus), index, mapHost);
    if ('error' in map) return { error: mapFailure(definition, map.error) };
    maps.push(map);
  }
  return maps;
}

/** A script may ask for more elements than the machine has memory: that is its mistake, not ours. */
function tryCreateMap(definition: MapDefinition, index: number, host: MapHost): ReturnType<typeof createMap> {
  try {
    return createMap(definition, index, host);
  } catch (error) {
    if (error instanceof InternalError) throw error;
    return { error: ERRNOS.ENOMEM.text };
  }
}

/** One nesting level: its own stack and scratch memory, and helpers that know its callbacks. */
export function createEnvironment(
  kernel: Kernel,
  arena: Arena,
  maps: readonly BpfMap[],
  random: () => number,
  run: RunContext = { ...PLAIN_RUN },
): ExecutionEnvironment {
  const { memory } = arena;
  const stackSize = MAX_CALL_FRAMES * MAX_BPF_STACK;
  const resultHigh = memory.allocate(8, 8);
  const host: HelperHost = {
    kernel,
    arena,
    maps,
    resultHigh,
    scratch: memory.allocate(SCRATCH_SIZE, 8),
    random,
    run,
    callback: () => environment.callback ?? bug('a helper calls back where the engine set no callback'),
  };
  const environment: ExecutionEnvironment = {
    buffer: memory.buffer,
    wasmMemory: memory.wasmMemory,
    kernelHigh: memory.kernelHigh,
    resultHigh,
    stackTop: memory.allocate(stackSize, 16) + stackSize,
    helpers: createHelpers(host),
    maps: maps.map((map) => map.location),
    current: kernel.current,
    probeLoad: (low, high, size) => probeLoad(arena, resultHigh, low, high, size),
    callback: null,
  };
  return environment;
}

/** A load through a BTF pointer: what cannot be read is zero. */
function probeLoad(arena: Arena, resultHigh: number, low: number, high: number, size: number): number {
  const { view, words } = arena;
  const address = arena.memory.kernelAddress(low, high, size);
  words[resultHigh >> 2] = 0;
  if (address < 0) return 0;
  switch (size) {
    case 1:
      return view.getUint8(address);
    case 2:
      return view.getUint16(address, true);
    case 4:
      return view.getInt32(address, true);
    default:
      words[resultHigh >> 2] = view.getInt32(address + 4, true);
      return view.getInt32(address, true);
  }
}
