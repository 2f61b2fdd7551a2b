import { expect, test } from 'vitest';
import type { Program } from '../../src/abi/program-image.ts';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import type { AccessSize } from '../../src/isa/opcodes.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/** Eight bytes of stack at fp-8. */
interface Part {
  readonly size: AccessSize;
  readonly at: number;
}
const SIZES: readonly AccessSize[] = [1, 2, 4, 8];
const PARTS: readonly Part[] = SIZES.flatMap((size) =>
  Array.from({ length: 8 / size }, (_, index) => ({ size, at: index * size })),
);
const WIDE = 0x8877_6655_c433_a291n;

/** Of the many pairs of stores only one in so many is tried; 1 tries all, in a minute or two. */
const THINNING = Number(process.env['SPILL_THINNING'] ?? 101);

/** How r2 comes to its number, and a number that it may be. */
const SOURCES: Record<string, { readonly insns: readonly Insn[]; readonly actual: bigint }> = {
  'a known wide number': { insns: build.loadImm64(2, WIDE), actual: WIDE },
  zero: { insns: [build.alu64Imm('mov', 2, 0)], actual: 0n },
  'a number of one byte': { insns: [build.load(8, 2, 1, 0), build.alu64Imm('and', 2, 0xff)], actual: 0x83n },
  'a number of four bytes': { insns: [build.load(8, 2, 1, 0), build.alu32Reg('mov', 2, 2)], actual: 0x8765_4321n },
  'an unknown number': { insns: [build.load(8, 2, 1, 0)], actual: WIDE },
};

function put(bytes: bigint, part: Part, value: bigint): bigint {
  const mask = ((1n << BigInt(part.size * 8)) - 1n) << BigInt(part.at * 8);
  return (bytes & ~mask) | ((value << BigInt(part.at * 8)) & mask);
}

const get = (bytes: bigint, part: Part): bigint => BigInt.asUintN(part.size * 8, bytes >> BigInt(part.at * 8));

/** A program that goes wrong exactly if the bytes read make `actual`: a verifier that knows better is wrong itself. */
function wrongIf(actual: bigint, insns: readonly Insn[]): Program {
  return {
    name: 'spills',
    type: 'raw_tracepoint',
    insns: [
      ...insns,
      ...build.loadImm64(3, actual),
      build.jumpReg('jne', 0, 3, 1),
      build.load(1, 0, 0, 0),
      build.alu64Imm('mov', 0, 0),
      build.exit(),
    ],
    relocations: [],
    functions: [{ slot: 0, name: 'spills' }],
    lines: [],
  };
}

interface Store extends Part {
  readonly insn: Insn;
  readonly value: bigint;
}

/** Every way to read back part of the slot; gives those in which the verifier denies what is really there. */
function denials(before: readonly Insn[], bytes: bigint): string[] {
  const found: string[] = [];
  for (const part of PARTS) {
    for (const signed of part.size === 8 ? [false] : [false, true]) {
      const { size } = part;
      const fill =
        signed && size !== 8 ? build.loadSigned(size, 0, 10, part.at - 8) : build.load(size, 0, 10, part.at - 8);
      const read = get(bytes, part);
      const actual = BigInt.asUintN(64, signed ? BigInt.asIntN(size * 8, read) : read);
      const verdict = verifyProgram(wrongIf(actual, [...before, fill]), [], {});
      const text = verdict.verdict === 'reject' ? verdict.message : 'accepted';
      if (!text.includes('R0 invalid mem access'))
        found.push(`${size} at ${part.at}${signed ? ' signed' : ''}: ${text}`);
    }
  }
  return found;
}

test.each(Object.keys(SOURCES))('what is read back from a slot may be what %s put there', (name) => {
  const source = SOURCES[name]!;
  const denied: string[] = [];
  let pair = 0;
  for (const initial of [0, -1]) {
    const start = BigInt.asUintN(64, BigInt(initial));
    for (const first of PARTS) {
      const seconds: readonly (Store | undefined)[] = [
        undefined,
        ...PARTS.map((part) => ({ ...part, insn: build.storeImm(part.size, 10, part.at - 8, 0), value: 0n })),
        ...PARTS.map((part) => ({ ...part, insn: build.store(part.size, 10, part.at - 8, 2), value: source.actual })),
      ];
      for (const second of seconds) {
        if (second !== undefined && pair++ % THINNING !== 0) continue;
        const before = [
          ...source.insns,
          build.storeImm(8, 10, -8, initial),
          build.store(first.size, 10, first.at - 8, 2),
        ];
        let bytes = put(start, first, source.actual);
        if (second !== undefined) {
          before.push(second.insn);
          bytes = put(bytes, second, second.value);
        }
        const over = second === undefined ? 'nothing' : `${second.size} at ${second.at} = ${second.value}`;
        const where = `${initial}; ${first.size} at ${first.at}; ${over}`;
        denied.push(...denials(before, bytes).map((text) => `${where}; read ${text}`));
      }
    }
  }
  expect(denied).toEqual([]);
});
