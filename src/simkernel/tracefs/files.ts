import { EBUSY, EEXIST, EINVAL, ENOENT } from '../errno.ts';
import { drain, GLOBAL_FILES, INSTANCE_FILES } from './control-files.ts';
import { eventsTree } from './event-tree.ts';
import { statFile } from './function-profiler.ts';
import { TraceArray } from './trace-array.ts';
import { emptied, fileNode, flag } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';
import { OPTION_NAMES } from './trace-options.ts';
import { traceText, traceTime } from './trace-text.ts';
import type { DirectoryNode, Node } from './tree.ts';
import { directory } from './tree.ts';

/** The files of one CPU's buffer. */
const CPU_FILES: Readonly<Record<string, (cpu: number) => TraceFile>> = {
  stats: (cpu) => ({ read: (array) => statsText(array, cpu) }),
  trace: (cpu) => ({
    mode: 0o640,
    read: (array) => traceText(array, [array.rings[cpu]!]),
    write: () => 0,
    truncate: emptied((array) => array.rings[cpu]!.clear()),
  }),
  trace_pipe: (cpu) => ({ stream: (array) => drain(array, cpu) }),
  buffer_size_kb: () => ({ read: (array) => `${array.bufferKb}\n` }),
};
function statsText(array: TraceArray, cpu: number): string {
  const ring = array.rings[cpu]!;
  return (
    `entries: ${ring.count}\noverrun: ${ring.overrun}\ncommit overrun: 0\nbytes: ${ring.bytes}\n` +
    `oldest event ts: ${traceTime(ring.oldest()?.timeNs ?? 0)}\nnow ts: ${traceTime(array.machine.now())}\n` +
    `dropped events: ${ring.dropped}\nread events: ${ring.readEvents}\n`
  );
}

const filesOf = (array: TraceArray, rows: Readonly<Record<string, TraceFile>>): Readonly<Record<string, Node>> =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, fileNode(array, row)]));

function perCpuTree(array: TraceArray): DirectoryNode {
  const cpuTree = (cpu: number): DirectoryNode =>
    directory(filesOf(array, Object.fromEntries(Object.entries(CPU_FILES).map(([name, make]) => [name, make(cpu)]))));
  return directory(Object.fromEntries(array.rings.map((_, cpu) => [`cpu${cpu}`, cpuTree(cpu)])));
}
function optionsTree(array: TraceArray): DirectoryNode {
  const rows = OPTION_NAMES.map((name): [string, TraceFile] => [
    name,
    {
      mode: 0o644,
      read: ({ options }) => `${options.get(name) ? 1 : 0}\n`,
      write: ({ options }, text) => flag(text, (on) => options.set(name, on)),
    },
  ]);
  return directory(filesOf(array, Object.fromEntries(rows)));
}
/** trace_stat: what the function profiler has counted on each CPU. */
function profilesTree(array: TraceArray): DirectoryNode {
  return directory(filesOf(array, Object.fromEntries(array.rings.map((_, cpu) => [`function${cpu}`, statFile(cpu)]))));
}
function instanceEntries(array: TraceArray): Readonly<Record<string, Node | (() => Node)>> {
  return {
    ...filesOf(array, INSTANCE_FILES),
    per_cpu: () => perCpuTree(array),
    options: () => optionsTree(array),
    events: eventsTree(array),
  };
}

/** The folder `instances`: mkdir makes a trace array of its own, rmdir removes it. */
function instancesTree(top: TraceArray): DirectoryNode {
  const made = new Map<string, { readonly array: TraceArray; readonly tree: DirectoryNode }>();
  return {
    kind: 'directory',
    names: () => made.keys(),
    find: (name) => made.get(name)?.tree,
    mkdir(name) {
      if (made.has(name)) return -EEXIST;
      if (name.startsWith('.')) return -EINVAL;
      const array = new TraceArray(top.shared);
      made.set(name, { array, tree: directory(instanceEntries(array)) });
      return 0;
    },
    rmdir(name, isOpen) {
      const instance = made.get(name);
      if (instance === undefined) return -ENOENT;
      if (isOpen()) return -EBUSY;
      instance.array.close();
      made.delete(name);
      return 0;
    },
  };
}

/** The whole tree below /sys/kernel/tracing. */
export function tracefsTree(array: TraceArray): DirectoryNode {
  return directory({
    ...filesOf(array, GLOBAL_FILES),
    ...instanceEntries(array),
    instances: instancesTree(array),
    trace_stat: () => profilesTree(array),
  });
}
