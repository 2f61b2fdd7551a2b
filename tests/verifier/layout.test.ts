import { expect, test } from 'vitest';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/** Blocks that each jump to the one that lies before them. */
function backwards(blocks: number): readonly Insn[] {
  const block = [build.alu64Imm('add', 0, 1), build.store(8, 10, -8, 0)];
  const length = block.length + 1;
  const back = build.goto(-2 * length);
  const insns: Insn[] = [build.alu64Imm('mov', 0, 0), build.goto((blocks - 1) * length)];
  for (let i = 0; i < blocks; i++) insns.push(...block, i === 0 ? build.exit() : back);
  return insns;
}

test('the time that a program takes does not depend on how it lies in memory', () => {
  const insns = backwards(4000);
  const program = { name: 'backwards', insns, relocations: [], functions: [{ slot: 0, name: 'main' }], lines: [] };
  const verdict = verifyProgram({ ...program, type: 'kprobe' }, []);
  expect(verdict).toMatchObject({ verdict: 'accept', insnsProcessed: insns.length });
  // Analyses that go through memory in order took half a minute.
}, 10_000);
