import { describe, expect, test } from 'vitest';
import { BOOL, INT32, INT64, UINT64, intType, type Type } from '../../../src/lang/types.ts';
import type { StructType } from '../../../src/btf/types.ts';
import { primitiveText } from '../../../src/runtime/output/primitive-text.ts';
import { readValue } from '../../../src/runtime/output/read-value.ts';
import { bytes, testContext } from './fixtures.ts';

const show = (type: Type, data: Uint8Array, context = testContext()): string =>
  primitiveText(readValue(context, type, data));
const string = (size: number): Type => ({ kind: 'string', size });
const int = (name: string, size: number, signed = true) =>
  ({ kind: 'int', name, size, signed, bool: false, char: name === 'char' }) as const;

describe('values as text', () => {
  const mode = {
    kind: 'enum',
    name: 'my_mode',
    size: 4,
    signed: false,
    values: [
      { name: 'MODE_OFF', value: 0n },
      { name: 'MODE_ON', value: 7n },
    ],
  } as const;
  test.each<[string, Type, Uint8Array, string]>([
    ['a signed byte', intType(1, true), bytes([-56, 1]), '-56'],
    ['an unsigned byte', intType(1, false), bytes([200, 1]), '200'],
    ['an int16', intType(2, true), bytes([-30000, 2]), '-30000'],
    ['an int64', INT64, bytes(-1), '-1'],
    ['a uint64', UINT64, bytes(-1), '18446744073709551615'],
    ['a bool', BOOL, bytes([1, 1]), 'true'],
    ['a pointer', { kind: 'pointer', to: INT32, space: 'kernel' }, bytes(0x1234), '0x1234'],
    ['a null pointer', { kind: 'pointer', to: INT32, space: 'kernel' }, bytes(0), '0x0'],
    ['a known enum member', { kind: 'enum', enum: mode, name: 'my_mode' }, bytes([7, 4]), 'MODE_ON'],
    ['another number of an enum', { kind: 'enum', enum: mode, name: 'my_mode' }, bytes([5, 4]), '5'],
    ['a string up to its NUL', string(8), bytes('ab\0cd\0\0\0'), 'ab'],
    ['a string that was cut', string(8), bytes('ABCDEFGH'), 'ABCDEFGH..'],
    ['a buffer', { kind: 'buffer', size: 4 }, bytes([3, 4], '\x00\x01\x02x'), '\\x00\\x01\\x02'],
    ['an array', { kind: 'array', element: intType(1, false), length: 4 }, bytes('\x01\x02\x03\x04'), '[1,2,3,4]'],
    [
      'a tuple',
      { kind: 'tuple', elements: [INT64, string(4), BOOL] },
      bytes(1, 'two\0', [1, 1], [0, 3]),
      '(1, two, true)',
    ],
    ['a tuple of one', { kind: 'tuple', elements: [intType(1, true)] }, bytes([1, 1]), '(1)'],
    [
      'a record',
      {
        kind: 'record',
        fields: [
          { name: 'name', type: string(5) },
          { name: 'up', type: BOOL },
          { name: 'mtu', type: intType(2, true) },
        ],
      },
      bytes('eth0\0', [1, 1], [1500, 2]),
      '{ .name = eth0, .up = true, .mtu = 1500 }',
    ],
    ['an IPv4 address', { kind: 'inet' }, bytes(2, '\x7f\0\0\x01', [0, 12]), '127.0.0.1'],
    ['an IPv6 address', { kind: 'inet' }, bytes(10, '\x01\x02\x03\x04', [0, 12]), '102:304::'],
    ['the IPv6 loopback', { kind: 'inet' }, bytes(10, [0, 15], [1, 1]), '::1'],
    ['a MAC address', { kind: 'mac' }, bytes('\0\x1b\x21\x3c\x4d\0'), '00:1B:21:3C:4D:00'],
    ['a MAC address with a high byte, cut', { kind: 'mac' }, bytes('\xab\xcd\0\0\0\0'), 'FFFFFFAB:FFFFFFCD'],
    ['an error number', { kind: 'strerror' }, bytes(2), 'No such file or directory'],
    ['a sum over two CPUs', { kind: 'sum', signed: true }, bytes(-7, 5), '-2'],
    ['a minimum over CPUs of which one is set', { kind: 'min', signed: true }, bytes(0, 0, 9, 1), '9'],
    ['a maximum of negatives', { kind: 'max', signed: true }, bytes(-9, 1, -3, 1), '-3'],
    ['an average cut towards zero', { kind: 'avg', signed: true }, bytes(-5, 1, 2, 1), '-1'],
    ['an average that a program computed', { kind: 'avg', signed: true }, bytes(-4), '-4'],
    [
      'stats over two CPUs',
      { kind: 'stats', signed: true },
      bytes(-10, 1, 3, 1),
      '{ .count = 2, .average = -3, .total = -7 }',
    ],
  ])('%s', (_name, type, data, expected) => {
    expect(show(type, data)).toBe(expected);
  });

  test('show a C struct with nested, anonymous, bit-field and text members', () => {
    const inner: StructType = {
      kind: 'struct',
      name: '',
      size: 4,
      members: [{ name: 'c', type: int('short', 2), offsetBits: 16 }],
    };
    const struct: StructType = {
      kind: 'struct',
      name: 'demo',
      size: 20,
      members: [
        { name: 'a', type: int('unsigned int', 4, false), offsetBits: 0, bitfieldSize: 3 },
        { name: 'b', type: int('unsigned int', 4, false), offsetBits: 3, bitfieldSize: 5 },
        { name: '', type: inner, offsetBits: 32 },
        { name: 'pos', type: { kind: 'array', element: int('int', 4), length: 2 }, offsetBits: 64 },
        { name: 'label', type: { kind: 'array', element: int('char', 1), length: 4 }, offsetBits: 128 },
      ],
    };
    const data = bytes([0xa5, 4], [0, 2], [-3, 2], [-1, 4], [2, 4], 'abc\0');
    expect(show({ kind: 'c_struct', struct, space: 'kernel' }, data)).toBe(
      '{ .a = 5, .b = 20, .c = -3, .pos = [-1,2], .label = abc }',
    );
  });

  test('show timestamps by their format; boot time counts from the boot', () => {
    const context = testContext({
      timeFormats: ['%Y-%m-%d %H:%M:%S', '%F %T.%f', '%j %a %b %y'],
      bootTimeNs: 1_000_000_000_000_000_000n,
    });
    const at = (format: number, mode: number, ns: bigint): string =>
      show({ kind: 'timestamp' }, bytes([format, 4], [mode, 4], ns), context);
    expect(at(0, 3, 1000000000123456789n)).toBe('2001-09-09 01:46:40');
    expect(at(1, 3, 1000000000123456789n)).toBe('2001-09-09 01:46:40.123456');
    expect(at(2, 1, 123456789n)).toBe('252 Sun Sep 01');
    expect(at(0, 3, 5n)).toBe('(?)');
    const short = { ...context, maxStringLength: 19 };
    expect(show({ kind: 'timestamp' }, bytes([0, 4], [3, 4], 1000000000123456789n), short)).toBe('(?)');
  });
});

describe('stacks', () => {
  const symbol = (low: number) => (low === 0x1000 ? { name: 'vfs_read', offset: 5, module: '/bin/bash' } : undefined);
  const context = testContext({
    kernel: { kernelSymbol: symbol, userSymbol: (_pid, low) => symbol(low), userName: () => 'root' },
  });
  test.each<[Type & { kind: 'kstack' }, string]>([
    [{ kind: 'kstack', mode: 'bpftrace', limit: 3 }, '\n        vfs_read+5\n        0x2000\n'],
    [{ kind: 'kstack', mode: 'perf', limit: 3 }, '\n\t1000 vfs_read+5\n\t2000 0x2000\n'],
    [{ kind: 'kstack', mode: 'raw', limit: 3 }, '\n1000\n2000\n'],
  ])('of the kernel: %j', (type, expected) => {
    expect(show(type, bytes(2, 0x1000, 0x2000, 0), context)).toBe(expected);
  });
  test('of a process name the binary in perf mode', () => {
    const type: Type = { kind: 'ustack', mode: 'perf', limit: 2 };
    expect(show(type, bytes([42, 4], [0, 4], 2, 0x1000, 0x2000), context)).toBe(
      '\n\t1000 vfs_read+5 (/bin/bash)\n\t2000 0x2000 ([unknown])\n',
    );
  });
  describe('of a process with debugging information', () => {
    const inlined = [
      { name: '_ZN5shape5scaleEl', place: { file: '/src/scale.h', line: 7 } },
      { name: 'helper', place: undefined },
    ];
    const source = (low: number) =>
      low === 0x1000
        ? { symbol: { name: 'work', offset: 9, module: '/root/a' }, place: { file: '/src/a.c', line: 12 }, inlined }
        : undefined;
    const sourced = {
      ...context,
      kernel: { ...context.kernel, userSource: (_pid: number, low: number) => source(low) },
    };
    const stack = bytes([42, 4], [0, 4], 2, 0x1000, 0x2000);
    test('say the places, the innermost of inlined functions first', () => {
      expect(show({ kind: 'ustack', mode: 'bpftrace', limit: 2 }, stack, sourced).split('\n')).toEqual([
        '',
        '        [inlined] shape::scale(long)@/src/scale.h:7',
        '        [inlined] helper',
        '        work+9@/src/a.c:12',
        '        0x2000',
        '',
      ]);
    });
    test('say in perf mode what is inlined, without places', () => {
      expect(show({ kind: 'ustack', mode: 'perf', limit: 2 }, stack, sourced).split('\n')).toEqual([
        '',
        '\t1000 shape::scale(long) (inlined)',
        '\t1000 helper (inlined)',
        '\t1000 work+9 (/root/a)',
        '\t2000 0x2000 ([unknown])',
        '',
      ]);
    });
    test('have only symbols where show_debug_info is off, and a single symbol has no place', () => {
      const hidden = { ...sourced, showsSource: false };
      expect(show({ kind: 'ustack', mode: 'bpftrace', limit: 1 }, stack, hidden)).toBe('\n        vfs_read+5\n');
      expect(show({ kind: 'usym' }, bytes(0x1000, [42, 4], [0, 4]), sourced)).toBe('vfs_read');
    });
  });
  test('symbols and users', () => {
    expect(show({ kind: 'ksym' }, bytes(0x1000), context)).toBe('vfs_read');
    expect(show({ kind: 'ksym' }, bytes(0), context)).toBe('0');
    expect(show({ kind: 'usym' }, bytes(0x1000, [42, 4], [0, 4]), context)).toBe('vfs_read');
    expect(show({ kind: 'username' }, bytes(0), context)).toBe('root');
  });
});
