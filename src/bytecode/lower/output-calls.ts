import type { Call } from '../../ast/nodes.ts';
import { UINT32 } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import { expressionAt, optional, text } from './arguments.ts';
import type { Lowering } from './calls.ts';
import { EVENT_HEADER, layOut, sendArguments, sendEvent, sendScalar } from './events.ts';
import { printToSequence, printToTrace } from './kernel-prints.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, storeOperand } from './memory.ts';
import { type Operand, NONE, at } from './operand.ts';

const formatted =
  (kind: 'printf' | 'errorf' | 'warnf' | 'cat' | 'system'): Lowering =>
  (l, node) => {
    const args = node.args.slice(1).map((_, index) => expressionAt(node, index + 1));
    const format = text(node, 0) ?? bug(`${kind} without a format`);
    sendArguments(l, args, (fields) => ({ kind, format, args: fields, span: node.span }));
    return NONE;
  };
const printed = formatted('printf');

const onMap =
  (kind: 'clear' | 'zero'): Lowering =>
  (l, node) => {
    const map = expressionAt(node, 0);
    if (map.kind !== 'map') return bug(`${kind} of no map`);
    sendEvent(l, l.unit.action({ kind, map: l.unit.mapIndex(map.name) }), EVENT_HEADER);
    return NONE;
  };

/** Functions whose work user space does, when it gets the event. */
export const OUTPUT_CALLS = {
  printf: (l, node) =>
    l.origin.probe?.attach.kind === 'iter' && l.context !== undefined
      ? printToSequence(l, node, l.context)
      : printed(l, node),
  errorf: formatted('errorf'),
  warnf: formatted('warnf'),
  debugf: printToTrace,
  system: formatted('system'),
  cat: formatted('cat'),
  print: lowerPrint,
  join: lowerJoin,
  time: (l, node) => {
    sendEvent(l, l.unit.action({ kind: 'time', format: text(node, 0) ?? '%H:%M:%S\n' }), EVENT_HEADER);
    return NONE;
  },
  exit: (l, node) => {
    const code = optional(node, 0);
    if (code === undefined) {
      sendEvent(l, l.unit.action({ kind: 'exit' }), EVENT_HEADER);
      return NONE;
    }
    const field = { type: { kind: 'int', size: 1, signed: false }, offset: EVENT_HEADER } as const;
    const value = l.value(code);
    sendScalar(l, l.unit.action({ kind: 'exit', code: field }), 1, value);
    return NONE;
  },
  clear: onMap('clear'),
  zero: onMap('zero'),
} satisfies Record<string, Lowering>;

/** print() of a map is by name, of an element or any other value by its bytes. */
function lowerPrint(l: Lowerer, node: Call): Operand {
  const what = expressionAt(node, 0);
  const [top, div] = [optional(node, 1), optional(node, 2)];
  if (what.kind === 'map' && l.unit.typed.maps.get(what.name) !== undefined) {
    const map = l.unit.mapIndex(what.name);
    const fields = [top, div].map((argument, index) =>
      argument === undefined ? undefined : { type: UINT32, offset: EVENT_HEADER + 4 * index },
    );
    const action = l.unit.action({
      kind: 'print_map',
      map,
      ...(fields[0] === undefined ? {} : { top: fields[0] }),
      ...(fields[1] === undefined ? {} : { div: fields[1] }),
    });
    const values = [top, div].map((argument) => (argument === undefined ? undefined : l.value(argument)));
    const size = values.every((value) => value === undefined) ? EVENT_HEADER : EVENT_HEADER + 8;
    sendEvent(l, action, size, (record) =>
      values.forEach((value, index) => {
        if (value !== undefined) l.b.store(record.base, EVENT_HEADER + 4 * index, 4, value);
      }),
    );
    return NONE;
  }
  const type = l.typeOf(what);
  const operand = l.expression(what);
  const { fields, size } = layOut([type]);
  const field = fields[0]!;
  sendEvent(l, l.unit.action({ kind: 'print_value', value: field }), size, (record) =>
    storeOperand(l.b, at(record, field.offset), type, operand, 'exact'),
  );
  return NONE;
}

/** How many strings join() takes, and how long each may be. */
const JOIN_STRINGS = 16;
const JOIN_STRING_BYTES = 1024;

function lowerJoin(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const from = expressionAt(node, 0);
  const type = l.typeOf(from);
  const space = type.kind === 'pointer' && type.space === 'user' ? 'user' : 'kernel';
  const array = l.value(from);
  const strings = {
    type: { kind: 'array', element: { kind: 'string', size: JOIN_STRING_BYTES }, length: JOIN_STRINGS },
    offset: EVENT_HEADER + 8,
  } as const;
  const action = l.unit.action({
    kind: 'join',
    separator: text(node, 1) ?? ' ',
    count: { type: UINT32, offset: EVENT_HEADER },
    strings,
  });
  const pointer = b.slot('pointer', 8);
  sendEvent(l, action, EVENT_HEADER + 8 + JOIN_STRINGS * JOIN_STRING_BYTES, (record) => {
    b.store(record.base, EVENT_HEADER, 4, JOIN_STRINGS);
    for (let index = 0; index < JOIN_STRINGS; index++) {
      b.call(`probe_read_${space}`, b.slotAddress(pointer), 8, b.add(array, index * 8));
      const to = addressOf(b, at(record, strings.offset + index * JOIN_STRING_BYTES));
      b.call(`probe_read_${space}_str`, to, JOIN_STRING_BYTES, b.load(pointer, 0, 8));
    }
  });
  return NONE;
}
