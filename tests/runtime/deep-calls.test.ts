import { expect, test } from 'vitest';
import type { Program, ProgramImage } from '../../src/abi/program-image.ts';
import { alu64Imm, callSubprogram, exit, load, R0, R10, storeImm } from '../../src/isa/builders.ts';
import { MAX_BPF_STACK, MAX_CALL_FRAMES, type Insn } from '../../src/isa/instruction.ts';
import { ENGINES } from '../../src/runtime/engines.ts';
import { loadImage } from '../../src/runtime/load.ts';
import { verifyImage } from '../../src/verifier/verify.ts';
import { createTestMachine } from './test-machine.ts';

/** A chain of calls as deep as the verifier lets it be; every function writes the lowest word of its own frame. */
function deepProgram(): Program {
  const insns: Insn[] = [];
  const functions: { slot: number; name: string }[] = [];
  for (let depth = 0; depth < MAX_CALL_FRAMES; depth++) {
    functions.push({ slot: insns.length, name: `depth${depth}` });
    insns.push(storeImm(8, R10, -MAX_BPF_STACK, depth + 1));
    if (depth < MAX_CALL_FRAMES - 1) insns.push(callSubprogram(2));
    else insns.push(alu64Imm('mov', R0, 0));
    insns.push(load(8, R0, R10, -MAX_BPF_STACK), exit());
  }
  return { name: 'deep', type: 'kprobe', insns, relocations: [], functions, lines: [] };
}

test.each(['interp', 'js'] as const)('%s keeps the deepest frame inside the stack it was given', (engine) => {
  const image: ProgramImage = { programs: [deepProgram()], maps: [] };
  const verified = verifyImage(image);
  if (!('image' in verified)) throw new Error(verified.refusal.message);
  const { kernel } = createTestMachine();
  const allocations: { readonly start: number; readonly end: number }[] = [];
  const memory = {
    ...kernel.memory,
    allocate(size: number, align?: number): number {
      const start = kernel.memory.allocate(size, align);
      allocations.push({ start, end: start + size });
      return start;
    },
  };
  const loaded = loadImage({ image, programs: ENGINES[engine](verified), kernel: { ...kernel, memory }, seed: 1 });
  if ('error' in loaded) throw new Error(loaded.error);
  const run = loaded.runner('deep');
  run(memory.allocate(256, 8));

  const view = new DataView(memory.buffer);
  const homes = new Map<bigint, number>();
  for (const [index, { start, end }] of allocations.entries()) {
    for (let at = Math.ceil(start / 8) * 8; at + 8 <= end; at += 8) {
      const value = view.getBigUint64(at, true);
      if (value > 0n && value <= MAX_CALL_FRAMES) homes.set(value, index);
    }
  }
  expect(homes.size).toBe(MAX_CALL_FRAMES);
  expect(new Set(homes.values()).size).toBe(1);
});
