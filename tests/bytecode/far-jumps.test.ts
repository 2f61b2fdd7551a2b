import { expect, test } from 'vitest';
import { encode } from '../../src/bytecode/machine/encode.ts';
import { type IrFunction, newFunction } from '../../src/bytecode/ir/ir.ts';
import type { MachineBlock, MachineEnd, MachineFunction } from '../../src/bytecode/machine/insn.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import type { JumpOp } from '../../src/isa/opcodes.ts';
import { compileScript } from './compile-script.ts';
import { runInsns } from './run-insns.ts';

const NEVER = (): bigint => 0n;
const END: MachineEnd = { op: 'exit', span: undefined };
/** More than 16 bits of distance. */
const MANY = 40_000;

function block(id: number, values: readonly number[], end: MachineEnd = END): MachineBlock {
  return { id, depth: 0, end, insns: values.map((imm) => ({ op: 'mov_imm', dst: 0, imm, span: undefined })) };
}

/** `if r1 OP 5 goto yes; no: r0 = 1, in many instructions; yes: r0 = 2, and back in front of the no.` */
function program(jump: JumpOp): { readonly ir: IrFunction; readonly machine: MachineFunction } {
  const last = block(4, [3]);
  const yes = block(3, [2], END);
  const no = block(
    2,
    Array.from({ length: MANY }, () => 1),
  );
  const first = block(1, [0], {
    op: 'branch',
    jump,
    width: 64,
    left: 1,
    right: { imm: 5 },
    then: yes,
    otherwise: no,
    span: undefined,
  });
  yes.end = {
    op: 'branch',
    jump: 'jeq',
    width: 64,
    left: 1,
    right: { imm: 7 },
    then: last,
    otherwise: no,
    span: undefined,
  };
  // `last` stands in front of what is long, so that one jump is far backward and one is far forward.
  return {
    ir: newFunction('main', 1),
    machine: { name: 'main', blocks: [first, last, no, yes], nextVirtual: 16, frame: 0 },
  };
}

test.each<[JumpOp, bigint, bigint]>([
  ['jeq', 5n, 1n],
  ['jeq', 6n, 1n],
  ['jne', 7n, 3n],
  ['jset', 7n, 3n],
  ['jset', 2n, 1n],
  ['jsgt', -1n, 1n],
])('%s of %d leaves over forty thousand instructions for %d', (jump, argument, result) => {
  const { insns } = encode([program(jump)]);
  expect(runInsns(insns, [argument], NEVER)).toBe(result);
  expect(disassembleProgram(insns.slice(0, 8))).toContain('gotol');
});

test('a program that jumps less far has no long jumps', () => {
  const { image } = compileScript('begin { if (nsecs > 5) { unroll(50) { @a[1] = nsecs; } } @b = 1; }');
  expect(disassembleProgram(image.programs[0]!.insns)).not.toContain('gotol');
});
