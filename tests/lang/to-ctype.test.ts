import { expect, test } from 'vitest';
import { sizeOf as sizeOfC } from '../../src/btf/layout.ts';
import { printDefinition } from '../../src/btf/print.ts';
import type { EnumType, StructType } from '../../src/btf/types.ts';
import { sizeOf } from '../../src/lang/layout.ts';
import { mapKeySize, mapValueSize } from '../../src/lang/map-layout.ts';
import { mapKeyCType, mapValueCType, toCType } from '../../src/lang/to-ctype.ts';
import { BOOL, INT32, type Type, type TypeKind, UINT64 } from '../../src/lang/types.ts';

const struct: StructType = { kind: 'struct', name: 'pair', size: 12, members: [] };
const color: EnumType = { kind: 'enum', name: 'color', size: 4, signed: false, values: [{ name: 'RED', value: 1n }] };

/** One type of each kind, with sizes that leave holes. */
const TYPES: { readonly [Kind in TypeKind]: Extract<Type, { kind: Kind }> } = {
  void: { kind: 'void' },
  bool: BOOL as Extract<Type, { kind: 'bool' }>,
  int: { kind: 'int', size: 2, signed: true },
  enum: { kind: 'enum', enum: color, name: 'color' },
  string: { kind: 'string', size: 13 },
  buffer: { kind: 'buffer', size: 7 },
  pointer: { kind: 'pointer', to: INT32, space: 'kernel' },
  array: { kind: 'array', element: { kind: 'tuple', elements: [INT32, UINT64] }, length: 3 },
  c_struct: { kind: 'c_struct', struct, space: 'kernel' },
  tuple: { kind: 'tuple', elements: [BOOL, { kind: 'string', size: 3 }, INT32, { kind: 'inet' }, UINT64] },
  record: {
    kind: 'record',
    fields: [
      { name: 'a', type: INT32 },
      { name: 'b', type: UINT64 },
    ],
  },
  count: { kind: 'count' },
  sum: { kind: 'sum', signed: true },
  avg: { kind: 'avg', signed: true },
  min: { kind: 'min', signed: false },
  max: { kind: 'max', signed: true },
  stats: { kind: 'stats', signed: false },
  hist: { kind: 'hist', bits: 2 },
  lhist: { kind: 'lhist', min: 0n, max: 10n, step: 1n },
  tseries: { kind: 'tseries', intervalNs: 1n, intervals: 3, aggregation: 'avg', signed: true },
  kstack: { kind: 'kstack', mode: 'bpftrace', limit: 5 },
  ustack: { kind: 'ustack', mode: 'build_id', limit: 5 },
  ksym: { kind: 'ksym' },
  usym: { kind: 'usym' },
  inet: { kind: 'inet' },
  mac: { kind: 'mac' },
  timestamp: { kind: 'timestamp' },
  username: { kind: 'username' },
  cgroup_path: { kind: 'cgroup_path' },
  strerror: { kind: 'strerror' },
  timestamp_mode: { kind: 'timestamp_mode' },
  stack_mode: { kind: 'stack_mode' },
};

test.each(Object.values(TYPES))(
  'the C type of $kind is as large as its value, in keys and elements of maps too',
  (type) => {
    expect(sizeOfC(toCType(type))).toBe(sizeOf(type));
    expect(sizeOfC(mapValueCType(type))).toBe(mapValueSize(type));
    expect(sizeOfC(mapKeyCType(type, INT32))).toBe(mapKeySize(type, INT32));
    expect(sizeOfC(mapKeyCType(type, TYPES.hist))).toBe(mapKeySize(type, TYPES.hist));
  },
);

test('a scalar map has a number as its key, its histogram the number of the bucket', () => {
  expect(sizeOfC(mapKeyCType(undefined, INT32))).toBe(8);
  expect(sizeOfC(mapKeyCType(undefined, TYPES.hist))).toBe(8);
});

test('elements of a tuple stand where the layout puts them, with the fields of an aggregation named', () => {
  const tuple = toCType(TYPES.tuple);
  expect(tuple.kind === 'struct' && tuple.members.map(({ name, offsetBits }) => [name, offsetBits / 8])).toEqual([
    ['_0', 0],
    ['_1', 1],
    ['_2', 4],
    ['_3', 8],
    ['_4', 32],
  ]);
  const avg = mapValueCType(TYPES.avg);
  expect(avg.kind === 'struct' && printDefinition(avg)).toContain('long long total;');
});
