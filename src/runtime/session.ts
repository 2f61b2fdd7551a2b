import type { AttachKind } from '../lang/attach-target.ts';
import type { Attachment } from '../lang/resources.ts';
import type { Severity } from '../source/diagnostic.ts';
import { renderLine } from '../source/render.ts';
import { attachProbes } from './attach-probes.ts';
import { createEventConsumer, type EventConsumer, type ReadMap } from './events.ts';
import type { HookHandler } from './kernel.ts';
import type { RunContext } from './helpers/helper-host.ts';
import { loadImage, type LoadedImage } from './load.ts';
import { runBenchmarks, runTests } from './measured-probes.ts';
import { byteText } from './output/byte-text.ts';
import { createJsonOutput } from './output/json-output.ts';
import type { Output, OutputStreams } from './output/output.ts';
import { createTextOutput } from './output/text-output.ts';
import { chooseAttachments, FAILED, nothingAttached } from './session-checks.ts';
import { printedMaps, startElapsed } from './session-maps.ts';
import type { SessionOptions } from './session-options.ts';

/** From the first event of a batch to the moment its reader runs: the wake-up of a process that sleeps in epoll_wait. */
const WAKE_UP_NS = 20_000;
/** How often bpftrace looks up from waiting for events: whether the traced process still lives. */
const POLL_NS = 100_000_000;
/** Kinds of probes that the session runs itself. */
const OWN: readonly AttachKind[] = ['begin', 'end', 'self'];
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

/** Loads a script, runs its begin probes and attaches the others; what refuses to says why and returns its exit code. */
export function openSession(options: SessionOptions): Session | { readonly exitCode: number } {
  const attachments = chooseAttachments(options.resources, options.probeFilter);
  if ('exitCode' in attachments) {
    const { exitCode, error, notice } = attachments;
    if (error !== undefined) report(options.output, 'error', error);
    if (notice !== undefined && options.quiet !== true) options.output.stdout(new TextEncoder().encode(notice));
    return { exitCode };
  }
  const { image, programs, kernel, seed = 1 } = options;
  const loaded = loadImage({ image, programs, kernel, seed });
  if ('error' in loaded) {
    report(options.output, 'error', loaded.error);
    return { exitCode: FAILED };
  }
  const session = new Session(options, attachments, loaded);
  const ended = session.attach();
  return ended === undefined ? session : { exitCode: ended };
}

function report(streams: OutputStreams, severity: Severity, message: string): void {
  streams.stderr(renderLine(severity, message, undefined, streams));
}

/** A script on a machine. Somebody else runs the machine; the session does what the script's events ask for. */
export class Session {
  readonly #options: SessionOptions;
  readonly #attachments: readonly Attachment[];
  readonly #loaded: LoadedImage;
  readonly #output: Output;
  readonly #consumer: EventConsumer;
  readonly #emptyContext: number;
  #exitCode = 0;
  /** exit() was called. */
  #finished = false;
  #closed = false;
  /** A test or benchmark failed. */
  #failed = false;
  #attached = 0;
  #detach = (): void => undefined;
  /** What iterators wrote while they were read. */
  readonly #sequences: Uint8Array[] = [];

  constructor(options: SessionOptions, attachments: readonly Attachment[], loaded: LoadedImage) {
    const { kernel, resources, output: streams, warnings } = options;
    this.#options = options;
    this.#attachments = attachments;
    this.#loaded = loaded;
    this.#output = options.format === 'json' ? createJsonOutput(streams) : createTextOutput(streams, warnings);
    this.#consumer = createEventConsumer({
      kernel,
      arena: loaded.arena,
      maps: loaded.maps,
      resources,
      context: {
        truncationTrailer: byteText(resources.config.str_trunc_trailer),
        demangles: resources.config.cpp_demangle,
        showsSource: resources.config.use_blazesym && resources.config.show_debug_info,
        maxStringLength: resources.config.max_strlen,
        timeFormats: resources.timeFormats.map(byteText),
        bootTimeNs: BigInt(kernel.bootTimeNs),
        kernel,
      },
      output: this.#output,
      streams,
      warnings: warnings !== false,
      onExit: (code) => this.#exit(code),
    });
    startElapsed(loaded, kernel.now());
    this.#emptyContext = kernel.memory.allocate(EMPTY_CONTEXT_SIZE, 8);
  }

  /** Whether something else than the end probes can still happen, once the machine runs. */
  get isWaiting(): boolean {
    return (
      this.#options.measure === undefined &&
      this.#ofKind('iter').length === 0 &&
      this.#attached + this.#ofKind('self').length > 0
    );
  }

  get takesSignals(): boolean {
    return this.#ofKind('self').length > 0;
  }

  /** Whether the script has ended by itself, or the machine or the traced process has. */
  isOver(): boolean {
    return this.#finished || this.#options.kernel.halted !== undefined || this.#isTracedGone();
  }

  /** What the signal that the tracer was sent sets off. */
  runSignalProbes(): void {
    this.#runAll('self', 'self:signal');
  }

  /** The script's maps as they are now, in the order in which they are printed at exit. */
  readMaps(): readonly ReadMap[] {
    this.#consumer.drain();
    return printedMaps(this.#options.resources).map((index) => this.#consumer.readMap(index));
  }

  /** Runs the begin probes and attaches; the exit code when that is all there is to do, or when it fails. */
  attach(): number | undefined {
    const { measure, dryRun, child, onAttached, quiet } = this.#options;
    this.#runAll('begin', "'begin'");
    if (measure !== undefined) this.#measure(measure);
    else {
      if (!this.#attachProbes()) return this.#endWith(FAILED);
      if (dryRun === true) {
        this.#detach();
        return this.#endWith(this.#exitCode);
      }
      child?.onOutput((bytes) => {
        this.#consumer.drain();
        this.#options.output.stdout(bytes);
      });
      child?.start();
    }
    const total = this.#attached + OWN.reduce((sum, kind) => sum + this.#ofKind(kind).length, 0);
    if (total === 0) {
      this.#error(nothingAttached(this.#attachments));
      return this.#endWith(FAILED);
    }
    if (quiet !== true && measure === undefined) this.#output.attachedProbes(total);
    onAttached?.();
    for (const text of this.#sequences.splice(0)) this.#options.output.stdout(text);
    // Only begin and end: nothing will ever happen, so what they left is all there is.
    if (this.isWaiting) this.#watch();
    this.#consumer.drain();
    return undefined;
  }

  /** Detaches, runs the end probes and prints the maps; returns the exit code. */
  close(): number {
    const { resources, kernel, measure, child } = this.#options;
    if (kernel.halted !== undefined) {
      this.#consumer.drain();
      this.#error(`The machine stopped: ${kernel.halted}`);
      this.#exitCode = FAILED;
    }
    child?.terminate();
    this.#closed = true;
    this.#consumer.onEvents(null);
    this.#detach();
    // Events behind an exit() are not shown; those that a Ctrl-C left behind are.
    if (this.#finished) this.#consumer.discard();
    this.#runAll('end', "'end'");
    this.#consumer.drain();
    this.#consumer.close();
    const lost = this.#consumer.lostEvents();
    this.#consumer.reportLost();
    if (lost > 0) this.#warn(`Total lost event count: ${lost}`);
    this.#output.end();
    if (resources.config.print_maps_on_exit && measure === undefined)
      for (const index of printedMaps(resources)) this.#consumer.printMap(index);
    const status = child?.waitStatus();
    if (status !== undefined) this.#tell(howItEnded(status));
    return this.#endWith(this.#exitCode === 0 && this.#failed ? 1 : this.#exitCode);
  }

  #endWith(code: number): number {
    this.#loaded.release();
    return code;
  }

  #exit(code: number): void {
    this.#exitCode = code;
    this.#finished = true;
    this.#detach();
    this.#options.kernel.stop();
  }

  #attachProbes(): boolean {
    const { kernel, resources, pid, child } = this.#options;
    const traced = pid ?? child?.pid;
    const attaching = attachProbes({
      attachments: this.#attachments,
      kernel,
      runner: (program, at) => this.#runner(program, at),
      overrides: (program) => this.#loaded.overrides(program),
      sequence: (text) => this.#sequences.push(text),
      missingProbes: resources.config.missing_probes,
      error: (message) => this.#error(message),
      warn: (message) => this.#warn(message),
      tell: (message) => this.#tell(message),
      ...(traced === undefined ? {} : { traced }),
    });
    if (attaching === undefined) return false;
    this.#attached = attaching.attached;
    this.#detach = attaching.detach;
    return true;
  }

  #runner(program: string, at: Readonly<RunContext>): HookHandler {
    const { onFire } = this.#options;
    const run = this.#loaded.runner(program, at);
    if (onFire === undefined) return run;
    return (context) => {
      onFire(program);
      run(context);
    };
  }

  #measure({ kind, meter }: NonNullable<SessionOptions['measure']>): void {
    const probes = this.#ofKind(kind);
    const run = kind === 'test' ? runTests : runBenchmarks;
    const host = {
      consumer: this.#consumer,
      output: this.#output,
      meter,
      run: (probe: Attachment) => this.#runAsTracer(probe),
      takeExitCode: () => this.#takeExitCode(),
      error: (message: string) => this.#error(message),
    };
    this.#attached = probes.length;
    this.#failed = !run(host, probes);
  }

  #takeExitCode(): number {
    const code = this.#exitCode;
    this.#exitCode = 0;
    return code;
  }

  /** Has the events of the running machine read as bpftrace reads them. */
  #watch(): void {
    const { kernel, child, pid } = this.#options;
    this.#consumer.onEvents(() => kernel.at(kernel.now() + WAKE_UP_NS, () => this.#poll()));
    if (child !== undefined || pid !== undefined) this.#pollRegularly();
  }

  #poll(): void {
    if (this.#closed) return;
    this.#consumer.drain();
    if (!this.#finished && this.#isTracedGone()) this.#options.kernel.stop();
  }

  /** Calls back at bpftrace's own pace, as long as the session goes on. */
  #pollRegularly(): void {
    const { kernel } = this.#options;
    kernel.at(kernel.now() + POLL_NS, () => {
      if (this.#finished || this.#closed) return;
      this.#poll();
      this.#pollRegularly();
    });
  }

  /** Whether the process of -p or -c is there no more. */
  #isTracedGone(): boolean {
    const { child, pid, kernel } = this.#options;
    if (child !== undefined) return !child.isAlive();
    return pid !== undefined && !kernel.hasProcess(pid);
  }

  #runAll(kind: AttachKind, name: string): void {
    for (const probe of this.#ofKind(kind)) {
      this.#runAsTracer(probe);
      this.#tell(`Attaching ${name} probe`);
    }
  }

  #runAsTracer({ program }: Attachment): void {
    const run = this.#loaded.runner(program);
    this.#options.kernel.asTracer(() => run(this.#emptyContext));
  }

  #ofKind(kind: AttachKind): readonly Attachment[] {
    return this.#attachments.filter(({ target }) => target.kind === kind);
  }

  #error(message: string): void {
    report(this.#options.output, 'error', message);
  }
  #warn(message: string): void {
    if (this.#options.warnings !== false) report(this.#options.output, 'warning', message);
  }
  #tell(message: string): void {
    if (this.#options.verbose === true) this.#options.output.stderr(`${message}\n`);
  }
}
