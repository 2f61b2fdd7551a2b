import { loadInteger, symbolText } from './print-format.ts';
import type { TraceEntry } from './ring-buffer.ts';
import type { TraceArray } from './trace-array.ts';
import { recordText } from './trace-text.ts';

export const GRAPH_HEADER = `# CPU  DURATION                  FUNCTION CALLS
# |     |   |                     |   |   |   |
`;
/** Marks before durations, longest first (kernel/trace/trace_output.c). */
const MARKS: readonly (readonly [number, string])[] = [
  [1e9, '$ '],
  [100e6, '@ '],
  [10e6, '* '],
  [1e6, '# '],
  [100e3, '! '],
  [10e3, '+ '],
];
const NO_DURATION = ' '.repeat(14);
const DURATION_WIDTH = 12;
const NAME_WIDTH = 14;
const INDENT = 2;
const RULE = ' ------------------------------------------\n';

function duration(ns: number): string {
  const mark = MARKS.find(([limit]) => ns > limit)?.[1] ?? '  ';
  const text = `${Math.floor(ns / 1000)}.${String(Math.floor(ns) % 1000).padStart(3, '0')} us`;
  return mark + text.padEnd(DURATION_WIDTH);
}
/** `bash-1234`, in the middle of its column. */
function taskName(array: TraceArray, pid: number): string {
  const text = `${(array.comms.get(pid) ?? '<...>').slice(0, 7)}-${pid}`;
  const spaces = Math.max(0, NAME_WIDTH - text.length);
  return ' '.repeat(spaces >> 1) + text + ' '.repeat(spaces - (spaces >> 1));
}

/** The records of function_graph as calls with braces; a call without inner ones is one line. */
export function graphText(array: TraceArray, entries: readonly TraceEntry[]): string {
  const perCpu = new Map<number, TraceEntry[]>();
  for (const entry of entries) {
    const list = perCpu.get(entry.cpu) ?? [];
    perCpu.set(entry.cpu, list);
    list.push(entry);
  }
  const next = new Map<TraceEntry, TraceEntry>();
  for (const list of perCpu.values()) list.forEach((entry, i) => i > 0 && next.set(list[i - 1]!, entry));
  const leaves = new Set<TraceEntry>();
  const lastPid = new Map<number, number>();
  const width = String(array.machine.cpus - 1).length;
  let text = '';
  for (const entry of entries) {
    if (leaves.has(entry)) continue;
    const { data, cpu, pid } = entry;
    const place = ` ${String(cpu).padStart(width)}) `;
    const before = lastPid.get(cpu);
    if (before !== undefined && before !== pid)
      text += `${RULE}${place} ${taskName(array, before)} => ${taskName(array, pid)}\n${RULE}\n`;
    lastPid.set(cpu, pid);
    const indent = ' '.repeat(INDENT * Number(loadInteger(data, 16, 4, true)));
    const name = symbolText(array.machine, loadInteger(data, 8, 8, false), false);
    const took = (exit: TraceEntry): string =>
      duration(Number(loadInteger(exit.data, 32, 8, false) - loadInteger(exit.data, 24, 8, false)));
    if (entry.event.name === 'funcgraph_entry') {
      const after = next.get(entry);
      const isLeaf =
        after?.event.name === 'funcgraph_exit' &&
        after.pid === pid &&
        loadInteger(after.data, 8, 8, false) === loadInteger(data, 8, 8, false);
      if (isLeaf) {
        leaves.add(after);
        text += `${place}${took(after)}|  ${indent}${name}();\n`;
      } else text += `${place}${NO_DURATION}|  ${indent}${name}() {\n`;
    } else if (entry.event.name === 'funcgraph_exit') text += `${place}${took(entry)}|  ${indent}}\n`;
    else text += `${place}${NO_DURATION}|  /* ${entry.event.title}${recordText(array, entry)} */\n`;
  }
  return text;
}
