import { expect, test } from 'vitest';
import { aggregateLayout, alignOf, sizeOf } from '../../src/lang/layout.ts';
import { typeName } from '../../src/lang/type-name.ts';
import type { Type } from '../../src/lang/types.ts';
import { BOOL, INT64, UINT32, intType } from '../../src/lang/types.ts';

const INT8 = intType(1, true);
const text = (size: number): Type => ({ kind: 'string', size });

test.each<[string, Type, number, number]>([
  ['int8', INT8, 1, 1],
  ['uint32', UINT32, 4, 4],
  ['bool', BOOL, 1, 1],
  ['string[5]', text(5), 5, 1],
  ['buffer[68]', { kind: 'buffer', size: 64 }, 68, 1],
  ['int64 *', { kind: 'pointer', to: INT64, space: 'kernel' }, 8, 8],
  ['uint32[3]', { kind: 'array', element: UINT32, length: 3 }, 12, 4],
  ['(int8,string[2])', { kind: 'tuple', elements: [INT8, text(2)] }, 3, 1],
  ['(int8,int64,int8)', { kind: 'tuple', elements: [INT8, INT64, INT8] }, 24, 8],
  ['record { .a = int8, .b = uint32 }', record({ a: INT8, b: UINT32 }), 8, 4],
  ['count_t', { kind: 'count' }, 8, 8],
  ['usum_t', { kind: 'sum', signed: false }, 8, 8],
  ['sum_t', { kind: 'sum', signed: true }, 8, 8],
  ['kstack_bpftrace_127', { kind: 'kstack', mode: 'bpftrace', limit: 127 }, 1024, 8],
  ['mac_address', { kind: 'mac' }, 6, 1],
])('%s has its size and its alignment in a tuple', (name, type, size, align) => {
  expect(typeName(type)).toBe(name);
  expect(sizeOf(type)).toBe(size);
  expect(alignOf(type)).toBe(align);
});

test('elements of a tuple stand at multiples of their alignment', () => {
  expect(aggregateLayout([INT8, UINT32, text(3), INT64])).toEqual({ offsets: [0, 4, 8, 16], size: 24, align: 8 });
});

test('structs and unions print with their keyword, anonymous ones with the types of their members', () => {
  const int = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false } as const;
  const members = [{ name: 'a', type: int, offsetBits: 0 }];
  const struct = (name: string): Type => ({
    kind: 'c_struct',
    struct: { kind: 'struct', name, size: 4, members },
    space: 'kernel',
  });
  expect(typeName(struct('file'))).toBe('struct file');
  expect(typeName(struct(''))).toBe('struct {int32}');
});

function record(fields: Readonly<Record<string, Type>>): Type {
  return { kind: 'record', fields: Object.entries(fields).map(([name, type]) => ({ name, type })) };
}
