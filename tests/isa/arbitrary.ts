import fc from 'fast-check';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import type { AccessSize, AluOp, AtomicOp, JumpOp, PseudoKind } from '../../src/isa/opcodes.ts';
import { ALU, ATOMIC, JUMP, PSEUDO } from '../../src/isa/opcodes.ts';

const reg = fc.integer({ min: 0, max: 10 });
const off = fc.integer({ min: -0x8000, max: 0x7fff });
const imm = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000));
const aluOp = fc.constantFrom(...(Object.keys(ALU) as AluOp[]));
const jumpOp = fc.constantFrom(...(Object.keys(JUMP) as JumpOp[]));
const atomicOp = fc.constantFrom(...(Object.keys(ATOMIC) as AtomicOp[]));
const size = fc.constantFrom<AccessSize>(1, 2, 4, 8);
const pseudo = fc.constantFrom(...(Object.keys(PSEUDO) as PseudoKind[]).filter((kind) => kind !== 'none'));

const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const bits = fc.constantFrom<16 | 32 | 64>(16, 32, 64);
const width = fc.constantFrom<32 | 64>(32, 64);

/** One instruction of any kind, as its one or two slots. */
export const instruction: fc.Arbitrary<readonly Insn[]> = fc.oneof(
  fc.tuple(aluOp, reg, imm).map(([op, dst, value]) => [build.alu64Imm(op, dst, value)]),
  fc.tuple(aluOp, reg, reg).map(([op, dst, src]) => [build.alu64Reg(op, dst, src)]),
  fc.tuple(aluOp, reg, imm).map(([op, dst, value]) => [build.alu32Imm(op, dst, value)]),
  fc.tuple(aluOp, reg, reg).map(([op, dst, src]) => [build.alu32Reg(op, dst, src)]),
  fc.tuple(width, reg).map(([w, dst]) => [build.neg(w, dst)]),
  fc.tuple(fc.constantFrom<8 | 16 | 32>(8, 16, 32), reg, reg).map(([n, dst, src]) => [build.movsx(64, n, dst, src)]),
  fc.tuple(fc.constantFrom<8 | 16>(8, 16), reg, reg).map(([n, dst, src]) => [build.movsx(32, n, dst, src)]),
  fc
    .tuple(fc.constantFrom<'le' | 'be' | 'bswap'>('le', 'be', 'bswap'), bits, reg)
    .map(([order, n, dst]) => [build.swapBytes(order, n, dst)]),
  fc.tuple(reg, word).map(([dst, value]) => build.loadImm64(dst, value)),
  fc.tuple(reg, pseudo, imm).map(([dst, kind, low]) => {
    const [first, second] = build.loadImm64(dst, 0n, kind);
    return [{ ...first, imm: low }, second];
  }),
  fc.tuple(size, reg, reg, off).map(([n, dst, src, at]) => [build.load(n, dst, src, at)]),
  fc
    .tuple(fc.constantFrom<1 | 2 | 4>(1, 2, 4), reg, reg, off)
    .map(([n, dst, src, at]) => [build.loadSigned(n, dst, src, at)]),
  fc.tuple(size, reg, off, reg).map(([n, dst, at, src]) => [build.store(n, dst, at, src)]),
  fc.tuple(size, reg, off, imm).map(([n, dst, at, value]) => [build.storeImm(n, dst, at, value)]),
  fc
    .tuple(atomicOp, fc.constantFrom<4 | 8>(4, 8), reg, off, reg, fc.boolean())
    .map(([op, n, dst, at, src, fetch]) => [build.atomic(op, n, dst, at, src, fetch)]),
  fc.tuple(size, reg, reg, off).map(([n, dst, src, at]) => [build.loadAcquire(n, dst, src, at)]),
  fc.tuple(size, reg, off, reg).map(([n, dst, at, src]) => [build.storeRelease(n, dst, at, src)]),
  fc.tuple(jumpOp, reg, imm, off).map(([op, dst, value, at]) => [build.jumpImm(op, dst, value, at)]),
  fc.tuple(jumpOp, reg, reg, off).map(([op, dst, src, at]) => [build.jumpReg(op, dst, src, at)]),
  fc.tuple(jumpOp, reg, imm, off).map(([op, dst, value, at]) => [build.jump32Imm(op, dst, value, at)]),
  fc.tuple(jumpOp, reg, reg, off).map(([op, dst, src, at]) => [build.jump32Reg(op, dst, src, at)]),
  off.map((at) => [build.goto(at)]),
  fc.integer().map((at) => [build.gotoLong(at)]),
  off.map((at) => [build.mayGoto(at)]),
  fc.nat().map((id) => [build.callHelper(id)]),
  fc.integer().map((at) => [build.callSubprogram(at)]),
  fc.constant([build.exit()]),
);

/** Straight lists of instructions, not meant to run. */
export const instructions = fc.array(instruction, { minLength: 1, maxLength: 20 }).map((list) => list.flat());

/** Any slot whatever. */
export const slot: fc.Arbitrary<Insn> = fc.record({
  code: fc.integer({ min: 0, max: 255 }),
  dst: fc.integer({ min: 0, max: 15 }),
  src: fc.integer({ min: 0, max: 15 }),
  off: fc.oneof(off, fc.constantFrom(0, 1, 8, 16, 32)),
  imm: fc.oneof(imm, fc.constantFrom(0, 1, 16, 32, 64, 0xe1, 0xf1, 0x100, 0x110)),
});
