import { ERRNOS, errorText } from '../../abi/errno.ts';
import { signalText } from '../../abi/signals.ts';
import type { Call } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES } from '../../lang/map-layout.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { expressionAt, optional, text } from './arguments.ts';
import { atMost, lowerBuffer, lowerConcatenation, lowerInternetAddress, lowerMacAddress, lowerStr } from './bytes.ts';
import type { Lowering } from './calls.ts';
import { constantOf } from './constants.ts';
import { choose } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, storeBytes, storeWords } from './memory.ts';
import { type Operand, scalar } from './operand.ts';
import {
  byteDifference,
  compareStrings,
  findLiteral,
  findText,
  isSearchable,
  literalBytes,
  textLength,
} from './strings.ts';

/** Functions of text and of bytes. */
export const TEXT_CALLS = {
  str: (l, node) => lowerStr(l, node, expressionAt(node, 0), optional(node, 1)),
  buf: (l, node) => lowerBuffer(l, node, expressionAt(node, 0), optional(node, 1)),
  strncmp: (l, node) => {
    const limit = expressionAt(node, 2);
    const most = Number(constantOf(l, limit) ?? bug('strncmp() of a computed length'));
    return scalar(compareStrings(l, expressionAt(node, 0), expressionAt(node, 1), most));
  },
  strlen: (l, node) => {
    const of = expressionAt(node, 0);
    return scalar(textLength(l, l.place(of), sizeOf(l.typeOf(of))));
  },
  strstr: (l, node) => scalar(find(l, node)),
  strcontains: (l, node) => scalar(l.b.compare('jsge', find(l, node), 0)),
  str_concat: (l, node) => lowerConcatenation(l, node, expressionAt(node, 0), expressionAt(node, 1)),
  // The sign of an error number does not matter: kernel functions return them negative.
  strerror: (l, node) => tableText(l, node, magnitude(l, node), ERROR_TEXTS, 'Unknown error'),
  signal_name: (l, node) => tableText(l, node, l.value(expressionAt(node, 0)), SIGNAL_TEXTS, 'N/A'),
  syscall_name: (l, node) => {
    const names: string[] = [];
    for (const row of l.unit.typed.target.syscalls()) names[row.number] = row.name;
    for (let number = 0; number < names.length; number++) names[number] ??= UNKNOWN_SYSCALL;
    return tableText(l, node, l.value(expressionAt(node, 0)), names, UNKNOWN_SYSCALL);
  },
  strftime: (l, node) => {
    const { b } = l;
    const when = expressionAt(node, 1);
    const type = l.typeOf(node);
    const mode = TIMESTAMP_MODES.indexOf((type.kind === 'timestamp' ? type.mode : undefined) ?? 'boot');
    const format = l.unit.timeFormat(text(node, 0) ?? bug('strftime without a format'));
    const nanoseconds = l.value(when);
    return {
      kind: 'producer',
      write: (to) => {
        storeWords(b, to, [
          { size: 4, value: b.const(format) },
          { size: 4, value: b.const(mode) },
          { size: 8, value: nanoseconds },
        ]);
      },
    };
  },
  macaddr: (l, node) => lowerMacAddress(l, expressionAt(node, 0)),
  ntop: (l, node) => lowerInternetAddress(l, node),
  pton: (l, node) => {
    const bytes = parseAddress(text(node, 0) ?? bug('pton of no literal'));
    return { kind: 'producer', write: (to, filling) => storeBytes(l.b, to, bytes, bytes.length, filling) };
  },
  memcmp: (l, node) => {
    const [first, second] = [expressionAt(node, 0), expressionAt(node, 1)];
    const most = Math.min(sizeOf(l.typeOf(first)), sizeOf(l.typeOf(second)));
    const size = constantOf(l, expressionAt(node, 2));
    const count = size === undefined ? l.value(expressionAt(node, 2)) : undefined;
    const [left, right] = [l.place(first), l.place(second)];
    return scalar(byteDifference(l, left, right, size === undefined ? most : Number(size), count));
  },
} satisfies Record<string, Lowering>;

function find(l: Lowerer, node: Call): Value {
  const [haystack, needle] = [expressionAt(node, 0), expressionAt(node, 1)];
  const size = sizeOf(l.typeOf(haystack));
  if (needle.kind === 'string') {
    const bytes = literalBytes(needle.value);
    if (isSearchable(bytes, size)) return findLiteral(l, l.place(haystack), size, bytes);
  }
  const [a, b] = [l.place(haystack), l.place(needle)];
  return findText(l, a, size, b, sizeOf(l.typeOf(needle)));
}

/** As many as the table of errors and the table of signals have. */
const ERROR_TEXTS = Array.from(
  { length: 1 + Math.max(...Object.values(ERRNOS).map((row) => row.number)) },
  (_, number) => errorText(number),
);
const UNKNOWN_SYSCALL = 'Unknown syscall';
const SIGNAL_TEXTS = Array.from({ length: 65 }, (_, number) => signalText(number));

/** Text of a number out of a table in read-only data, whose entries are as long as the result. */
function tableText(l: Lowerer, node: Call, number: Value, texts: readonly string[], unknown: string): Operand {
  const { b } = l;
  const size = sizeOf(l.typeOf(node));
  const bytes = new Uint8Array(size * (texts.length + 1));
  [...texts, unknown].forEach((text, index) => bytes.set(literalBytes(text).slice(0, size - 1), index * size));
  const table = l.unit.readOnly(bytes);
  const entry = atMost(l, number, texts.length);
  return {
    kind: 'producer',
    write: (to) => {
      const from = b.add(b.mapValue(table.map, table.offset), b.alu('mul', entry, size));
      b.call('probe_read_kernel', addressOf(b, to), size, from);
    },
  };
}

function magnitude(l: Lowerer, node: Call): Value {
  const { b } = l;
  const value = l.value(expressionAt(node, 0));
  return choose(
    b,
    { jump: 'jslt', left: value, right: 0 },
    () => b.alu('sub', b.const(0), value),
    () => value,
  );
}

/** pton() was checked: this only reads what it accepts. */
function parseAddress(address: string): Uint8Array {
  if (address.includes('.')) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (half: string): number[] => (half === '' ? [] : half.split(':').map((group) => parseInt(group, 16)));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}
