import type { Program } from '../../src/abi/program-image.ts';
import type { ProgramFacts } from '../../src/abi/verified-image.ts';
import { decode } from '../../src/isa/decode.ts';
import { REGISTER_COUNT } from '../../src/isa/instruction.ts';

const NEEDS_PROOF: ReadonlySet<string> = new Set(['load', 'store', 'atomic', 'call', 'ld_packet']);

/**
 * What the engines need to know of a program that the verifier refused, so that it can run all the same: nothing is known
 * of its registers. Undefined where that would not be safe, because it accesses memory or calls.
 */
export function factsWithoutProof({ insns }: Program): ProgramFacts | undefined {
  if (insns.some((insn) => NEEDS_PROOF.has(decode(insn)?.kind ?? 'call'))) return undefined;
  return {
    reached: new Uint8Array(insns.length).fill(1),
    registers: new Uint8Array(insns.length * REGISTER_COUNT),
    accesses: insns.map(() => undefined),
    stackDepths: [0],
    insnsProcessed: 0,
  };
}
