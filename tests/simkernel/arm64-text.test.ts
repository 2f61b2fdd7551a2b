import fc from 'fast-check';
import { expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { createMachine } from '../../src/simkernel/machine.ts';
import { ARCHITECTURES } from '../../src/simkernel/arch/architectures.ts';
import * as arm64 from '../../src/simkernel/execution/arm64-code.ts';
import { CALL_SITES } from '../../src/simkernel/execution/code.ts';
import { callSites, originalText, textSymbols } from '../../src/simkernel/execution/text.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';

test.each<[number, number, string]>([
  [arm64.NOP, 0xd503201f, 'nop'],
  [arm64.BTI_C, 0xd503245f, 'bti\tc'],
  [arm64.storePair(80), 0xa9057bfd, 'stp\tx29, x30, [sp, #80]'],
  [arm64.pushPair(16), 0xa9bf7bfd, 'stp\tx29, x30, [sp, #-16]!'],
  [arm64.loadPair(80), 0xa9457bfd, 'ldp\tx29, x30, [sp, #80]'],
  [arm64.popPair(16), 0xa8c17bfd, 'ldp\tx29, x30, [sp], #16'],
  [arm64.lowerStack(0x60), 0xd10183ff, 'sub\tsp, sp, #0x60'],
  [arm64.raiseStack(0x60), 0x910183ff, 'add\tsp, sp, #0x60'],
  [arm64.setFrame(0x50), 0x910143fd, 'add\tx29, sp, #0x50'],
  [arm64.setFrame(0), 0x910003fd, 'mov\tx29, sp'],
  [arm64.BREAKPOINTS.kprobe, 0xd4200080, 'brk\t#0x4'],
  [arm64.BREAKPOINTS.uprobe, 0xd42000a0, 'brk\t#0x5'],
  [arm64.BREAKPOINTS.kprobeStep, 0xd42000c0, 'brk\t#0x6'],
  [arm64.SAVE_LINK, 0xaa1e03e9, 'mov\tx9, x30'],
])('%i is encoded as %i: %s', (word, encoded, text) => {
  expect(word).toBe(encoded);
  expect(arm64.disassembleArm64(word)).toBe(text);
});

test('a branch with link leads as far as it says, in both directions', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 25), max: 2 ** 25 - 1 }), (words) => {
      const word = arm64.branchLink(4 * words);
      expect(arm64.isBranchLink(word)).toBe(true);
      expect(arm64.branchDistance(word)).toBe(4 * words);
    }),
  );
});

test('every function of the kernel returns to behind a call, and ends with ret', () => {
  createMachine({ scenario: SCENARIOS.idle, arch: 'arm64' });
  const { kernelCode } = ARCHITECTURES.arm64;
  for (const symbol of textSymbols()) {
    const bytes = originalText(kernelCode, symbol);
    const view = new DataView(bytes.buffer);
    const end = symbol.size - (symbol.size % 4);
    expect(view.getUint32(end - 4, true), symbol.name).toBe(arm64.RET);
    for (const site of callSites(symbol).subarray(kernelCode.sites, kernelCode.sites + CALL_SITES)) {
      expect(view.getUint32(site - 4, true), `${symbol.name}+${site}`).toBe(arm64.CALL_REGISTER);
    }
  }
});
