import { evaluateAlu, evaluateCompare, evaluateExtend } from '../../src/bytecode/ir/evaluate.ts';
import type { Block, IrFunction, Slot, Value } from '../../src/bytecode/ir/ir.ts';

/** Runs IR as it reads: the truth that every pass and the machine code are held against. */
export function runIr(fn: IrFunction, args: readonly bigint[], onCall: (r1: bigint, n: number) => bigint): bigint {
  const values = new Map<Value, bigint>();
  const slots = new Map<Slot, DataView>(fn.slots.map((slot) => [slot, new DataView(new ArrayBuffer(slot.size))]));
  const get = (value: Value): bigint => {
    if (value.op === 'const') return value.value;
    const known = values.get(value);
    if (known === undefined) throw new Error(`${value.op} ${value.id} is used before it is made`);
    return known;
  };
  let calls = 0;
  let from: Block | undefined;
  let block = fn.entry;
  for (let steps = 0; ; steps++) {
    if (steps > 10_000) throw new Error('does not end');
    const phis = block.instrs.filter((instr) => instr.op === 'phi');
    const inputs = phis.map((phi) => (phi.op === 'phi' ? get(phi.inputs.get(from!)!) : 0n));
    phis.forEach((phi, index) => values.set(phi, inputs[index]!));
    for (const instr of block.instrs) {
      switch (instr.op) {
        case 'param':
          values.set(instr, args[instr.index]!);
          break;
        case 'alu':
          values.set(instr, evaluateAlu(instr.alu, instr.width, get(instr.left), get(instr.right)));
          break;
        case 'extend':
          values.set(instr, evaluateExtend(instr.bits, instr.signed, get(instr.value)));
          break;
        case 'compare':
          values.set(instr, evaluateCompare(instr.jump, instr.width, get(instr.left), get(instr.right)) ? 1n : 0n);
          break;
        case 'load': {
          const view = slots.get(instr.address.base as Slot)!;
          let value = 0n;
          for (let i = instr.size - 1; i >= 0; i--)
            value = (value << 8n) | BigInt(view.getUint8(instr.address.offset + i));
          const bits = instr.size * 8;
          values.set(instr, instr.signed || bits === 64 ? BigInt.asIntN(bits, value) : value);
          break;
        }
        case 'store': {
          const view = slots.get(instr.address.base as Slot)!;
          let value = BigInt.asUintN(64, get(instr.value));
          for (let i = 0; i < instr.size; i++, value >>= 8n)
            view.setUint8(instr.address.offset + i, Number(value & 255n));
          break;
        }
        case 'call':
          values.set(instr, BigInt.asIntN(64, onCall(get(instr.args[0]!), calls++)));
          break;
        case 'const':
        case 'phi':
          break;
        default:
          throw new Error(`cannot run ${instr.op}`);
      }
    }
    const end = block.terminator!;
    if (end.op === 'return') return get(end.value);
    const next: Block =
      end.op === 'jump'
        ? end.target
        : evaluateCompare(end.jump, end.width, get(end.left), get(end.right))
          ? end.then
          : end.otherwise;
    from = block;
    block = next;
  }
}
