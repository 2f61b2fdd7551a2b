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
  ['%#x %X', [halves(255n), halves(255n)], '0xff FF'],
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
  expect(formatLikeKernel(host, format, args, true)).toBe(text);
});

test.each<[string, string, FormatArgument[]]>([
  ['an unknown conversion', '%f', [halves(1n)]],
  ['a lone percent sign', 'half 50%', []],
  ['an argument too few', '%d %d', [halves(1n)]],
  ['an argument too many', '%d', [halves(1n), halves(2n)]],
  ['control characters', 'bell \x07', []],
  ['letters beyond ASCII', 'caf\xe9', []],
  ['more than twelve conversions', '%d'.repeat(13), Array.from({ length: 13 }, () => halves(1n))],
])('%s is EINVAL', (_, format, args) => {
  expect(formatLikeKernel(host, format, args, true)).toBe(-22);
});
