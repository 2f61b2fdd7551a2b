import { EINVAL, ENOMEM } from '../errno.ts';
import { traceableFunctions } from '../listing.ts';
import { memoryInfo } from '../memory/memory-info.ts';
import { dynamicEventsFile } from './dynamic-events.ts';
import { isFunctionCommand } from './function-commands.ts';
import type { FunctionFilters } from './function-filter.ts';
import { profileFile } from './function-profiler.ts';
import { maxLatencyFile, thresholdFile } from './latency/latency.ts';
import { TRACERS } from './tracers.ts';
import type { TracerName } from './tracers.ts';
import { printText } from './print-text.ts';
import { probeCommand, probeEvents, probeLines, removeAll } from './probe-events.ts';
import type { ProbeKind } from './probe-kinds.ts';
import { readme } from './readme.ts';
import { snapshotFile } from './snapshot-file.ts';
import { syntheticFile } from './synthetic-events.ts';
import type { TaskFilter } from './task-filter.ts';
import type { TraceArray } from './trace-array.ts';
import { CLOCKS } from './trace-clock.ts';
import type { ClockName } from './trace-clock.ts';
import { each, emptied, eventLines, number, words } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';
import { entriesText, traceText } from './trace-text.ts';

const DRAIN_ENTRIES = 32;
/** trace_pipe: what has come, taken out. */
export function drain(array: TraceArray, cpu?: number): string {
  const taken = [];
  for (let i = 0; i < DRAIN_ENTRIES; i += 1) {
    const entry = array.consume(cpu);
    if (entry === undefined) break;
    taken.push(entry);
  }
  return entriesText(array, taken);
}

/** set_ftrace_filter and its kind: names a line, or that there are none. */
const filterFile = (key: keyof FunctionFilters, none: string): TraceFile => ({
  mode: 0o644,
  read({ filters }) {
    const names = filters[key].names();
    return names === null ? none : [...names].map((name) => `${name}\n`).join('');
  },
  write(array, text) {
    const error = each(words(text), (word) => (array.filters[key].add(word) ? 0 : -EINVAL));
    array.restartTracer();
    return error;
  },
  truncate(array) {
    array.filters[key].patterns = [];
    array.restartTracer();
    return 0;
  },
});

/** set_ftrace_filter also takes what calls are to set off: `vfs_read:traceoff:3`. */
function functionsFile(): TraceFile {
  const filter = filterFile('only', '#### all functions enabled ####\n');
  return {
    ...filter,
    read: (array) => filter.read!(array) + array.commands.text(),
    write(array, text) {
      const all = words(text);
      const error = each(all.filter(isFunctionCommand), (word) => array.commands.write(word));
      const names = all.filter((word) => !isFunctionCommand(word));
      return error < 0 || names.length === 0 ? error : filter.write!(array, names.join(' '));
    },
  };
}

/** set_event_pid, set_ftrace_pid. */
const tasksFile = (filter: (array: TraceArray) => TaskFilter, none: string): TraceFile => ({
  mode: 0o640,
  read(array) {
    const pids = filter(array).list();
    return pids.length === 0 ? none : pids.map((pid) => `${pid}\n`).join('');
  },
  write: (array, text) => filter(array).add(text),
  truncate: emptied((array) => filter(array).clear()),
});

const probeFile = (kind: ProbeKind): TraceFile => ({
  mode: 0o644,
  read: (array) => probeEvents(array, kind).map(probeLines).join(''),
  write: (array, text) => each(eventLines(text), (line) => probeCommand(array, kind, line)),
  truncate: (array) => removeAll(array, kind),
});
/** Hits of each line of the file of events; of kprobes also those that were missed. */
const probeProfileFile = (kind: ProbeKind): TraceFile => ({
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

function writeMask(array: TraceArray, text: string): number {
  const digits = text.trim().replaceAll(',', '');
  if (!/^[0-9a-f]+$/i.test(digits)) return -EINVAL;
  const mask = BigInt(`0x${digits}`) & ((1n << BigInt(array.machine.cpus)) - 1n);
  if (mask === 0n) return -EINVAL;
  array.cpuMask = mask;
  return 0;
}

const PID_MAX_DEFAULT = 32_768;
/** rb_allocate_pages(): not more than there is memory. */
function resize(array: TraceArray, kilobytes: number): number {
  const { machine } = array;
  const available = new Map(memoryInfo(machine)).get('MemAvailable') ?? 0;
  if ((kilobytes - array.bufferKb) * machine.cpus > available) return -ENOMEM;
  array.resize(kilobytes);
  return 0;
}

/** The files at the top of every instance. */
export const INSTANCE_FILES: Readonly<Record<string, TraceFile>> = {
  available_tracers: { read: () => `${Object.keys(TRACERS).join(' ')}\n` },
  buffer_size_kb: {
    mode: 0o644,
    read: (array) => `${array.bufferKb}\n`,
    write: (array, text) => number(text, 1, (kilobytes) => resize(array, kilobytes)),
  },
  buffer_total_size_kb: { read: (array) => `${array.bufferKb * array.rings.length}\n` },
  current_tracer: {
    mode: 0o644,
    read: (array) => `${array.tracerName}\n`,
    write(array, text) {
      const name = text.trim();
      if (!Object.hasOwn(TRACERS, name)) return -EINVAL;
      array.setTracer(name as TracerName);
      return 0;
    },
  },
  error_log: {
    mode: 0o644,
    read: (array) => array.errors.join(''),
    write: () => 0,
    truncate: emptied((array) => array.errors.splice(0)),
  },
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
  set_event_pid: tasksFile(({ eventTasks }) => eventTasks, ''),
  set_ftrace_filter: functionsFile(),
  set_ftrace_notrace: filterFile('not', '#### no functions disabled ####\n'),
  set_ftrace_pid: tasksFile(({ functionTasks }) => functionTasks, 'no pid\n'),
  snapshot: snapshotFile,
  trace: {
    mode: 0o640,
    read: (array) => traceText(array, array.rings),
    write: () => 0,
    truncate: emptied((array) => array.clear()),
  },
  trace_clock: {
    mode: 0o644,
    read: ({ clock }) =>
      `${Object.keys(CLOCKS)
        .map((name) => (name === clock ? `[${name}]` : name))
        .join(' ')}\n`,
    write(array, text) {
      const name = text.trim();
      if (!Object.hasOwn(CLOCKS, name)) return -EINVAL;
      array.setClock(name as ClockName);
      return 0;
    },
  },
  trace_marker: {
    mode: 0o220,
    write(array, text) {
      if (array.options.get('markers')) printText(array, 'tracing_mark_write: ', text);
      return array.options.get('markers') ? 0 : -EINVAL;
    },
  },
  trace_options: {
    mode: 0o644,
    read: (array) => array.options.text(array.tracerName),
    write: (array, text) => (array.options.write(text.trim(), array.tracerName) ? 0 : -EINVAL),
  },
  trace_pipe: { stream: (array) => drain(array) },
  tracing_cpumask: {
    mode: 0o644,
    read: ({ cpuMask, machine }) => `${cpuMask.toString(16).padStart(Math.ceil(machine.cpus / 4), '0')}\n`,
    write: writeMask,
  },
  tracing_max_latency: maxLatencyFile,
  tracing_on: {
    mode: 0o644,
    read: ({ isOn }) => `${isOn ? 1 : 0}\n`,
    write: (array, text) =>
      number(text, 0, (value) => {
        array.isOn = value !== 0;
      }),
  },
};

/** Those that are there once: about the machine's functions and events, and graphs of calls. */
export const GLOBAL_FILES: Readonly<Record<string, TraceFile>> = {
  README: { read: readme },
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
  dynamic_events: dynamicEventsFile,
  function_profile_enabled: profileFile,
  kprobe_events: probeFile('kprobe'),
  kprobe_profile: probeProfileFile('kprobe'),
  max_graph_depth: {
    mode: 0o644,
    read: ({ graphDepth }) => `${graphDepth}\n`,
    write: (array, text) =>
      number(text, 0, (depth) => {
        array.graphDepth = depth;
      }),
  },
  saved_cmdlines: { read: ({ shared }) => [...shared.comms].map(([pid, comm]) => `${pid} ${comm}\n`).join('') },
  saved_cmdlines_size: {
    mode: 0o644,
    read: ({ shared }) => `${shared.commsKept}\n`,
    write: ({ shared }, text) => number(text, 1, (count) => shared.keepComms(count), PID_MAX_DEFAULT),
  },
  saved_tgids: { read: ({ shared }) => [...shared.tgids].map(([pid, tgid]) => `${pid} ${tgid}\n`).join('') },
  set_graph_function: filterFile('graph', '#### all functions enabled ####\n'),
  set_graph_notrace: filterFile('graphNot', '#### no functions disabled ####\n'),
  synthetic_events: syntheticFile,
  tracing_thresh: thresholdFile,
  uprobe_events: probeFile('uprobe'),
  uprobe_profile: probeProfileFile('uprobe'),
};
