import { decode } from '../../src/isa/decode.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { evaluateAlu, evaluateCompare } from '../../src/bytecode/ir/evaluate.ts';

const STACK_TOP = 1024n;

/**
 * Runs instructions without memory beyond the stack. A helper call returns `onCall(r1, call number)` and ruins r1 to r5,
 * as the kernel may.
 */
export function runInsns(
  insns: readonly Insn[],
  args: readonly bigint[],
  onCall: (r1: bigint, n: number) => bigint,
): bigint {
  const regs: bigint[] = Array.from({ length: 11 }, () => 0xdeadn);
  args.forEach((arg, index) => (regs[index + 1] = arg));
  regs[10] = STACK_TOP;
  const memory = new DataView(new ArrayBuffer(Number(STACK_TOP)));
  let calls = 0;
  for (let pc = 0, steps = 0; ; pc++) {
    if (++steps > 100_000) throw new Error('does not end');
    const insn = insns[pc];
    if (insn === undefined) throw new Error(`left the program at ${pc}`);
    const operation = decode(insn);
    const source = (from: 'imm' | 'reg'): bigint => (from === 'imm' ? BigInt(insn.imm) : regs[insn.src]!);
    switch (operation?.kind) {
      case 'alu': {
        const right = source(operation.source);
        const { op, width } = operation;
        if (op === 'mov') regs[insn.dst] = width === 64 ? right : BigInt.asUintN(32, right);
        else regs[insn.dst] = evaluateAlu(op, width, regs[insn.dst]!, right);
        break;
      }
      case 'neg':
        regs[insn.dst] = evaluateAlu('sub', operation.width, 0n, regs[insn.dst]!);
        break;
      case 'movsx':
        regs[insn.dst] = BigInt.asIntN(operation.bits, regs[insn.src]!);
        break;
      case 'ld_imm64':
        regs[insn.dst] = BigInt.asIntN(64, (BigInt(insns[pc + 1]!.imm) << 32n) | BigInt.asUintN(32, BigInt(insn.imm)));
        pc++;
        break;
      case 'load': {
        const at = Number(regs[insn.src]!) + insn.off;
        if (operation.size === 8) regs[insn.dst] = memory.getBigInt64(at, true);
        else {
          let value = 0n;
          for (let i = operation.size - 1; i >= 0; i--) value = (value << 8n) | BigInt(memory.getUint8(at + i));
          regs[insn.dst] = operation.signed ? BigInt.asIntN(operation.size * 8, value) : value;
        }
        break;
      }
      case 'store': {
        const at = Number(regs[insn.dst]!) + insn.off;
        let value = BigInt.asUintN(64, source(operation.source));
        for (let i = 0; i < operation.size; i++, value >>= 8n) memory.setUint8(at + i, Number(value & 255n));
        break;
      }
      case 'jump':
        if (evaluateCompare(operation.op, operation.width, regs[insn.dst]!, source(operation.source))) pc += insn.off;
        break;
      case 'ja':
        pc += operation.wide ? insn.imm : insn.off;
        break;
      case 'call':
        regs[0] = BigInt.asIntN(64, onCall(regs[1]!, calls++));
        for (let reg = 1; reg <= 5; reg++) regs[reg] = 0xbadn;
        break;
      case 'exit':
        return BigInt.asIntN(64, regs[0]!);
      default:
        throw new Error(`instruction ${pc}`);
    }
  }
}
