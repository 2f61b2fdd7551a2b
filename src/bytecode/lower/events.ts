import { alignOf, sizeOf } from '../../lang/layout.ts';
import type { Action, EventField } from '../../lang/resources.ts';
import type { Expression } from '../../ast/nodes.ts';
import { INT32, type Type } from '../../lang/types.ts';
import type { HelperName } from '../../abi/helpers.ts';
import type { Span } from '../../source/source.ts';
import type { Value } from '../ir/ir.ts';
import { when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { storeOperand } from './memory.ts';
import type { Place } from './operand.ts';

/** Bytes of the action index in front of each event. */
export const EVENT_HEADER = 8;

/**
 * Sends an event of `size` bytes (header included): its record is reserved in the ring buffer and written in place. When
 * the buffer is full the event is lost, as it is in the kernel.
 */
export function sendEvent(l: Lowerer, action: number, size: number, write?: (record: Place) => void): void {
  const { b } = l;
  const record = b.call('ringbuf_reserve', b.map(l.unit.ringBuffer), size, 0);
  when(b, 'jne', record, 0, () => {
    b.store(record, 0, 8, action);
    write?.({ base: record, offset: 0 });
    b.call('ringbuf_submit', record, 0);
  });
}

/** Reports a negative result of a helper, with the place that asked for it. */
export function reportFailure(l: Lowerer, helper: HelperName, result: Value, span: Span): void {
  const { b } = l;
  when(b, 'jslt', result, 0, () => {
    const error = { type: INT32, offset: EVENT_HEADER };
    sendScalar(l, l.unit.action({ kind: 'helper_error', helper, error, span }), 4, result);
  });
}

/** For -k: a read of memory that is not the program's own may fail. */
export function reportFailedRead(l: Lowerer, helper: HelperName, result: Value, args: readonly Value[]): void {
  const source = args[2];
  // Slots can always be read.
  const own = source === undefined || source.op === 'slot_address';
  if (!helper.startsWith('probe_read') || own || l.b.span === undefined) return;
  reportFailure(l, helper, result, l.b.span);
}

/** An element that is read does not exist: for -k, or of a map with an element per CPU. */
export function reportMissing(l: Lowerer, span: Span, helper: HelperName = 'map_lookup_elem'): void {
  const error = { type: INT32, offset: EVENT_HEADER };
  const action = l.unit.action({ kind: 'helper_error', helper, error, span });
  sendScalar(l, action, 4, l.b.const(0));
}

/** Reports an error that user space prints as a warning with its place in the script. */
export function runtimeError(l: Lowerer, error: string, span: Span): void {
  sendEvent(l, l.unit.action({ kind: 'runtime_error', error, span }), EVENT_HEADER);
}

/** Evaluates the arguments, then sends them behind the header; `action` gets to know where they stand. */
export function sendArguments(
  l: Lowerer,
  args: readonly Expression[],
  action: (fields: readonly EventField[]) => Action,
): void {
  const types = args.map((arg) => l.typeOf(arg));
  // All operands are evaluated before the record is reserved: no code path may leave while it is held.
  const operands = args.map((arg) => l.expression(arg));
  const { fields, size } = layOut(types);
  sendEvent(l, l.unit.action(action(fields)), size, (record) => {
    fields.forEach((field, index) => {
      storeOperand(l.b, { ...record, offset: field.offset }, field.type, operands[index]!, 'text');
    });
  });
}

/** Places of values behind the header: the scalars by their alignment, bytes from multiples of 8 so that copies are short. */
export function layOut(types: readonly Type[]): { readonly fields: EventField[]; readonly size: number } {
  let offset = EVENT_HEADER;
  const fields = types.map((type) => {
    const size = sizeOf(type);
    const align = size > 8 ? 8 : Math.max(alignOf(type), size === 3 ? 4 : 1);
    offset = Math.ceil(offset / align) * align;
    const field = { type, offset };
    offset += size;
    return field;
  });
  return { fields, size: Math.ceil(offset / 8) * 8 };
}

/** Sends an event whose only payload is one register value. */
export function sendScalar(l: Lowerer, action: number, size: 1 | 4 | 8, value: Value): void {
  sendEvent(l, action, EVENT_HEADER + 8, (record) => l.b.store(record.base, EVENT_HEADER, size, value));
}
