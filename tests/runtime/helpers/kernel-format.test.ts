import { expect, test } from 'vitest';
import { openArena } from '../../../src/runtime/arena.ts';
import { formatLikeKernel, type FormatArgument } from '../../../src/runtime/helpers/kernel-format.ts';
import { createTestMachine } from '../test-machine.ts';

const machine = createTestMachine();
const arena = openArena(machine.kernel.memory);
const { allocate, kernelHigh } = machine.kernel.memory;
const host = { kernel: machine.kernel, arena, scratch: allocate(64, 8) };
const name = allocate(16, 8);
arena.bytes.set(new TextEncoder().encode('disk0\0'), name);
const address = allocate(16, 8);
arena.bytes.set([10, 0, 2, 15], address);
const halves = (value: bigint): FormatArgument => [
  Number(BigInt.asIntN(32, value)),
  Number(BigInt.asIntN(32, value >> 32n)),
];

test.each<[string, FormatArgument[], string]>([
  ['plain 100%%', [], 'plain 100%'],
  ['%d %u', [halves(-1n), halves(-1n)], '-1 4294967295'],
  ['%ld %lu %llx', [halves(-5n), halves(-1n), halves(0xabcdef0123n)], '-5 18446744073709551615 abcdef0123'],
  ['%5d|%-5d|%05d|%+d', [halves(42n), halves(42n), halves(-42n), halves(7n)], '   42|42   |-0042|+7'],
  ['%x %X', [halves(255n), halves(255n)], 'ff FF'],
  ['%% %%%d%%', [halves(5n)], '% %5%'],
  ['%c%c', [halves(104n), halves(105n)], 'hi'],
  [
    '%s|%8s|%pks',
    [
      [name, kernelHigh],
      [name, kernelHigh],
      [name, kernelHigh],
    ],
    'disk0|   disk0|disk0',
  ],
  [
    '%pi4 %pI4',
    [
      [address, kernelHigh],
      [address, kernelHigh],
    ],
    '010.000.002.015 10.0.2.15',
  ],
  ['%px', [halves(0xffff888012345678n)], 'ffff888012345678'],
  ['%s', [halves(0n)], ''],
])('%s is written as the kernel writes it', (format, args, text) => {
  expect(formatLikeKernel(host, format, args, true, 512)).toEqual({ text, length: text.length });
});

test.each<[string, string, FormatArgument[]]>([
  ['an unknown conversion', '%f', [halves(1n)]],
  ['a sign for bases', '%#x', [halves(1n)]],
  ['a lone percent sign', 'half 50%', []],
  ['an argument too few', '%d %d', [halves(1n)]],
  ['an argument too many', '%d', [halves(1n), halves(2n)]],
  ['control characters', 'bell \x07', []],
  ['letters beyond ASCII', 'caf\xe9', []],
  ['more than twelve conversions', '%d'.repeat(13), Array.from({ length: 13 }, () => halves(1n))],
])('%s is EINVAL', (_, format, args) => {
  expect(formatLikeKernel(host, format, args, true, 512)).toBe(-22);
});

test.each<[string, number, string, number]>([
  ['%20d', 8, '       ', 20],
  ['%-20dx', 8, '42     ', 21],
  ['%8388607d', 8, '       ', 8_388_607],
  // Widths have 24 bits: this one is negative there, the next 3.
  ['%999999999d', 8, '42', 2],
  ['%16777219d', 8, ' 42', 3],
  ['%4294967299d|', 8, ' 42|', 4],
  ['%d', 1, '', 2],
  ['%d', 0, '', 2],
])('%s into %d bytes is cut, and its whole length known', (format, room, text, length) => {
  expect(formatLikeKernel(host, format, [halves(42n)], true, room)).toEqual({ text, length });
});

test('twelve widest conversions and a format of a megabyte are no burden', () => {
  const widest = Array.from({ length: 12 }, () => halves(1n));
  const { length } = formatLikeKernel(host, '%-8388607d'.repeat(12), widest, true, 64) as { length: number };
  expect(length).toBe(12 * 8_388_607);
  const long = '%%x'.repeat(1 << 19);
  expect(formatLikeKernel(host, long, [], true, 5)).toEqual({ text: '%x%x', length: 1 << 20 });
});
