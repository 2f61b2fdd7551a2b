import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/assemble.ts';
import { decodeInsns, encodeInsns } from '../../src/isa/codec.ts';
import { decode, unusedField } from '../../src/isa/decode.ts';
import { disassemble, disassembleProgram } from '../../src/isa/disassemble.ts';
import { instruction, instructions, slot } from './arbitrary.ts';

test('encoding and decoding bytes gives the same slots', () => {
  fc.assert(
    fc.property(fc.array(slot), (insns) => {
      expect(decodeInsns(encodeInsns(insns))).toEqual(insns);
    }),
  );
});

test('bytes that are no whole number of slots are refused', () => {
  expect(decodeInsns(new Uint8Array(12))).toBeUndefined();
});

test('every built instruction decodes and leaves no unused field set', () => {
  fc.assert(
    fc.property(instruction, ([first]) => {
      const operation = decode(first!);
      expect(operation).toBeDefined();
      expect(unusedField(first!, operation!)).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});

test('assembling a disassembly gives the same slots', () => {
  fc.assert(
    fc.property(instructions, (insns) => {
      const result = assemble(disassembleProgram(insns));
      expect(result).toMatchObject({ ok: true });
      expect(result.ok && result.program.insns).toEqual(insns);
    }),
    { numRuns: 500 },
  );
});

test('disassembling an assembly of a disassembly gives the same text for any slot that decodes cleanly', () => {
  fc.assert(
    fc.property(slot, (insn) => {
      const operation = decode(insn);
      fc.pre(operation !== undefined && operation.kind !== 'ld_imm64' && unusedField(insn, operation) === undefined);
      fc.pre(insn.dst <= 10 && insn.src <= 10 && !(operation?.kind === 'call' && insn.off !== 0));
      // cmpxchg prints r0 whatever, and packet loads have no room for other fields: the text is the measure.
      const text = disassemble(insn);
      const result = assemble(text);
      expect(result, text).toMatchObject({ ok: true });
      expect(result.ok && disassemble(result.program.insns[0]!)).toBe(text);
    }),
    { numRuns: 150 },
  );
});
