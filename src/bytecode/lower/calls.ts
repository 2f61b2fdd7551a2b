import { ERRNOS, errorText } from '../../abi/errno.ts';
import { signalText } from '../../abi/signals.ts';
import type { Call, Expression } from '../../ast/nodes.ts';
import { FUNCTIONS, type FunctionRow, type LoweredByHand, isFunction } from '../../lang/functions.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES, type TimestampMode } from '../../lang/map-layout.ts';
import type { HelperName } from '../../abi/helpers.ts';
import { UINT32 } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import { lowerBuiltin } from './builtins.ts';
import { EVENT_HEADER, layOut, sendArguments, sendEvent, sendScalar } from './events.ts';
import type { Lowerer } from './lowerer.ts';
import { lookup, mapKey, mapSymbol, readElement } from './map-access.ts';
import { addressOf, asValue, storeBytes, storeOperand, storeScalar, zero } from './memory.ts';
import type { Value } from '../ir/ir.ts';
import { type Operand, type Place, NONE, at, scalar, scalarShape } from './operand.ts';
import { constantOf } from './constants.ts';
import { contextWord, context } from './builtins.ts';
import { lowerStack } from './stacks.ts';
import { byteDifference, compareStrings, findText, literalBytes, textLength } from './strings.ts';
import { userSymbol } from './symbols.ts';
import { unsupported } from './unsupported.ts';
import { callSubprogram } from './subprograms.ts';
import { atMost, lowerBuffer, lowerConcatenation, lowerInternetAddress, lowerMacAddress, lowerStr } from './bytes.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { X86_REGISTERS, isRegister } from '../../lang/registers.ts';

type Lowering = (l: Lowerer, node: Call) => Operand;

export function lowerCall(l: Lowerer, node: Call): Operand {
  if (!isFunction(node.name)) {
    if (isBuiltin(node.name)) return lowerBuiltin(l, node, node.name);
    return callSubprogram(l, node);
  }
  const row: FunctionRow = FUNCTIONS[node.name];
  if (row.constant === true) return bug(`${node.name}() is folded before code generation`);
  if (row.helper !== undefined)
    return scalar(l.b.call(row.helper, ...node.args.map((_, index) => l.value(expressionAt(node, index)))));
  if (isAggregation(node.name)) return bug(`${node.name}() outside an assignment`);
  return LOWERINGS[node.name as LoweredByHand](l, node);
}

/** An argument that is not a type. */
export function expressionAt(node: Call, index: number): Expression {
  const found = node.args[index];
  return found === undefined || found.kind === 'type' ? bug(`${node.name}() lacks argument ${index}`) : found;
}

function optional(node: Call, index: number): Expression | undefined {
  const found = node.args[index];
  return found === undefined || found.kind === 'type' ? undefined : found;
}

function text(node: Call, index: number): string | undefined {
  const found = node.args[index];
  return found?.kind === 'string' ? found.value : undefined;
}

const aggregation: Lowering = (_, node) => bug(`${node.name}() outside an assignment`);

const formatted =
  (kind: 'printf' | 'errorf' | 'warnf' | 'debugf' | 'cat' | 'system'): Lowering =>
  (l, node) => {
    const args = node.args.slice(1).map((_, index) => expressionAt(node, index + 1));
    const format = text(node, 0) ?? bug(`${kind} without a format`);
    sendArguments(l, args, (fields) => ({ kind, format, args: fields, span: node.span }));
    return NONE;
  };

const onMap =
  (kind: 'clear' | 'zero'): Lowering =>
  (l, node) => {
    const map = expressionAt(node, 0);
    if (map.kind !== 'map') return bug(`${kind} of no map`);
    sendEvent(l, l.unit.action({ kind, map: l.unit.mapIndex(map.name) }), EVENT_HEADER);
    return NONE;
  };

/** The clocks of nsecs(). The software clock of TAI time is the same helper here. */
const CLOCKS: Record<TimestampMode, HelperName> = {
  monotonic: 'ktime_get_ns',
  boot: 'ktime_get_boot_ns',
  tai: 'ktime_get_tai_ns',
  sw_tai: 'ktime_get_tai_ns',
};

function clockOf(node: Expression | undefined): TimestampMode {
  const name = node?.kind === 'identifier' ? node.name : 'boot';
  return TIMESTAMP_MODES.find((mode) => mode === name) ?? bug(`no clock ${name}`);
}

const LOWERINGS: Record<LoweredByHand, Lowering> = {
  printf: formatted('printf'),
  errorf: formatted('errorf'),
  warnf: formatted('warnf'),
  debugf: formatted('debugf'),
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
  delete: (l, node) => {
    const { map, key } = mapArguments(l, node);
    const { b } = l;
    return scalar(b.compare('jeq', b.call('map_delete_elem', b.map(map), addressOf(b, key)), 0));
  },
  has_key: (l, node) => {
    const { map, key } = mapArguments(l, node);
    return scalar(l.b.compare('jne', lookup(l, map, key), 0));
  },
  find: (l, node) => {
    const { b } = l;
    const { map, key, symbol } = mapArguments(l, node);
    const variable = expressionAt(node, 2);
    if (variable.kind !== 'variable') return bug('find() into no variable');
    const element = lookup(l, map, key);
    const result = b.slot('found', 8);
    b.store(result, 0, 8, 0);
    const [hit, done] = [b.newBlock(), b.newBlock()];
    b.branch('jne', element, 0, hit, done);
    b.enter(hit);
    const to = l.variable(l.symbol(variable));
    const { type } = l.symbol(variable);
    const found = readElement(l, symbol.value, element);
    const isScalar = scalarShape(type) !== undefined;
    // The variable may be larger than what the map holds.
    if (isScalar) storeScalar(b, to, type, asValue(b, symbol.value, found));
    else {
      if (sizeOf(type) > sizeOf(symbol.value)) zero(b, to, sizeOf(type));
      storeOperand(b, to, symbol.value, found, 'exact');
    }
    b.store(result, 0, 8, 1);
    b.jump(done);
    b.enter(done);
    return scalar(b.load(result, 0, 8));
  },
  len: (l, node) => {
    const of = expressionAt(node, 0);
    if (of.kind === 'map') return scalar(countElements(l, l.unit.mapIndex(of.name)));
    const type = l.typeOf(of);
    const place = l.place(of);
    const offset = type.kind === 'ustack' ? 8 : 0;
    return scalar(l.b.load(place.base, place.offset + offset, 8));
  },
  count: aggregation,
  sum: aggregation,
  avg: aggregation,
  min: aggregation,
  max: aggregation,
  stats: aggregation,
  hist: aggregation,
  lhist: aggregation,
  tseries: aggregation,
  str: (l, node) => lowerStr(l, node, expressionAt(node, 0), optional(node, 1)),
  buf: (l, node) => lowerBuffer(l, node, expressionAt(node, 0), optional(node, 1)),
  path: (l, node) => unsupported(l, node.span, 'path()'),
  cgroupid: (l, node) => unsupported(l, node.span, 'cgroupid()'),
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
        storeWords(l, to, [
          { size: 4, value: b.const(format) },
          { size: 4, value: b.const(mode) },
          { size: 8, value: nanoseconds },
        ]);
      },
    };
  },
  macaddr: (l, node) => lowerMacAddress(l, expressionAt(node, 0)),
  ntop: (l, node) => lowerInternetAddress(l, node, optional),
  pton: (l, node) => {
    const bytes = parseAddress(text(node, 0) ?? bug('pton of no literal'));
    return { kind: 'producer', write: (to, filling) => storeBytes(l.b, to, bytes, bytes.length, filling) };
  },
  bswap: (l, node) => {
    const of = expressionAt(node, 0);
    const size = sizeOf(l.typeOf(of));
    const value = l.value(of);
    return scalar(size === 1 ? value : l.b.swap(value, (size * 8) as 16 | 32 | 64));
  },
  memcmp: (l, node) => {
    const size = constantOf(l, expressionAt(node, 2));
    if (size === undefined) return unsupported(l, node.span, 'memcmp() of a computed size');
    const [left, right] = [l.place(expressionAt(node, 0)), l.place(expressionAt(node, 1))];
    return scalar(byteDifference(l, left, right, Number(size)));
  },
  ksym: (l, node) => scalar(l.value(expressionAt(node, 0))),
  usym: (l, node) => userSymbol(l, l.value(expressionAt(node, 0))),
  uaddr: (l, node) => unsupported(l, node.span, 'uaddr()'),
  percpu_kaddr: (l, node) => unsupported(l, node.span, 'percpu_kaddr()'),
  reg: (l, node) => {
    const name = text(node, 0) ?? '';
    return scalar(isRegister(name) ? contextWord(l, X86_REGISTERS[name]) : bug(`no register ${name}`));
  },
  kstack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  ustack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  kptr: (l, node) => l.expression(expressionAt(node, 0)),
  uptr: (l, node) => l.expression(expressionAt(node, 0)),
  nsecs: (l, node) => scalar(l.b.call(CLOCKS[clockOf(optional(node, 0))])),
  // The initial namespace is the only one that a simulated machine has.
  pid: (l) => scalar(l.b.alu('rsh', l.b.call('get_current_pid_tgid'), 32)),
  tid: (l) => scalar(l.b.extend(l.b.call('get_current_pid_tgid'), 32, false)),
  comm: (l, node) => unsupported(l, node.span, 'comm() of another process'),
  cgroup_path: (l, node) => {
    const { b } = l;
    const id = l.value(expressionAt(node, 0));
    return {
      kind: 'producer',
      write: (to) =>
        storeWords(l, to, [
          { size: 8, value: b.const(0) },
          { size: 8, value: id },
        ]),
    };
  },
  signal: (l, node) => {
    const signal = expressionAt(node, 0);
    if (signal.kind === 'string') return unsupported(l, node.span, 'signal() by name');
    l.b.call('send_signal', l.value(signal));
    return NONE;
  },
  signal_thread: (l, node) => unsupported(l, node.span, 'signal_thread()'),
  override: (l, node) => {
    l.b.call('override_return', context(l), l.value(expressionAt(node, 0)));
    return NONE;
  },
  write_user: (l, node) => unsupported(l, node.span, 'write_user()'),
  skboutput: (l, node) => unsupported(l, node.span, 'skboutput()'),
  socket_cookie: (l, node) => unsupported(l, node.span, 'socket_cookie()'),
};

function storeWords(
  l: Lowerer,
  to: Place,
  words: readonly { size: 4 | 8; value: Parameters<Lowerer['b']['extend']>[0] }[],
): void {
  let offset = 0;
  for (const { size, value } of words) {
    storeOperand(l.b, at(to, offset), { kind: 'int', size, signed: false }, scalar(value), 'exact');
    offset += size;
  }
}

function mapArguments(
  l: Lowerer,
  node: Call,
): { readonly map: number; readonly key: Place; readonly symbol: ReturnType<typeof mapSymbol> } {
  const ref = expressionAt(node, 0);
  if (ref.kind !== 'map') return bug(`${node.name}() of no map`);
  const symbol = mapSymbol(l, ref);
  return { map: l.unit.mapIndex(ref.name), key: mapKey(l, symbol, optional(node, 1)), symbol };
}

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

function find(l: Lowerer, node: Call): ReturnType<typeof findText> {
  const [haystack, needle] = [expressionAt(node, 0), expressionAt(node, 1)];
  const [a, b] = [l.place(haystack), l.place(needle)];
  return findText(l, a, sizeOf(l.typeOf(haystack)), b, sizeOf(l.typeOf(needle)));
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
  const result = b.slot('magnitude', 8);
  const [negative, done] = [b.newBlock(), b.newBlock()];
  b.store(result, 0, 8, value);
  b.branch('jslt', value, 0, negative, done);
  b.enter(negative);
  b.store(result, 0, 8, b.alu('sub', b.const(0), value));
  b.jump(done);
  b.enter(done);
  return b.load(result, 0, 8);
}

/** The helper that visits all elements says how many there were. */
function countElements(l: Lowerer, map: number): Value {
  const { b } = l;
  const visitor = l.nested(`${b.fn.name}_count_${b.fn.nextId}`, 4);
  visitor.b.return(0);
  return b.call('for_each_map_elem', b.map(map), b.functionAddress(visitor.b.fn), 0, 0);
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
