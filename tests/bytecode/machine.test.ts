import { expect, test } from 'vitest';
import { allocateRegisters } from '../../src/bytecode/machine/allocate.ts';
import { encode } from '../../src/bytecode/machine/encode.ts';
import { selectInstructions } from '../../src/bytecode/machine/select.ts';
import { optimize } from '../../src/bytecode/passes/optimize.ts';
import { placeSlots } from '../../src/bytecode/passes/place-slots.ts';
import { splitCriticalEdges } from '../../src/bytecode/passes/split-edges.ts';
import { Flow } from '../../src/bytecode/ir/flow.ts';
import type { IrFunction } from '../../src/bytecode/ir/ir.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { randomFunction, randomNumbers } from './random-ir.ts';
import { runInsns } from './run-insns.ts';
import { runIr } from './run-ir.ts';

const onCall = (r1: bigint, n: number): bigint => r1 * 3n + BigInt(n);

function toInsns(fn: IrFunction): readonly Insn[] {
  const flow = new Flow(fn);
  splitCriticalEdges(flow);
  const placement = placeSlots(flow, 32, 448, () => {
    throw new Error('no scratch area');
  });
  const machine = selectInstructions(flow, placement.frame, placement.frameSize);
  expect(allocateRegisters(machine, 900)).toBe('ok');
  return encode([{ ir: fn, machine }]).insns;
}

function inputs(seed: number): readonly (readonly [bigint, bigint])[] {
  const random = randomNumbers(seed ^ 0x5555);
  const word = (): bigint => (BigInt(random(2 ** 31)) << 33n) ^ BigInt(random(2 ** 31));
  return [
    [0n, 0n],
    [1n, -1n],
    [BigInt.asIntN(64, word()), BigInt(random(100))],
    [BigInt.asIntN(32, word()), BigInt.asIntN(64, word())],
  ];
}

const SEEDS = Array.from({ length: 30 }, (_, index) => index + 1);

test('machine code computes what unoptimised IR says', () => {
  for (const seed of SEEDS) {
    const insns = toInsns(randomFunction(seed));
    for (const args of inputs(seed)) {
      const expected = runIr(randomFunction(seed), args, onCall);
      expect(runInsns(insns, args, onCall), `seed ${seed}`).toBe(expected);
    }
  }
});

test('optimised IR computes the same in less than two thirds of the instructions', () => {
  const sizes = { plain: 0, optimized: 0 };
  for (const seed of SEEDS) {
    const optimized = randomFunction(seed);
    optimize(optimized);
    for (const args of inputs(seed)) {
      const expected = runIr(randomFunction(seed), args, onCall);
      expect(runIr(optimized, args, onCall), `seed ${seed}`).toBe(expected);
    }
    const plain = toInsns(randomFunction(seed));
    const insns = toInsns(optimized);
    sizes.plain += plain.length;
    sizes.optimized += insns.length;
    for (const args of inputs(seed)) {
      const expected = runIr(randomFunction(seed), args, onCall);
      expect(runInsns(insns, args, onCall), `seed ${seed}`).toBe(expected);
    }
  }
  expect(sizes.optimized / sizes.plain).toBeLessThan(0.67);
});
