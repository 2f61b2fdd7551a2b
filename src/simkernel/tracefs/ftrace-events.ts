import { EINVAL } from '../errno.ts';
import type { Task } from '../tasks/task.ts';
import { COMMON_SIZE, parsedFormat } from './event.ts';
import type { TraceEvent } from './event.ts';
import { argumentsText } from './function-arguments.ts';
import { loadInteger } from './print-format.ts';
import { shownSymbol } from './symbol-style.ts';

export const pointer = (name: string, offset: number) => ({
  type: 'unsigned long',
  name,
  dimensions: '',
  offset,
  size: 8,
  signed: false,
});
/** An event that only tracers write. */
export function ftraceEvent(
  name: string,
  id: number,
  fields: TraceEvent['fields'],
  print: string,
  describe?: TraceEvent['describe'],
): TraceEvent {
  return {
    system: 'ftrace',
    name,
    id,
    fields,
    print,
    format: parsedFormat(print),
    title: '',
    ...(describe === undefined ? {} : { describe }),
    // Nobody enables these: the tracers write them.
    listen: () => -EINVAL,
  };
}
/** A call, and where from. */
export const FUNCTION = ftraceEvent(
  'function',
  1,
  [pointer('ip', 8), pointer('parent_ip', 16)],
  '"%ps <-%ps", REC->ip, REC->parent_ip',
  (array, data) => {
    const { machine, options } = array;
    const ip = loadInteger(data, 8, 8, false);
    const args = data.length > FUNCTION_SIZE ? argumentsText(machine, ip, data, FUNCTION_SIZE) : '';
    const parent = options.get('print-parent') ? ` <-${shownSymbol(array, loadInteger(data, 16, 8, false))}` : '';
    return `${shownSymbol(array, ip)}${args}${parent}`;
  },
);
export const FUNCTION_SIZE = COMMON_SIZE + 16;
const DEPTH = { type: 'int', name: 'depth', dimensions: '', offset: 16, size: 4, signed: true };
export const ENTRY = ftraceEvent(
  'funcgraph_entry',
  11,
  [pointer('func', 8), DEPTH],
  '"--> %ps (%d)", REC->func, REC->depth',
);
/** Behind a call's record stand its arguments, where they are wanted. */
export const ENTRY_SIZE = COMMON_SIZE + 12;
export const EXIT = ftraceEvent(
  'funcgraph_exit',
  10,
  [pointer('func', 8), DEPTH, pointer('calltime', 24), pointer('rettime', 32), pointer('retval', 40)],
  '"<-- %ps (%d)", REC->func, REC->depth',
);
export const EXIT_SIZE = COMMON_SIZE + 40;
/** What trace_marker leaves. */
export const PRINT_EVENT = ftraceEvent('print', 5, [pointer('ip', 8)], '"%s", REC->buf');

export function record(size: number, words: readonly (readonly [offset: number, value: number])[]): Uint8Array {
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  for (const [offset, value] of words) {
    view.setUint32(offset, (value % 4294967296) | 0, true);
    view.setUint32(offset + 4, Math.floor(value / 4294967296), true);
  }
  return data;
}
/** An address of the kernel's text. */
export function storeText(data: Uint8Array, offset: number, low: number): void {
  const view = new DataView(data.buffer);
  view.setInt32(offset, low | 0x80000000, true);
  view.setInt32(offset + 4, -1, true);
}

/** task_index_to_char() */
const STATE_LETTERS = 'RSDTtXZPI';
const TASK_REPORT = 0x7f;
const TASK_IDLE = 0x402;
const stateLetter = (state: number): string =>
  state === TASK_IDLE ? 'I' : STATE_LETTERS[32 - Math.clz32(state & TASK_REPORT)]!;

const SWITCH_FIELDS = [
  'prev_pid',
  'prev_prio',
  'prev_state',
  'next_pid',
  'next_prio',
  'next_state',
  'next_cpu',
] as const;
const switchFields = SWITCH_FIELDS.map((name, i) => ({
  type: 'unsigned int',
  name,
  dimensions: '',
  offset: COMMON_SIZE + 4 * i,
  size: 4,
  signed: false,
}));
/** trace_ctxwake_print(): who ran, and who comes or is to come. */
const switchEvent = (name: string, id: number, mark: string): TraceEvent =>
  ftraceEvent(
    name,
    id,
    switchFields,
    '"%u:%u:%u", REC->prev_pid, REC->prev_prio, REC->prev_state',
    ({ shared }, data) => {
      const [prev, prevPrio, prevState, next, nextPrio, nextState, cpu] = SWITCH_FIELDS.map((_, i) =>
        Number(loadInteger(data, COMMON_SIZE + 4 * i, 4, false)),
      ) as [number, number, number, number, number, number, number];
      const side = (pid: number, prio: number, state: number): string =>
        `${String(pid).padStart(7)}:${String(prio).padStart(3)}:${String.fromCharCode(state)}`;
      return ` ${side(prev, prevPrio, prevState)} ${mark} [${String(cpu).padStart(3, '0')}] ${side(next, nextPrio, nextState)} ${shared.commOf(next)}`;
    },
  );
export const CONTEXT_SWITCH = switchEvent('context_switch', 2, '==>');
export const WAKEUP = switchEvent('wakeup', 3, '  +');
/** A record of such an event. */
export function switchRecord(previous: Task, next: Task, cpu: number): Uint8Array {
  const data = new Uint8Array(COMMON_SIZE + 4 * SWITCH_FIELDS.length);
  const view = new DataView(data.buffer);
  const state = ({ state: bits }: Task): number => stateLetter(bits).charCodeAt(0);
  const values = [previous.pid, previous.prio, state(previous), next.pid, next.prio, state(next), cpu];
  values.forEach((value, i) => view.setUint32(COMMON_SIZE + 4 * i, value, true));
  return data;
}
