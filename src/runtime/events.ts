import type { Action, EventField, Resources } from '../lang/resources.ts';
import { sizeOf } from '../lang/layout.ts';
import { assertNever, bug } from '../source/bug.ts';
import { renderLine } from '../source/render.ts';
import { snapshot, type Arena } from './arena.ts';
import { Captures } from './captures.ts';
import type { Kernel } from './kernel.ts';
import type { BpfMap } from './maps/bpf-map.ts';
import type { PerfEventMap } from './maps/perf-event-map.ts';
import type { RingBuffer } from './maps/ring-buffer.ts';
import { byteText, bytesToText, decodeText } from './output/byte-text.ts';
import { applyFormat, parseFormat, type FormatString } from './output/format-string.ts';
import type { Output, OutputStreams } from './output/output.ts';
import { readMap } from './output/read-map.ts';
import { readValue } from './output/read-value.ts';
import { strftime } from './output/time-format.ts';
import type { MapContents, Primitive } from './output/value.ts';
import type { ValueContext } from './output/value-context.ts';
import { PAGE_SIZE } from '../abi/linux.ts';
import { PACKET_HEADER } from '../lang/resources.ts';

export interface EventHost {
  readonly kernel: Kernel;
  readonly arena: Arena;
  readonly maps: readonly BpfMap[];
  readonly resources: Resources;
  readonly context: ValueContext;
  readonly output: Output;
  readonly streams: OutputStreams;
  /** Whether warnf() and warnings are shown. */
  readonly warnings: boolean;
  readonly onExit: (code: number) => void;
}

/** A map of the script, by its name with the `@`. */
export interface ReadMap {
  readonly name: string;
  readonly contents: MapContents;
}

/** The ring buffer's consumer: does what events ask for, in their order. */
export interface EventConsumer {
  /** Handles all events that are there. */
  drain(): void;
  /** Drops all events that are there: what bpftrace does with those behind an exit(). */
  discard(): void;
  /** Who is told when events come to a reader that sleeps; null: nobody. */
  onEvents(listener: (() => void) | null): void;
  /** Writes the files that events went to. */
  close(): void;
  /** Events that were lost since the start. */
  lostEvents(): number;
  /** Reports events that were lost since the last report. */
  reportLost(): void;
  printMap(index: number): void;
  readMap(index: number): ReadMap;
  /** Sends what follows elsewhere: --test and --bench look at it first. */
  redirect(output: Output): void;
}

/** Events begin with the number of their action, packets after the time at which they were seen. */
const EVENT_ID = 8;
/** Room for time()'s text; more is an error (bpftrace's MAX_TIME_STR_LEN). */
const MAX_TIME_TEXT = 64;

export function createEventConsumer(host: EventHost): EventConsumer {
  const { kernel, arena, maps, resources, context } = host;
  let { output } = host;
  const ring = maps[resources.ringBuffer] as RingBuffer;
  const perfBuffers = resources.perfBuffers === undefined ? undefined : (maps[resources.perfBuffers] as PerfEventMap);
  perfBuffers?.open(perfBufferBytes(resources.config.perf_rb_pages, kernel.cpus));
  const captures = new Captures(kernel, capturePaths(resources.actions));
  const formats = new Map<Action, FormatString>();
  let exiting = false;
  let reportedLost = 0;

  const field = (event: Uint8Array, { type, offset }: EventField): Primitive =>
    readValue(context, type, event.subarray(offset, offset + sizeOf(type)));
  const number = (event: Uint8Array, at: EventField | undefined): bigint => {
    if (at === undefined) return 0n;
    const value = field(event, at);
    return value.kind === 'int' ? value.value : bug('an event field is no number');
  };
  const formatted = (action: Action & { format: string; args: readonly EventField[] }, event: Uint8Array): string => {
    let format = formats.get(action);
    if (format === undefined) formats.set(action, (format = parseFormat(byteText(action.format))));
    return applyFormat(
      format,
      action.args.map((arg) => field(event, arg)),
    );
  };
  const error = (message: string): void => host.streams.stderr(renderLine('error', message, undefined, host.streams));

  function mapResource(index: number) {
    return resources.maps[index] ?? bug(`map ${index} has no name`);
  }

  function readNamed(index: number, top: number, div: bigint): ReadMap {
    const resource = mapResource(index);
    return {
      name: byteText(resource.name),
      contents: readMap(context, resource, maps[index]!.collect(), { top, div }),
    };
  }

  function printMap(index: number, top: number, div: bigint, showUnset: boolean): void {
    const { name, contents } = readNamed(index, top, div);
    output.map(name, showUnset ? withUnset(index, contents) : contents);
  }

  /** print() of a scalar that was never set shows its zero; histograms and time series show nothing. */
  function withUnset(index: number, contents: MapContents): MapContents {
    const { key, value } = mapResource(index);
    const isBlock = value.kind === 'hist' || value.kind === 'lhist' || value.kind === 'tseries';
    if (key !== undefined || isBlock || contents.kind === 'scalar') return contents;
    return {
      kind: 'scalar',
      value: readValue(context, value, new Uint8Array(sizeOf(value))),
      stats: contents.stats,
    };
  }

  function handle(action: Action, event: Uint8Array): void {
    switch (action.kind) {
      case 'printf':
        output.printf(formatted(action, event));
        return;
      case 'errorf':
        output.message('error', formatted(action, event), action.span);
        return;
      case 'warnf':
        if (host.warnings) output.message('warning', formatted(action, event), action.span);
        return;
      case 'cat':
        cat(decodeText(formatted(action, event)));
        return;
      case 'system':
        system(decodeText(formatted(action, event)));
        return;
      case 'exit':
        exiting = true;
        host.onExit(Number(number(event, action.code)));
        return;
      case 'print_map':
        printMap(action.map, Number(number(event, action.top)), number(event, action.div), true);
        return;
      case 'print_value':
        output.value(field(event, action.value));
        return;
      case 'clear':
        maps[action.map]!.clear();
        return;
      case 'zero':
        maps[action.map]!.zero();
        return;
      case 'time':
        time(byteText(action.format));
        return;
      case 'join':
        output.join(joined(action, event));
        return;
      case 'helper_error':
        output.runtimeError(
          { kind: 'helper', helper: action.helper, result: Number(number(event, action.error)) },
          action.span,
        );
        return;
      case 'runtime_error':
        output.runtimeError({ kind: 'other', message: action.error }, action.span);
        return;
      case 'skboutput': {
        const seen = new DataView(event.buffer, event.byteOffset).getBigUint64(EVENT_ID, true);
        captures.add(action.path, context.bootTimeNs + seen, event.subarray(PACKET_HEADER), action.offset);
        return;
      }
      default:
        assertNever(action);
    }
  }

  function cat(path: string): void {
    const content = kernel.readFile(path);
    if (content === undefined) error(`failed to open file '${path}' (No such file or directory)`);
    else output.cat(bytesToText(content.subarray(0, resources.config.max_cat_bytes)));
  }

  /** Of a command that fails nothing is shown; errno is what libbpf's probing of the kernel left behind. */
  function system(command: string): void {
    const { printed, status } = kernel.command(command);
    if (status === 0) output.system(byteText(printed));
    else error(`command exited with code ${status} (Invalid argument)`);
  }

  function time(format: string): void {
    const seconds = (context.bootTimeNs + BigInt(Math.floor(kernel.now()))) / 1_000_000_000n;
    const text = strftime(format, seconds);
    if (text.length === 0 || text.length >= MAX_TIME_TEXT) error('strftime returned zero');
    else output.time(text);
  }

  function joined(action: Action & { kind: 'join' }, event: Uint8Array): string {
    const strings = field(event, action.strings);
    if (strings.kind !== 'array') bug('join() of no array');
    const parts: string[] = [];
    for (const part of strings.values.slice(0, Number(number(event, action.count)))) {
      if (part.kind !== 'string' || part.value === '') break;
      parts.push(part.value);
    }
    return parts.join(byteText(action.separator));
  }

  function reportLost(): void {
    const lost = lostEvents();
    if (lost > reportedLost) output.lostEvents(lost - reportedLost);
    reportedLost = lost;
  }

  const lostEvents = (): number => ring.dropped() + (perfBuffers?.lost() ?? 0);

  function receive(event: Uint8Array): void {
    const id = new DataView(event.buffer, event.byteOffset).getUint32(0, true);
    const action = resources.actions[id] ?? bug(`event of unknown action ${id}`);
    if (exiting) return;
    handle(action, event);
  }

  return {
    drain() {
      exiting = false;
      perfBuffers?.take().forEach(receive);
      reportLost();
      while (
        ring.consume((address, size) => {
          // A copy: actions run while programs may already produce new events.
          receive(snapshot(arena, address, size));
        })
      );
    },
    discard() {
      while (ring.consume(() => undefined));
    },
    onEvents(listener) {
      ring.onData = listener;
      if (perfBuffers !== undefined) perfBuffers.onData = listener;
    },
    close: () => captures.write(),
    lostEvents,
    reportLost,
    printMap: (index) => printMap(index, 0, 1n, false),
    readMap: (index) => readNamed(index, 0, 1n),
    redirect(to) {
      output = to;
    },
  };
}

/** Each CPU's share of the pages, a power of two of them. */
function perfBufferBytes(pages: number, cpus: number): number {
  return PAGE_SIZE * 2 ** Math.ceil(Math.log2(Math.max(pages / cpus, 1)));
}

const capturePaths = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'skboutput' ? [action.path] : []));
