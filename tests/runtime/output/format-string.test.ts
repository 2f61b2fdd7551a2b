import { describe, expect, test } from 'vitest';
import { applyFormat, parseFormat } from '../../../src/runtime/output/format-string.ts';
import { signedInt, text, unsignedInt, type Primitive } from '../../../src/runtime/output/value.ts';

function printf(format: string, ...args: (Primitive | bigint | string | boolean)[]): string {
  const values = args.map((arg): Primitive => {
    if (typeof arg === 'bigint') return arg > 0x7fff_ffff_ffff_ffffn ? unsignedInt(arg) : signedInt(arg);
    if (typeof arg === 'string') return text(arg);
    return typeof arg === 'boolean' ? { kind: 'bool', value: arg } : arg;
  });
  return applyFormat(parseFormat(format), values);
}
const buffer = (...bytes: number[]): Primitive => ({ kind: 'buffer', value: Uint8Array.from(bytes) });
const pointer: Primitive = { kind: 'symbolic', symbol: '0x1234', numeric: 0x1234n };

describe('printf', () => {
  test.each<[string, (Primitive | bigint | string | boolean)[], string]>([
    ['%d%d%d%s%s%x', [1n, 2n, 3n, 'a', 'b', 16n], '123ab10'],
    ['%-+ #08x', [255n], '0xff0000'],
    ['%d %d', [true, false], '1 0'],
    ['%s %s', [true, false], 'true false'],
    ['%x %u %5d|', [true, true, true], '1 1     1|'],
    ['a%cb%cc', [9n, 10n], 'a\tb\nc'],
    ['%d', [5000000000n], '705032704'],
    ['%ld', [5000000000n], '5000000000'],
    ['%d', [-5000000000n], '-705032704'],
    ['%x %X', [3735928559n, 3735928559n], 'deadbeef DEADBEEF'],
    ['%lx %lX', [0xabcdef0123n, 0xabcdef0123n], 'abcdef0123 ABCDEF0123'],
    ['%llx', [0xffffffffffffffffn], 'ffffffffffffffff'],
    ['%x', [-1n], 'ffffffff'],
    ['%hx %hhx', [-1n, -1n], 'ffff ff'],
    ['%lo', [0x200000000n], '100000000000'],
    ['%#o %#o', [8n, 0n], '010 0'],
    ['%5%|', [], '%|'],
    ['%%d is not a conversion', [], '%d is not a conversion'],
    ['%d %x %lx %s', [pointer, pointer, pointer, pointer], '4660 1234 1234 0x1234'],
    ['%p %p', [pointer, 0n], '0x1234 0'],
    ['%.3s|', ['abcdef'], 'abcdef|'],
    ['%8.2s|', ['abcdef'], '  abcdef|'],
    ['%.5d|', [42n], '42|'],
    ['% d', [5n], '5'],
    ['%+d %+d', [5n, -5n], '+5 -5'],
    ['%*d|', [42n], '42|'],
    ['%-*s|', ['text'], 'text|'],
    ['%s', [0xffffffffffffffffn], '18446744073709551615'],
    ['%u %lu %hhu', [-1n, -1n, -1n], '4294967295 18446744073709551615 255'],
    ['%06d %04d', [-42n, -12345n], '000-42 -12345'],
    ['%06s|%-06s|%-05d|', ['ab', 'ab', 7n], '0000ab|ab0000|70000|'],
    ['%016lx %08o', [0xdeadn, 64n], '000000000000dead 00000100'],
    ['%-10s %8ld %5d%%', ['wlan0', 5368709120n, 0n], 'wlan0      5368709120     0%'],
    ['%r', [buffer(0x48, 0x69, 0, 0x7f, 0xff, 0x21)], 'Hi\\x00\\x7f\\xff!'],
    ['%rx', [buffer(0x48, 0x69, 0, 0x7f, 0xff, 0x21)], '\\x48\\x69\\x00\\x7f\\xff\\x21'],
    ['%rh', [buffer(0x48, 0x69, 0, 0x7f, 0xff, 0x21)], '48 69 00 7f ff 21'],
    ['|%8r|%-8r|', [buffer(97, 98, 99), buffer(97, 98, 99)], '|     abc|abc     |'],
    ['%gr %gr %gr [%gr]', [0n, 1n, 0x40n, 0xcc0n], '0 GFP_DMA __GFP_IO [GFP_KERNEL]'],
  ])('%s', (format, args, expected) => {
    expect(printf(format, ...args)).toBe(expected);
  });

  test('gives the width of a composite to its bracket, as bpftrace does', () => {
    const tuple: Primitive = { kind: 'tuple', values: [signedInt(1n), text('two')] };
    expect(printf('%5s', tuple)).toBe('    (1, two)');
  });
  test('says in place that a text is no number', () => {
    expect(printf('<%d>', 'x')).toBe('<!{invalid integer conversion: x}>');
  });
});
