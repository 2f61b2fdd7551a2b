import { traceableFunctions } from '../listing.ts';
import { EINVAL } from '../errno.ts';
import { formatText } from './event.ts';
import type { TraceEvent } from './event.ts';
import { createFunctionFilters, TRACERS } from './function-tracer.ts';
import type { FunctionFilter, FunctionFilters, TracerName } from './function-tracer.ts';
import { printText } from './print-text.ts';
import { probeCommand, probeEvents, probeLines, removeAll } from './probe-events.ts';
import type { ProbeKind } from './probe-record.ts';
import type { TraceArray } from './trace-array.ts';
import { entriesText, traceText, traceTime } from './trace-text.ts';
import type { DirectoryNode, FileNode, Node } from './tree.ts';
import { directory } from './tree.ts';

/** What one file of tracefs does, for the global trace array. */
export interface TraceFile {
  readonly mode?: number;
  readonly read?: (array: TraceArray, filters: FunctionFilters) => string;
  readonly write?: (array: TraceArray, text: string, filters: FunctionFilters) => number;
  /** 0, or the negative error number with which opening fails. */
  readonly truncate?: (array: TraceArray, filters: FunctionFilters) => number;
  readonly stream?: (array: TraceArray) => string;
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
/** The first error of all. */
const each = (items: readonly string[], take: (item: string) => number): number =>
  items.reduce((error, item) => (error < 0 ? error : take(item)), 0);
function flag(text: string, set: (on: boolean) => void): number {
  const value = text.trim();
  if (value !== '0' && value !== '1') return -EINVAL;
  set(value === '1');
  return 0;
}

/** trace_pipe: what has come, taken out. */
function drain(array: TraceArray, cpu?: number): string {
  const taken = [];
  for (let i = 0; i < DRAIN_ENTRIES; i += 1) {
    const entry = array.consume(cpu);
    if (entry === undefined) break;
    taken.push(entry);
  }
  return entriesText(array, taken);
}
const DRAIN_ENTRIES = 32;

function marker(array: TraceArray, text: string): number {
  printText(array, 'tracing_mark_write: ', text);
  return 0;
}

function setTracer(array: TraceArray, text: string, filters: FunctionFilters): number {
  const name = text.trim();
  if (!Object.hasOwn(TRACERS, name)) return -EINVAL;
  array.tracer?.stop();
  array.clear();
  array.tracer = null;
  array.tracer = TRACERS[name as TracerName](array, filters);
  return 0;
}

/** set_ftrace_filter and its kind: names a line, or that there are none. */
function filterFile(key: keyof FunctionFilters, none: string): TraceFile {
  const restart = (array: TraceArray, filters: FunctionFilters): void => {
    const name = array.tracer?.name;
    if (name === undefined) return;
    array.tracer?.stop();
    array.tracer = TRACERS[name as TracerName](array, filters);
  };
  return {
    mode: 0o644,
    read(_array, filters) {
      const names = filters[key].names();
      return names === null ? none : [...names].map((name) => `${name}\n`).join('');
    },
    write(array, text, filters) {
      const filter: FunctionFilter = filters[key];
      const error = each(words(text), (word) => (filter.add(word) ? 0 : -EINVAL));
      restart(array, filters);
      return error;
    },
    truncate(array, filters) {
      filters[key].patterns = [];
      restart(array, filters);
      return 0;
    },
  };
}

const probeFile = (kind: ProbeKind): TraceFile => ({
  mode: 0o644,
  read: (array) => probeEvents(array, kind).map(probeLines).join(''),
  write: (array, text) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return each(lines, (line) => probeCommand(array, kind, line));
  },
  truncate: (array) => removeAll(array, kind),
});
/** Hits of each line of the file of events; of kprobes also those that were missed. */
const profileFile = (kind: ProbeKind): TraceFile => ({
  read: (array) =>
    probeEvents(array, kind)
      .flatMap(({ name, sources }) =>
        sources.map(({ counts, place: { target } }) => {
          const { hits, misses } = counts();
          const count = (value: number): string => ` ${String(value).padStart(15)}`;
          if (target.kind === 'user') return `  ${target.path} ${name.padEnd(44)}${count(hits)}\n`;
          return `  ${name.padEnd(44)}${count(hits)}${count(misses)}\n`;
        }),
      )
      .join(''),
});
/** Truncating empties something and cannot fail. */
const emptied =
  (empty: (array: TraceArray) => void) =>
  (array: TraceArray): number => {
    empty(array);
    return 0;
  };

/** The files at the top of tracefs. */
const FILES: Readonly<Record<string, TraceFile>> = {
  available_events: {
    read: (array) =>
      array
        .events()
        .map(({ category, name }) => `${category}:${name}\n`)
        .join(''),
  },
  available_filter_functions: {
    read: ({ machine }) =>
      traceableFunctions(machine.arch)
        .map(({ name, module }) => `${name}${module === 'vmlinux' ? '' : ` [${module}]`}\n`)
        .join(''),
  },
  available_tracers: { read: () => `${Object.keys(TRACERS).join(' ')}\n` },
  buffer_size_kb: {
    mode: 0o644,
    read: (array) => `${array.bufferKb}\n`,
    write(array, text) {
      const kilobytes = Number(text.trim());
      if (!Number.isInteger(kilobytes) || kilobytes <= 0) return -EINVAL;
      array.resize(kilobytes);
      return 0;
    },
  },
  buffer_total_size_kb: { read: (array) => `${array.bufferKb * array.rings.length}\n` },
  current_tracer: { mode: 0o644, read: (array) => `${array.tracer?.name ?? 'nop'}\n`, write: setTracer },
  error_log: {
    mode: 0o644,
    read: (array) => array.errors.join(''),
    write: () => 0,
    truncate: emptied((array) => array.errors.splice(0)),
  },
  kprobe_events: probeFile('kprobe'),
  kprobe_profile: profileFile('kprobe'),
  uprobe_events: probeFile('uprobe'),
  uprobe_profile: profileFile('uprobe'),
  saved_cmdlines: { read: (array) => [...array.comms].map(([pid, comm]) => `${pid} ${comm}\n`).join('') },
  set_event: {
    mode: 0o644,
    read: (array) =>
      array
        .enabledEvents()
        .map((name) => `${name}\n`)
        .join(''),
    write: (array, text) => each(words(text), (word) => array.setEvent(word)),
    truncate: emptied((array) => array.setEvent('!*:*')),
  },
  set_ftrace_filter: filterFile('only', '#### all functions enabled ####\n'),
  set_ftrace_notrace: filterFile('not', '#### no functions disabled ####\n'),
  set_graph_function: filterFile('graph', '#### all functions enabled ####\n'),
  trace: {
    mode: 0o640,
    read: (array) => traceText(array),
    write: () => 0,
    truncate: emptied((array) => array.clear()),
  },
  trace_clock: { read: () => '[local] global counter uptime perf mono mono_raw boot tai x86-tsc\n' },
  trace_marker: { mode: 0o220, write: marker },
  trace_pipe: { stream: (array) => drain(array) },
  tracing_on: {
    mode: 0o644,
    read: (array) => `${array.on ? 1 : 0}\n`,
    write: (array, text) => flag(text, (on) => (array.on = on)),
  },
};

const CPU_FILES: Readonly<Record<string, (array: TraceArray, cpu: number) => TraceFile>> = {
  stats: (_array, cpu) => ({ read: (array) => statsText(array, cpu) }),
  trace: (_array, cpu) => ({
    mode: 0o640,
    read: (array) => traceText(array, cpu),
    write: () => 0,
    truncate: emptied((array) => array.rings[cpu]!.clear()),
  }),
  trace_pipe: (_array, cpu) => ({ stream: (array) => drain(array, cpu) }),
  buffer_size_kb: () => ({ read: (array) => `${array.bufferKb}\n` }),
};
function statsText(array: TraceArray, cpu: number): string {
  const ring = array.rings[cpu]!;
  return (
    `entries: ${ring.count}\noverrun: ${ring.overrun}\ncommit overrun: 0\nbytes: ${ring.bytes}\n` +
    `oldest event ts: ${traceTime(ring.oldest()?.timeNs ?? 0)}\nnow ts: ${traceTime(array.machine.now())}\n` +
    `dropped events: 0\nread events: ${ring.readEvents}\n`
  );
}

const EVENT_FILES: Readonly<Record<string, (event: TraceEvent) => TraceFile>> = {
  enable: (event) => ({
    mode: 0o640,
    read: (array) => `${array.state(event).enabled ? 1 : 0}\n`,
    write: (array, text) => {
      let error = 0;
      const wrong = flag(text, (on) => (error = array.enable(event, on)));
      return wrong < 0 ? wrong : error;
    },
  }),
  filter: (event) => ({
    mode: 0o640,
    read: (array) =>
      array.filterMistakes.get(`${event.system}:${event.name}`) ?? `${array.state(event).filter?.text ?? 'none'}\n`,
    write: (array, text) => array.setFilter(event, text),
  }),
  format: (event) => ({ read: () => formatText(event) }),
  id: (event) => ({ read: () => `${event.id}\n` }),
};

/** The whole tree below /sys/kernel/tracing. */
export function tracefsTree(array: TraceArray): DirectoryNode {
  const filters = createFunctionFilters(array.machine);
  const file = ({ mode = 0o444, read, write, truncate, stream }: TraceFile): FileNode => ({
    kind: 'file',
    mode,
    ...(read === undefined ? {} : { read: () => read(array, filters) }),
    ...(write === undefined ? {} : { write: (text) => write(array, text, filters) }),
    ...(truncate === undefined ? {} : { truncate: () => truncate(array, filters) }),
    ...(stream === undefined ? {} : { stream: () => stream(array) }),
  });
  const perCpu = (): Node =>
    directory(
      Object.fromEntries(
        array.rings.map((_, cpu) => [
          `cpu${cpu}`,
          directory(
            Object.fromEntries(Object.entries(CPU_FILES).map(([name, make]) => [name, file(make(array, cpu))])),
          ),
        ]),
      ),
    );
  return directory({
    ...Object.fromEntries(Object.entries(FILES).map(([name, row]) => [name, file(row)])),
    per_cpu: perCpu,
    events: eventsTree(array, file),
  });
}

function eventsTree(array: TraceArray, file: (row: TraceFile) => FileNode): DirectoryNode {
  const systems = (): ReadonlySet<string> => new Set(array.events().map(({ category }) => category));
  const namesOf = (system: string): readonly string[] =>
    array.events().flatMap(({ category, name }) => (category === system ? [name] : []));
  const all = (pattern: (name: string) => boolean): TraceFile => ({
    mode: 0o640,
    read(reading) {
      const keys = reading
        .events()
        .map(({ category, name }) => `${category}:${name}`)
        .filter(pattern);
      const on = new Set(reading.enabledEvents());
      const enabled = keys.filter((key) => on.has(key)).length;
      return enabled === 0 ? '0\n' : enabled === keys.length ? '1\n' : 'X\n';
    },
    write: (writing, text) =>
      flag(text, (on) => {
        for (const { category, name } of writing.events())
          if (pattern(`${category}:${name}`)) writing.enable(writing.event(category, name)!, on);
      }),
  });
  const eventTree = (event: TraceEvent): Node =>
    directory(Object.fromEntries(Object.entries(EVENT_FILES).map(([name, make]) => [name, file(make(event))])));
  const systemTree = (system: string): Node => ({
    kind: 'directory',
    names: () => ['enable', ...namesOf(system)],
    find(name) {
      if (name === 'enable') return file(all((key) => key.startsWith(`${system}:`)));
      const event = array.event(system, name);
      return event === undefined ? undefined : eventTree(event);
    },
  });
  return {
    kind: 'directory',
    names: () => ['enable', ...systems()],
    find(name) {
      if (name === 'enable') return file(all(() => true));
      return systems().has(name) ? systemTree(name) : undefined;
    },
  };
}
