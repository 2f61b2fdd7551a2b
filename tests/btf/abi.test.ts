import { describe, expect, test } from 'vitest';
import { ABIS, type AbiName } from '../../src/btf/abi/abis.ts';
import { parseUsdtOperand, parseUsdtOperands } from '../../src/btf/usdt-operand.ts';

describe.each(Object.values(ABIS))('$name', (abi) => {
  test('registers lie in struct pt_regs on multiples of eight', () => {
    for (const offset of [...Object.values(abi.registers), ...Object.values(abi.scriptRegisters)]) {
      expect(offset % 8).toBe(0);
      expect(offset).toBeLessThan(abi.registersBytes);
    }
  });

  test('arguments and results are registers that tracers know by name', () => {
    const known = new Set(Object.values(abi.registers));
    for (const offset of [...abi.arguments, ...abi.systemCallArguments, abi.result, abi.ip, abi.sp, abi.fp]) {
      expect(known).toContain(offset);
    }
  });
});

test.each<[AbiName, string, object | undefined]>([
  ['x86_64', '-4@%edi', { size: 4, signed: true, kind: 'register', register: 112 }],
  ['x86_64', '8@-16(%rbp)', { size: 8, signed: false, kind: 'memory', register: 32, displacement: -16 }],
  ['x86_64', '8@(%rsp)', { size: 8, signed: false, kind: 'memory', register: 152, displacement: 0 }],
  ['x86_64', '-2@$-7', { size: 2, signed: true, kind: 'constant', value: -7n }],
  ['x86_64', '8@(%rax,%rbx,8)', undefined],
  ['x86_64', '-4@x1', undefined],
  ['arm64', '-4@x1', { size: 4, signed: true, kind: 'register', register: 8 }],
  ['arm64', '8@[sp, 16]', { size: 8, signed: false, kind: 'memory', register: 248, displacement: 16 }],
  ['arm64', '8@[x29, -24]', { size: 8, signed: false, kind: 'memory', register: 232, displacement: -24 }],
  ['arm64', '-4@[x19]', { size: 4, signed: true, kind: 'memory', register: 152, displacement: 0 }],
  ['arm64', '4@5', { size: 4, signed: false, kind: 'constant', value: 5n }],
  ['arm64', '8@[x1, x2]', undefined],
  ['arm64', '-4@%edi', undefined],
])('%s: the operand %s of a static probe', (arch, text, operand) => {
  expect(parseUsdtOperand(text, ABIS[arch])).toEqual(operand);
});

test('spaces separate operands, but not inside of brackets', () => {
  expect(parseUsdtOperands('8@[sp, 16] -4@x1 8@[x29, -8]', ABIS.arm64).map((operand) => operand?.kind)).toEqual([
    'memory',
    'register',
    'memory',
  ]);
  expect(parseUsdtOperands('', ABIS.arm64)).toEqual([]);
});
