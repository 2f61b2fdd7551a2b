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
  const loaded = loadImage({ image, programs: ENGINES[engine](verified), kernel, seed: 1 });
  if ('error' in loaded) throw new Error(loaded.error);
  const run = loaded.runner('deep');
  const context = kernel.memory.allocate(256, 8);
  // Whatever the first run allocates for its stack lies behind this.
  const border = kernel.memory.allocate(8, 8);
  const before = new Uint8Array(kernel.memory.buffer.slice(0, border));
  run(context);
  expect(Buffer.compare(before, new Uint8Array(kernel.memory.buffer, 0, border))).toBe(0);
  const written = new DataView(kernel.memory.buffer);
  const depths = new Set<bigint>();
  for (let at = border; at < border + 64 * 1024; at += 8) depths.add(written.getBigUint64(at, true));
  expect([...depths].filter((value) => value > 0n && value <= MAX_CALL_FRAMES)).toHaveLength(MAX_CALL_FRAMES);
});
