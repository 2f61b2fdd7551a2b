import { argumentsText } from './function-arguments.ts';
import { loadInteger, symbolText } from './print-format.ts';
import type { TraceEntry } from './ring-buffer.ts';
import type { TraceArray } from './trace-array.ts';
import type { OptionName } from './trace-options.ts';
import { recordText, traceTime } from './trace-text.ts';

/** A column left of the calls: its two lines of the header, and what stands there. */
interface Column {
  readonly option: OptionName;
  readonly title: string;
  readonly rule: string;
  readonly text: (array: TraceArray, entry: TraceEntry) => string;
}
const COLUMNS: readonly Column[] = [
  {
    option: 'funcgraph-abstime',
    title: '     TIME       ',
    rule: '      |         ',
    text: (_array, { timeNs }) => `${traceTime(timeNs)} |  `,
  },
  { option: 'funcgraph-cpu', title: ' CPU', rule: ' |  ', text: cpuText },
  {
    option: 'funcgraph-proc',
    title: '  TASK/PID       ',
    rule: '   |    |        ',
    text: (array, { pid }) => `${taskName(array, pid)} | `,
  },
];
const DURATION = { title: '  DURATION   ', rule: '   |   |      ' };
const CALLS = { title: '               FUNCTION CALLS', rule: '               |   |   |   |' };

/** What `trace` begins with while function_graph runs. */
export function graphHeader({ options }: TraceArray): string {
  const shown = [
    ...COLUMNS.filter(({ option }) => options.get(option)),
    ...(options.get('funcgraph-duration') ? [DURATION] : []),
    CALLS,
  ];
  const line = (part: 'title' | 'rule'): string => `#${shown.map((column) => column[part]).join('')}\n`;
  return line('title') + line('rule');
}

/** Marks before durations, longest first (kernel/trace/trace_output.c). */
const MARKS: readonly (readonly [number, string])[] = [
  [1e9, '$ '],
  [100e6, '@ '],
  [10e6, '* '],
  [1e6, '# '],
  [100e3, '! '],
  [10e3, '+ '],
];
const NO_MARK = '  ';
const DURATION_WIDTH = 12;
const NAME_WIDTH = 14;
const INDENT = 2;
const RULE = ' ------------------------------------------\n';

function cpuText({ machine }: TraceArray, { cpu }: Pick<TraceEntry, 'cpu'>): string {
  return ` ${String(cpu).padStart(String(machine.cpus - 1).length)}) `;
}
/** The column of durations; none has been taken yet where a call begins. */
function duration({ options }: TraceArray, ns?: number): string {
  if (!options.get('funcgraph-duration')) return '';
  if (ns === undefined) return `${NO_MARK}${' '.repeat(DURATION_WIDTH)}|  `;
  const mark = options.get('funcgraph-overhead') ? MARKS.find(([limit]) => ns > limit)?.[1] : undefined;
  const text = `${Math.floor(ns / 1000)}.${String(Math.floor(ns) % 1000).padStart(3, '0')} us`;
  return `${mark ?? NO_MARK}${text.padEnd(DURATION_WIDTH)}|  `;
}
/** `bash-1234`, in the middle of its column. */
function taskName({ shared }: TraceArray, pid: number): string {
  const text = `${shared.commOf(pid).slice(0, 7)}-${pid}`;
  const spaces = Math.max(0, NAME_WIDTH - text.length);
  return ' '.repeat(spaces >> 1) + text + ' '.repeat(spaces - (spaces >> 1));
}

const functionOf = ({ data }: TraceEntry): bigint => loadInteger(data, 8, 8, false);
const isCall = ({ event }: TraceEntry): boolean => event.name === 'funcgraph_entry';
const isReturn = ({ event }: TraceEntry): boolean => event.name === 'funcgraph_exit';
const took = ({ data }: TraceEntry): number =>
  Number(loadInteger(data, 32, 8, false) - loadInteger(data, 24, 8, false));

/** Behind a record of a call (ENTRY_SIZE) stand its arguments, if they were wanted. */
const ARGUMENTS_AT = 20;
const ERRORS_BELOW = 4095n;
/** print_graph_retval(): a small negative number is an error, whatever its width. */
function returnedText({ options }: TraceArray, { data }: TraceEntry): string {
  const value = loadInteger(data, 40, 8, false);
  const isInt = value >> 32n === 0n;
  const signed = isInt ? BigInt.asIntN(32, value) : BigInt.asIntN(64, value);
  const isError = signed < 0n && signed >= -ERRORS_BELOW && !options.get('funcgraph-retval-hex');
  return ` ret=${isError ? signed : `0x${value.toString(16)}`}`;
}

/** The line of a record without its columns; `leaf` is the return that follows at once. */
function callText(array: TraceArray, entry: TraceEntry, leaf: TraceEntry | undefined): string {
  const { machine, options } = array;
  const { data } = entry;
  const indent = ' '.repeat(INDENT * Number(loadInteger(data, 16, 4, true)));
  const name = symbolText(machine, functionOf(entry), false);
  const returned = options.get('funcgraph-retval') ? returnedText : () => '';
  if (isReturn(entry)) {
    const isNamed = options.get('funcgraph-tail') || options.get('funcgraph-retval');
    return `${indent}}${isNamed ? ` /* ${name}${returned(array, entry)} */` : ''}\n`;
  }
  const hasArguments = data.length > ARGUMENTS_AT;
  const args = hasArguments ? argumentsText(machine, functionOf(entry), data, ARGUMENTS_AT) : '()';
  if (leaf === undefined) return `${indent}${name}${args} {\n`;
  const result = returned(array, leaf);
  return `${indent}${name}${args};${result === '' ? '' : ` /*${result} */`}\n`;
}

/** The record behind each on its CPU. */
function followers(entries: readonly TraceEntry[]): ReadonlyMap<TraceEntry, TraceEntry> {
  const last = new Map<number, TraceEntry>();
  const next = new Map<TraceEntry, TraceEntry>();
  for (const entry of entries) {
    const before = last.get(entry.cpu);
    if (before !== undefined) next.set(before, entry);
    last.set(entry.cpu, entry);
  }
  return next;
}

/** The records of function_graph as calls with braces; a call without inner ones is one line. */
export function graphText(array: TraceArray, entries: readonly TraceEntry[]): string {
  const columns = COLUMNS.filter(({ option }) => array.options.get(option));
  const next = followers(entries);
  const leaves = new Set<TraceEntry>();
  const lastPid = new Map<number, number>();
  let text = '';
  for (const entry of entries) {
    if (leaves.has(entry)) continue;
    const { cpu, pid } = entry;
    const before = lastPid.get(cpu);
    if (before !== undefined && before !== pid)
      text += `${RULE}${cpuText(array, entry)} ${taskName(array, before)} => ${taskName(array, pid)}\n${RULE}\n`;
    lastPid.set(cpu, pid);
    const place = columns.map((column) => column.text(array, entry)).join('');
    if (!isCall(entry) && !isReturn(entry)) {
      text += `${place}${duration(array)}/* ${entry.event.title}${recordText(array, entry)} */\n`;
      continue;
    }
    const after = isCall(entry) ? next.get(entry) : undefined;
    const isLeaf =
      after !== undefined && isReturn(after) && after.pid === pid && functionOf(after) === functionOf(entry);
    if (isLeaf) leaves.add(after);
    const ns = isReturn(entry) ? took(entry) : isLeaf ? took(after) : undefined;
    text += `${place}${duration(array, ns)}${callText(array, entry, isLeaf ? after : undefined)}`;
  }
  return text;
}
