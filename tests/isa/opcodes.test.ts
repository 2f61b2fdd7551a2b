import { expect, test } from 'vitest';
import { JUMP, type JumpOp } from '../../src/isa/opcodes.ts';
import { CONDITIONS } from '../../src/runtime/interpreter/arithmetic.ts';

const WORDS = [0n, 1n, 2n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];
const pairs = WORDS.flatMap((a) => WORDS.map((b) => [a, b] as const));
const holds = (op: JumpOp, a: bigint, b: bigint) => CONDITIONS[op](a, b, (word) => BigInt.asIntN(64, word));

test.each(Object.keys(JUMP) as JumpOp[])(
  'the inverse of %s holds when it does not; swapped, it says the same',
  (op) => {
    const { inverse, swapped } = JUMP[op];
    for (const [a, b] of pairs) {
      expect(holds(swapped, b, a)).toBe(holds(op, a, b));
      if (inverse !== undefined) expect(holds(inverse, a, b)).toBe(!holds(op, a, b));
    }
  },
);
