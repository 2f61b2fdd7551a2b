import type { EnginePrograms } from '../abi/execution.ts';
import type { ProgramImage } from '../abi/program-image.ts';
import type { Attachment, Resources } from '../lang/resources.ts';
import { attachAll, planAttachment } from './attach.ts';
import { createEventConsumer } from './events.ts';
import type { Kernel } from './kernel.ts';
import { loadImage, type LoadedImage } from './load.ts';
import type { RingBuffer } from './maps/ring-buffer.ts';
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
  /** --dry-run: attaches, then ends. */
  readonly dryRun?: boolean;
  readonly seed?: number;
  /** Lets the host's event loop run between slices of the machine. */
  readonly pause?: () => Promise<void>;
}

/** From the first event of a batch to the moment its reader runs: the wake-up of a process that sleeps in epoll_wait. */
const WAKE_UP_NS = 20_000;
/** What a failed session returns: -1 as an exit status. */
const FAILED = 255;
/** Bytes of zeroes for programs that run without a context. */
const EMPTY_CONTEXT_SIZE = 256;

/** Runs a loaded script from its begin probes to the maps printed at exit. */
export async function runSession(options: SessionOptions): Promise<{ readonly exitCode: number }> {
  const { resources, kernel, output: streams } = options;
  const { config, attachments } = resources;
  const output = options.format === 'json' ? createJsonOutput(streams) : createTextOutput(streams, options.warnings);
  const error = (message: string): void => streams.stderr(`ERROR: ${message}\n`);
  const warn = (message: string): void => {
    if (options.warnings !== false) streams.stderr(`WARNING: ${message}\n`);
  };

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
  const detachers: (() => void)[] = [];
  const detachAll = (): void => {
    for (const detach of detachers.splice(0)) detach();
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
      finished = true;
      detachAll();
      kernel.stop();
    },
  });

  startElapsed(loaded, kernel.now());
  const emptyContext = kernel.memory.allocate(EMPTY_CONTEXT_SIZE, 8);
  const ofKind = (kind: Attachment['target']['kind']): Attachment[] =>
    attachments.filter((attachment) => attachment.target.kind === kind);
  const runAsTracer = (probes: readonly Attachment[]): void => {
    for (const { program } of probes) {
      const run = loaded.runner(program);
      kernel.asTracer(() => run(emptyContext));
    }
  };

  const begins = ofKind('begin');
  const ends = ofKind('end');
  const signals = ofKind('self');
  runAsTracer(begins);

  let attached = 0;
  for (const { program, probeName, target } of attachments) {
    const plan = planAttachment(target, kernel);
    if (plan.kind === 'runner') continue;
    const result =
      plan.kind === 'hooks'
        ? attachAll(kernel, plan.targets, loaded.runner(program))
        : ({ ok: false, errno: 'EOPNOTSUPP', reason: plan.reason } as const);
    if (result.ok) {
      detachers.push(() => result.detach());
      attached += plan.kind === 'hooks' ? plan.targets.length : 0;
      continue;
    }
    const reason =
      result.errno === 'EILSEQ'
        ? 'Possible attachment attempt in the middle of an instruction, try a different offset.'
        : result.reason;
    if (config.missing_probes === 'error') {
      error(reason);
      error(
        `Unable to attach probe: ${probeName}. If this is expected, set the 'missing_probes' config variable to 'warn'.`,
      );
      detachAll();
      return { exitCode: FAILED };
    }
    if (config.missing_probes === 'warn') {
      warn(reason);
      warn(`Unable to attach probe: ${probeName}. Skipping.`);
    }
  }
  if (options.dryRun === true) {
    detachAll();
    return { exitCode };
  }
  const total = attached + begins.length + ends.length + signals.length;
  if (total === 0) {
    error(nothingAttached(attachments));
    return { exitCode: FAILED };
  }
  if (options.quiet !== true) output.attachedProbes(total);

  // Only begin and end: nothing will ever happen, so what they left is all there is.
  if (attached + signals.length > 0) await runMachine();
  else consumer.drain();

  detachAll();
  // Events behind an exit() are not shown; those that a Ctrl-C left behind are.
  if (finished) consumer.discard();
  runAsTracer(ends);
  consumer.drain();
  const lost = ring.dropped();
  consumer.reportLost();
  if (lost > 0) warn(`Total lost event count: ${lost}`);

  output.end();
  if (config.print_maps_on_exit) for (const index of printedMaps(resources)) consumer.printMap(index);
  return { exitCode };

  async function runMachine(): Promise<void> {
    const until = kernel.now() + options.durationNs;
    const pause = options.pause ?? nextTurn;
    const stop = (): void => kernel.stop();
    options.signal?.addEventListener('abort', stop);
    ring.onData = () => kernel.at(kernel.now() + WAKE_UP_NS, () => consumer.drain());
    // What the begin probes left in the ring is read at once.
    consumer.drain();
    while (!finished && options.signal?.aborted !== true && kernel.now() < until && kernel.halted === undefined) {
      kernel.run(until);
      await pause();
    }
    if (kernel.halted !== undefined) {
      consumer.drain();
      error(`The machine stopped: ${kernel.halted}`);
      exitCode = FAILED;
    }
    ring.onData = null;
    options.signal?.removeEventListener('abort', stop);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
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
