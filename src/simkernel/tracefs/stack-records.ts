import { EINVAL } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { unwindUserStack, walkKernelStack } from '../probes/stack.ts';
import { COMMON_SIZE } from './event.ts';
import type { TraceEvent } from './event.ts';
import { loadInteger } from './print-format.ts';
import { shownSymbol } from './symbol-style.ts';
import type { TraceArray } from './trace-array.ts';

const KERNEL_ENTRIES = 64;
/** FTRACE_STACK_ENTRIES */
const USER_ENTRIES = 8;
const KERNEL_HALF = 0xffffffff00000000n;

function stackEvent(
  name: string,
  id: number,
  entries: number,
  describe: (array: TraceArray, data: Uint8Array) => string,
): TraceEvent {
  const caller = {
    type: 'unsigned long',
    name: 'caller',
    dimensions: `[${entries}]`,
    offset: 16,
    size: 8 * entries,
    signed: false,
  };
  return {
    system: 'ftrace',
    name,
    id,
    fields: [caller],
    print: '"\\t=> %ps\\n", (void *)REC->caller[0]',
    format: undefined,
    title: '',
    describe,
    listen: () => -EINVAL,
  };
}
const KERNEL_STACK = stackEvent('kernel_stack', 4, KERNEL_ENTRIES, (array, data) =>
  ['<stack trace>', ...addresses(data).map((address) => ` => ${shownSymbol(array, address)}`)].join('\n'),
);
const USER_STACK = stackEvent('user_stack', 12, USER_ENTRIES, (array, data) =>
  ['<user stack trace>', ...addresses(data).map((address) => ` => ${userPlace(array, data, address)}`)].join('\n'),
);

const addresses = (data: Uint8Array): readonly bigint[] =>
  Array.from({ length: (data.length - COMMON_SIZE - 8) / 8 }, (_, i) =>
    loadInteger(data, COMMON_SIZE + 8 + 8 * i, 8, false),
  );
const hex16 = (address: bigint): string => address.toString(16).padStart(16, '0');
/** seq_print_user_ip(): by the mappings of the task as they are when somebody reads. */
function userPlace(array: TraceArray, data: Uint8Array, address: bigint): string {
  const { machine, options } = array;
  const bare = ` <${hex16(address)}>`;
  if (!options.get('sym-userobj')) return bare;
  const process = machine.tasks.get(Number(loadInteger(data, 4, 4, true)))?.process;
  const place = Number(address);
  const mapping = process?.mm.mappings.find(({ start, size }) => place >= start && place < start + size);
  if (mapping === undefined || mapping.image === null) return bare;
  const text = `${mapping.image.path}[+0x${(place - mapping.start).toString(16)}]`;
  return options.get('sym-addr') ? text + bare : text;
}

/** Addresses of the kernel stack where the current hook point is, innermost first. */
export function kernelStack(m: Machine, limit: number): readonly bigint[] {
  const found: bigint[] = [];
  walkKernelStack(m, (low) => {
    found.push(KERNEL_HALF | BigInt(low >>> 0));
    return found.length < limit;
  });
  return found;
}
function userStack(m: Machine): readonly bigint[] {
  const at = m.arena.allocate(8 * USER_ENTRIES);
  const count = unwindUserStack(m, at, USER_ENTRIES, 0);
  const stack = Array.from({ length: count }, (_, i) => m.arena.view.getBigUint64(at + 8 * i, true));
  m.arena.free(at, 8 * USER_ENTRIES);
  return stack;
}

function record(array: TraceArray, event: TraceEvent, stack: readonly bigint[]): void {
  const data = new Uint8Array(COMMON_SIZE + 8 + 8 * stack.length);
  const view = new DataView(data.buffer);
  stack.forEach((address, i) => view.setBigUint64(COMMON_SIZE + 8 + 8 * i, address, true));
  if (array.isOn) array.commit(event, data);
}
/** Leaves the kernel's stack behind the record before. */
export function recordKernelStack(array: TraceArray): void {
  record(array, KERNEL_STACK, kernelStack(array.machine, KERNEL_ENTRIES));
}
/** The same of the program that runs. */
export function recordUserStack(array: TraceArray): void {
  if (array.machine.cpu.current.process !== null) record(array, USER_STACK, userStack(array.machine));
}
