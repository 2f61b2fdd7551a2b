import type { EnginePrograms } from '../abi/execution.ts';
import type { ProgramImage } from '../abi/program-image.ts';
import type { Attachment, Resources } from '../lang/resources.ts';
import { attachProbes } from './attach-probes.ts';
import { createEventConsumer } from './events.ts';
import type { Kernel, SpawnedProcess } from './kernel.ts';
import { loadImage, type LoadedImage } from './load.ts';
import type { RingBuffer } from './maps/ring-buffer.ts';
import { runBenchmarks, runTests } from './measured-probes.ts';
import type { Meter } from './meter.ts';
import { byteText } from './output/byte-text.ts';
import { createJsonOutput } from './output/json-output.ts';
import type { OutputStreams } from './output/output.ts';
import { createTextOutput } from './output/text-output.ts';

export interface SessionOptions {
  readonly image: ProgramImage;
  readonly resources: Resources;
  /** The image's programs as an engine readied them. */
  readonly programs: EnginePrograms;
  readonly kernel: Kernel;
  readonly output: OutputStreams;
  readonly format: 'text' | 'json';
  /** Virtual time after which the session ends as by Ctrl-C. */
  readonly durationNs: number;
  /** Ctrl-C: when aborted the session detaches, runs the end probes and prints the maps. */
  readonly signal?: AbortSignal;
  /** -q: no "Attached" line. */
  readonly quiet?: boolean;
  /** False for --no-warnings. */
  readonly warnings?: boolean;
  /** -v: what is attached is told. */
  readonly verbose?: boolean;
  /** --dry-run: attaches, then ends. */
  readonly dryRun?: boolean;
  /** --test and --bench run such probes instead of attaching the others; `programs` are metered then. */
  readonly measure?: { readonly kind: 'test' | 'bench'; readonly meter: Meter };
  /** --probe-filter: only probes whose names match it. */
  readonly probeFilter?: string;
  /** -p: the session ends with this process. */
  readonly pid?: number;
  /** -c: starts once everything is attached; the session ends with it. */
  readonly child?: SpawnedProcess;
  /** Calls back when the tracer is sent a signal that probes may wait for. */
  readonly onUserSignal?: (handler: () => void) => void;
  readonly seed?: number;
  /** Called when everything is attached and the machine is about to run. */
  readonly onAttached?: () => void;
  /** Lets the host's event loop run between slices of the machine. */
  readonly pause?: () => Promise<void>;
}

/** From the first event of a batch to the moment its reader runs: the wake-up of a process that sleeps in epoll_wait. */
const WAKE_UP_NS = 20_000;
/** What a failed session returns: -1 as an exit status. */
const FAILED = 255;
/** Bytes of zeroes for programs that run without a context. */
const EMPTY_CONTEXT_SIZE = 256;

const SIGNAL_MASK = 0x7f;
const EXIT_CODE_SHIFT = 8;
function howItEnded(waitStatus: number): string {
  const signal = waitStatus & SIGNAL_MASK;
  return signal === 0
    ? `Child exited with code: ${waitStatus >> EXIT_CODE_SHIFT}`
    : `Child terminated by signal: ${signal}`;
}

/** How often bpftrace looks up from waiting for events: whether the traced process still lives. */
const POLL_NS = 100_000_000;

/** Runs a loaded script from its begin probes to the maps printed at exit. */
export async function runSession(options: SessionOptions): Promise<{ readonly exitCode: number }> {
  const { resources, kernel, output: streams, child } = options;
  const { config } = resources;
  const output = options.format === 'json' ? createJsonOutput(streams) : createTextOutput(streams, options.warnings);
  const error = (message: string): void => streams.stderr(`ERROR: ${message}\n`);
  const warn = (message: string): void => {
    if (options.warnings !== false) streams.stderr(`WARNING: ${message}\n`);
  };
  const tell = (message: string): void => {
    if (options.verbose === true) streams.stderr(`${message}\n`);
  };

  const filter = probeFilter(options.probeFilter);
  if (typeof filter === 'string') {
    error(filter);
    return { exitCode: FAILED };
  }
  const attachments = resources.attachments.filter(filter);
  if (attachments.length === 0) {
    if (options.quiet !== true) streams.stdout(new TextEncoder().encode('No probes to attach\n'));
    return { exitCode: 1 };
  }
  if (attachments.length > config.max_probes) {
    error(
      `Can't attach to ${attachments.length} probes because it exceeds the current limit of ${config.max_probes} probes.\n` +
        'You can increase the limit through the BPFTRACE_MAX_PROBES environment variable, but BE CAREFUL since a high ' +
        'number of probes attached can cause your system to crash.',
    );
    return { exitCode: 1 };
  }

  const loaded = loadImage({ image: options.image, programs: options.programs, kernel, seed: options.seed ?? 1 });
  if ('error' in loaded) {
    error(loaded.error);
    return { exitCode: FAILED };
  }

  const ring = loaded.maps[resources.ringBuffer] as RingBuffer;
  let exitCode = 0;
  let finished = false;
  let detachAll = (): void => undefined;
  const finish = (): void => {
    finished = true;
    detachAll();
    kernel.stop();
  };
  const consumer = createEventConsumer({
    kernel,
    arena: loaded.arena,
    maps: loaded.maps,
    resources,
    context: {
      truncationTrailer: byteText(config.str_trunc_trailer),
      maxStringLength: config.max_strlen,
      timeFormats: resources.timeFormats.map(byteText),
      bootTimeNs: BigInt(kernel.bootTimeNs),
      kernel,
    },
    output,
    stderr: streams.stderr,
    warnings: options.warnings !== false,
    onExit(code) {
      exitCode = code;
      finish();
    },
  });

  startElapsed(loaded, kernel.now());
  const emptyContext = kernel.memory.allocate(EMPTY_CONTEXT_SIZE, 8);
  const ofKind = (kind: Attachment['target']['kind']): Attachment[] =>
    attachments.filter((attachment) => attachment.target.kind === kind);
  const runAsTracer = ({ program }: Attachment): void => {
    const run = loaded.runner(program);
    kernel.asTracer(() => run(emptyContext));
  };

  const begins = ofKind('begin');
  const ends = ofKind('end');
  for (const probe of begins) {
    runAsTracer(probe);
    tell("Attaching 'begin' probe");
  }

  const { measure } = options;
  let signals: readonly Attachment[] = [];
  let failed = false;
  let attached = 0;
  if (measure !== undefined) {
    const probes = ofKind(measure.kind);
    const run = measure.kind === 'test' ? runTests : runBenchmarks;
    attached = probes.length;
    failed = !run({ consumer, output, meter: measure.meter, run: runAsTracer, takeExitCode, error }, probes);
  } else {
    signals = ofKind('self');
    const traced = options.pid ?? child?.pid;
    const attaching = attachProbes({
      attachments,
      kernel,
      runner: (program) => loaded.runner(program),
      missingProbes: config.missing_probes,
      error,
      warn,
      tell,
      ...(traced === undefined ? {} : { traced }),
    });
    if (attaching === undefined) return { exitCode: FAILED };
    attached = attaching.attached;
    detachAll = attaching.detach;
    if (options.dryRun === true) {
      detachAll();
      return { exitCode };
    }
    child?.start();
  }
  const total = attached + begins.length + ends.length + signals.length;
  if (total === 0) {
    error(nothingAttached(attachments));
    return { exitCode: FAILED };
  }
  if (options.quiet !== true && measure === undefined) output.attachedProbes(total);
  options.onAttached?.();

  // Only begin and end: nothing will ever happen, so what they left is all there is.
  if (measure === undefined && attached + signals.length > 0) await runMachine();
  else consumer.drain();

  detachAll();
  // Events behind an exit() are not shown; those that a Ctrl-C left behind are.
  if (finished) consumer.discard();
  for (const probe of ends) {
    runAsTracer(probe);
    tell("Attaching 'end' probe");
  }
  consumer.drain();
  const lost = ring.dropped();
  consumer.reportLost();
  if (lost > 0) warn(`Total lost event count: ${lost}`);

  output.end();
  if (config.print_maps_on_exit && measure === undefined)
    for (const index of printedMaps(resources)) consumer.printMap(index);
  const status = child?.waitStatus();
  if (status !== undefined) tell(howItEnded(status));
  return { exitCode: exitCode === 0 && failed ? 1 : exitCode };

  function takeExitCode(): number {
    const code = exitCode;
    exitCode = 0;
    return code;
  }

  /** Whether the process of -p or -c is there no more. */
  function isOver(): boolean {
    if (child !== undefined) return !child.isAlive();
    return options.pid !== undefined && !kernel.hasProcess(options.pid);
  }

  function poll(): void {
    consumer.drain();
    if (!finished && isOver()) kernel.stop();
  }

  async function runMachine(): Promise<void> {
    const until = kernel.now() + options.durationNs;
    const pause = options.pause ?? nextTurn;
    const stop = (): void => kernel.stop();
    let signalled = false;
    options.signal?.addEventListener('abort', stop);
    if (signals.length > 0)
      options.onUserSignal?.(() => {
        signalled = true;
        kernel.stop();
      });
    ring.onData = () => kernel.at(kernel.now() + WAKE_UP_NS, poll);
    if (child !== undefined || options.pid !== undefined) pollRegularly(kernel, poll, () => finished);
    // What the begin probes left in the ring is read at once.
    consumer.drain();
    const isOn = (): boolean =>
      !finished && options.signal?.aborted !== true && kernel.now() < until && kernel.halted === undefined;
    while (isOn() && !isOver()) {
      kernel.run(until);
      await pause();
      if (!signalled) continue;
      signalled = false;
      for (const probe of signals) {
        runAsTracer(probe);
        tell("Attaching 'self:signal' probe");
      }
    }
    if (kernel.halted !== undefined) {
      consumer.drain();
      error(`The machine stopped: ${kernel.halted}`);
      exitCode = FAILED;
    }
    child?.terminate();
    ring.onData = null;
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Calls back at bpftrace's own pace, as long as the session goes on. */
function pollRegularly(kernel: Kernel, poll: () => void, isDone: () => boolean): void {
  kernel.at(kernel.now() + POLL_NS, () => {
    if (isDone()) return;
    poll();
    pollRegularly(kernel, poll, isDone);
  });
}

/** Probes of the tracer itself that --probe-filter leaves alone. */
const UNFILTERED: ReadonlySet<Attachment['target']['kind']> = new Set(['begin', 'end', 'self']);

function probeFilter(pattern: string | undefined): ((attachment: Attachment) => boolean) | string {
  if (pattern === undefined || pattern === '') return () => true;
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (error) {
    return `Invalid --probe-filter regex '${pattern}': ${error instanceof Error ? error.message : String(error)}`;
  }
  return ({ target, probeName }) => UNFILTERED.has(target.kind) || expression.test(probeName);
}

/** A timer would wait for a millisecond, but not every host has setImmediate. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** The `elapsed` builtin subtracts what this internal map holds: when the script started. */
function startElapsed({ arena, maps }: LoadedImage, now: number): void {
  const map = maps.find(({ definition }) => definition.name === 'elapsed')?.location.array;
  if (map !== undefined) arena.view.setBigUint64(map.values, BigInt(Math.floor(now)), true);
}

function nothingAttached(attachments: readonly Attachment[]): string {
  if (attachments.some(({ target }) => target.kind === 'test')) {
    return 'No probes attached; use --test to run test probes.';
  }
  if (attachments.some(({ target }) => target.kind === 'bench')) {
    return 'No probes attached; use --bench to run benchmark probes.';
  }
  return 'Attachment failed for all probes.';
}

/** Maps with a name in the script, in the order of their names. */
function printedMaps(resources: Resources): number[] {
  return resources.maps
    .flatMap((map, index) => (map === undefined ? [] : [{ name: map.name, index }]))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ index }) => index);
}
