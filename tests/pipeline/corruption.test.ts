import { expect, test } from 'vitest';
import type { Program, ProgramImage } from '../../src/abi/program-image.ts';
import { decode } from '../../src/isa/decode.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import type { Operation } from '../../src/isa/operation.ts';
import { compile } from '../../src/pipeline/compile.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { createSource } from '../../src/source/source.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/** What the compiler makes is accepted; the same code with one instruction spoilt is not. */
const SCRIPT =
  'kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_write /@start[tid]/ { @ns[comm] = hist(nsecs - @start[tid]); }';

function compiled(): ProgramImage {
  const { generated, diagnostics } = compile({
    source: createSource('stdin', SCRIPT),
    target: createSimulation({ scenario: 'idle', seed: 1 }).target,
  });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return generated!.image;
}

const image = compiled();

const CALL_LOOKUP = 1;
const isLookup = (insn: Insn): boolean => {
  const operation = decode(insn);
  return operation?.kind === 'call' && operation.callee === 'helper' && insn.imm === CALL_LOOKUP;
};

interface Place {
  readonly program: Program;
  readonly slot: number;
}

/** The first instruction behind a map look-up, in the program where that is found first, of which this holds. */
function findAfterLookup(holds: (insn: Insn, operation: Operation) => boolean): Place {
  for (const program of image.programs) {
    const lookup = program.insns.findIndex(isLookup);
    if (lookup === -1) continue;
    const slot = program.insns.findIndex((insn, index) => {
      const operation = decode(insn);
      return index > lookup && operation !== undefined && holds(insn, operation);
    });
    if (slot !== -1) return { program, slot };
  }
  throw new Error('the compiled script has no such instruction');
}

function refuse({ program, slot }: Place, change: (insn: Insn) => Insn): string {
  const insns = program.insns.map((insn, index) => (index === slot ? change(insn) : insn));
  const verdict = verifyProgram({ ...program, insns }, image.maps);
  return verdict.verdict === 'reject' ? verdict.message : 'accepted';
}

const NO_OPERATION: Insn = { code: 0x05, dst: 0, src: 0, off: 0, imm: 0 };

test('the script as compiled is accepted', () => {
  expect(image.programs.map((program) => verifyProgram(program, image.maps).verdict)).toEqual(['accept', 'accept']);
});

test('a dropped null check is refused', () => {
  const check = findAfterLookup(
    (insn, operation) =>
      operation.kind === 'jump' && (operation.op === 'jeq' || operation.op === 'jne') && insn.imm === 0,
  );
  // `== 0` leaves when the value is missing: never leave. `!= 0` goes on when it is there: always go on.
  const operation = decode(check.program.insns[check.slot]!);
  const always = operation?.kind === 'jump' && operation.op === 'jne';
  expect(refuse(check, (insn) => (always ? { ...NO_OPERATION, off: insn.off } : NO_OPERATION))).toMatch(
    /^R\d invalid mem access 'map_value_or_null'$/,
  );
});

test('a widened access is refused', () => {
  const load = findAfterLookup((_, operation) => operation.kind === 'load' && operation.size === 8);
  expect(refuse(load, (insn) => ({ ...insn, off: insn.off + 8 }))).toMatch(
    /^invalid access to map value, value_size=8 off=8 size=8$/,
  );
});

test('a read outside the stack frame is refused', () => {
  const load = findAfterLookup((_, operation) => operation.kind === 'load' && operation.size === 8);
  expect(refuse(load, (insn) => ({ ...insn, src: 10, off: -520 }))).toMatch(
    /^invalid read from stack R10 off=-520 size=8$/,
  );
});

test('a read of an uninitialised register is refused', () => {
  const program = image.programs[0]!;
  expect(refuse({ program, slot: 0 }, () => ({ code: 0xbf, dst: 6, src: 7, off: 0, imm: 0 }))).toBe('R7 !read_ok');
});

test('a read of an uninitialised slot is refused without the right to read left-over stack', () => {
  const program = image.programs[0]!;
  const insns = [
    { code: 0x79, dst: 0, src: 10, off: -8, imm: 0 },
    { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
  ];
  const reader = { ...program, insns, relocations: [], functions: [], lines: [] };
  // Linux 7.2 lets root read what earlier calls left on the stack, and so do we.
  expect(verifyProgram(reader, []).verdict).toBe('accept');
  const verdict = verifyProgram(reader, [], { allowUninitStack: false });
  expect(verdict.verdict === 'reject' && verdict.message).toBe('invalid read from stack off -8+0 size 8');
});
