import { readFileSync } from 'node:fs';
import type { ProgramType } from '../../src/abi/program-image.ts';
import { decodeInsns } from '../../src/isa/codec.ts';
import type { Insn } from '../../src/isa/instruction.ts';

/** A program that Linux 7.2 ran with BPF_PROG_TEST_RUN, and what it returned. */
export interface KernelResult {
  readonly name: string;
  readonly type: ProgramType;
  readonly insns: readonly Insn[];
  /** Context of a raw tracepoint; other program types here do not look at theirs. */
  readonly input: Uint8Array;
  /** Low 32 bits of r0, unsigned. */
  readonly retval: number;
}

interface Row {
  readonly name: string;
  readonly type: ProgramType;
  readonly code: string;
  readonly input: string | null;
  readonly retval: number;
}

/** Arithmetic, memory, atomic and control-flow programs with the results of a real kernel. */
export const KERNEL_RESULTS: readonly KernelResult[] = readFileSync(
  new URL('data/kernel-results.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)
  .map(({ name, type, code, input, retval }) => ({
    name,
    type,
    retval,
    insns: decodeInsns(Buffer.from(code, 'base64')) ?? [],
    input: Buffer.from(input ?? '', 'hex'),
  }));
