import { type AluOp, JUMP, type JumpOp, isCommutative } from '../../isa/opcodes.ts';
import { evaluateAlu, evaluateCompare, evaluateExtend } from '../ir/evaluate.ts';
import type { Flow } from '../ir/flow.ts';
import { type Address, type Alu, type Instr, type IrFunction, type Terminator, type Value, isConst } from '../ir/ir.ts';
import { signedBits, unsignedBits } from '../ir/known-bits.ts';
import { mapOperands, mapTerminatorOperands } from '../ir/operands.ts';

const ASSOCIATIVE: ReadonlySet<AluOp> = new Set<AluOp>(['add', 'or', 'and', 'xor']);

const SIGNED: ReadonlySet<JumpOp> = new Set<JumpOp>(['jsgt', 'jsge', 'jslt', 'jsle']);

/** Constant folding, copy propagation and algebra, operand by operand. Says whether it changed anything. */
export function simplify(flow: Flow): boolean {
  return new Simplifier(flow).run();
}

class Simplifier {
  readonly #flow: Flow;
  readonly #fn: IrFunction;
  readonly #replaced = new Map<Value, Value>();
  /** Constants made on the way: they live in the entry block. */
  readonly #constants = new Map<bigint, Value>();
  #changed = false;

  constructor(flow: Flow) {
    this.#flow = flow;
    this.#fn = flow.fn;
  }

  run(): boolean {
    const resolve = (value: Value): Value => this.#resolve(value);
    const { order } = this.#flow;
    for (const block of order) {
      for (const instr of block.instrs) {
        if (this.#replaced.size > 0) mapOperands(instr, resolve);
        const better = this.#instr(instr);
        if (better === undefined || better === instr) continue;
        this.#replaced.set(instr, better);
        this.#changed = true;
      }
      if (block.terminator !== undefined) {
        mapTerminatorOperands(block.terminator, resolve);
        this.#terminator(block.terminator);
      }
    }
    // Back edges: phis read values that were replaced behind them.
    for (const block of this.#replaced.size > 0 ? order : []) {
      block.instrs.forEach((instr) => mapOperands(instr, resolve));
      if (block.terminator !== undefined) mapTerminatorOperands(block.terminator, resolve);
      const kept = block.instrs.filter((instr) => !this.#replaced.has(instr));
      if (kept.length < block.instrs.length) block.instrs.splice(0, block.instrs.length, ...kept);
    }
    this.#fn.entry.instrs.unshift(...this.#constants.values());
    return this.#changed;
  }

  #resolve(value: Value): Value {
    let result = value;
    for (let next = this.#replaced.get(result); next !== undefined; next = this.#replaced.get(result)) result = next;
    return result;
  }

  #const(value: bigint): Value {
    const wrapped = BigInt.asIntN(64, value);
    let known = this.#constants.get(wrapped);
    if (known === undefined) {
      known = { kind: 'instr', id: this.#fn.nextId++, span: undefined, op: 'const', value: wrapped };
      this.#constants.set(wrapped, known);
    }
    return known;
  }

  /** What may stand for the instruction; or it changes in place. */
  #instr(instr: Instr): Value | undefined {
    switch (instr.op) {
      case 'alu':
        return this.#alu(instr);
      case 'extend':
        return this.#extend(instr);
      case 'swap':
        return instr.value.op === 'swap' && instr.value.bits === 64 && instr.bits === 64
          ? instr.value.value
          : undefined;
      case 'compare':
        return this.#compare(instr);
      case 'phi': {
        const inputs = [...new Set(instr.inputs.values())].filter((input) => input !== instr);
        const [first, ...others] = inputs;
        if (first === undefined) return undefined;
        const same = others.every((other) => isConst(first) && isConst(other) && first.value === other.value);
        return same ? first : undefined;
      }
      case 'load':
        this.#address(instr.address);
        return undefined;
      case 'store':
        this.#address(instr.address);
        this.#narrow(instr);
        return undefined;
      case 'atomic_add':
        this.#address(instr.address);
        return undefined;
      default:
        return undefined;
    }
  }

  #become(instr: Instr, fields: object): undefined {
    Object.assign(instr, fields);
    this.#changed = true;
    return undefined;
  }

  #alu(instr: Alu): Value | undefined {
    const { alu, width } = instr;
    if (isConst(instr.left) && isConst(instr.right))
      return this.#const(evaluateAlu(alu, width, instr.left.value, instr.right.value));
    if (isConst(instr.left) && isCommutative(alu)) {
      [instr.left, instr.right] = [instr.right, instr.left];
      this.#changed = true;
    }
    const { left, right } = instr;
    if (!isConst(right) || width === 32) return undefined;
    const c = right.value;
    switch (alu) {
      case 'add':
      case 'or':
      case 'xor':
      case 'lsh':
      case 'rsh':
      case 'arsh':
        if (c === 0n) return left;
        break;
      case 'sub':
        if (c === 0n) return left;
        if (c > -0x8000_0000n) return this.#become(instr, { alu: 'add', right: this.#const(-c) });
        break;
      case 'mul':
        if (c === 0n) return right;
        if (c === 1n) return left;
        if (isPowerOfTwo(c)) return this.#become(instr, { alu: 'lsh', right: this.#const(log2(c)) });
        break;
      case 'div':
        if (c === 1n) return left;
        if (isPowerOfTwo(c)) return this.#become(instr, { alu: 'rsh', right: this.#const(log2(c)) });
        break;
      case 'mod':
        if (isPowerOfTwo(c)) return this.#become(instr, { alu: 'and', right: this.#const(c - 1n) });
        break;
      case 'and': {
        if (c === 0n) return right;
        if (c === -1n) return left;
        // The mask takes nothing away.
        const bits = unsignedBits(left);
        const mask = (1n << BigInt(bits)) - 1n;
        if (bits < 64 && (BigInt.asUintN(64, c) & mask) === mask) return left;
        break;
      }
    }
    if (left.op === 'alu' && left.alu === alu && left.width === 64 && ASSOCIATIVE.has(alu) && isConst(left.right))
      return this.#become(instr, { left: left.left, right: this.#const(evaluateAlu(alu, 64, left.right.value, c)) });
    if (alu === 'add' && left.op === 'slot_address')
      return this.#become(instr, { op: 'slot_address', slot: left.slot, offset: left.offset + Number(c) });
    if (alu === 'add' && left.op === 'map_value')
      return this.#become(instr, { op: 'map_value', map: left.map, offset: left.offset + Number(c) });
    return undefined;
  }

  #extend(instr: Extract<Instr, { op: 'extend' }>): Value | undefined {
    const { value, bits, signed } = instr;
    if (isConst(value)) return this.#const(evaluateExtend(bits, signed, value.value));
    if (signed ? signedBits(value) <= bits : unsignedBits(value) <= bits) return value;
    // An extension of at least as many bits below does not touch those that count.
    if (value.op === 'extend' && value.bits >= bits) return this.#become(instr, { value: value.value });
    if (value.op === 'alu' && value.alu === 'and' && isConst(value.right)) {
      const mask = (1n << BigInt(bits)) - 1n;
      if ((value.right.value & mask) === mask) return this.#become(instr, { value: value.left });
    }
    return undefined;
  }

  #compare(instr: Extract<Instr, { op: 'compare' }>): Value | undefined {
    const { left, right, jump, width } = instr;
    if (isConst(left) && isConst(right))
      return this.#const(evaluateCompare(jump, width, left.value, right.value) ? 1n : 0n);
    if (left.op === 'compare' && isConst(right) && right.value === 0n) {
      if (jump === 'jne' || jump === 'jgt') return left;
      const inverse = JUMP[left.jump].inverse;
      if (jump === 'jeq' && inverse !== undefined)
        return this.#become(instr, { jump: inverse, width: left.width, left: left.left, right: left.right });
    }
    this.#halve(instr);
    return undefined;
  }

  #terminator(end: Terminator): void {
    if (end.op !== 'branch') return;
    const { left, right } = end;
    if (left.op === 'compare' && isConst(right) && right.value === 0n && (end.jump === 'jne' || end.jump === 'jeq')) {
      if (end.jump === 'jeq') {
        [end.then, end.otherwise] = [end.otherwise, end.then];
        this.#flow.changed();
      }
      end.jump = left.jump;
      end.width = left.width;
      end.left = left.left;
      end.right = left.right;
      this.#changed = true;
      return;
    }
    // x & c ? : is one instruction.
    const single = left.op === 'alu' && left.alu === 'and' && left.width === 64 && isConst(right) && right.value === 0n;
    if (single && end.jump === 'jne') {
      end.jump = 'jset';
      end.left = left.left;
      end.right = left.right;
      this.#changed = true;
      return;
    }
    this.#halve(end);
  }

  /** Compares the low halves where they were extended only for the comparison. */
  #halve(test: { jump: JumpOp; width: 32 | 64; left: Value; right: Value }): void {
    const { left, right } = test;
    if (test.width === 32 || test.jump === 'jset' || left.op !== 'extend' || left.bits !== 32) return;
    if (left.signed !== SIGNED.has(test.jump) && test.jump !== 'jeq' && test.jump !== 'jne') return;
    if (isConst(right)) {
      const c = right.value;
      if (left.signed ? c < -0x8000_0000n || c > 0x7fff_ffffn : c < 0n || c > 0xffff_ffffn) return;
      test.right = this.#const(BigInt.asIntN(32, c));
    } else if (right.op === 'extend' && right.bits === 32 && right.signed === left.signed) test.right = right.value;
    else return;
    test.left = left.value;
    test.width = 32;
    this.#changed = true;
  }

  #address(address: Address): void {
    const { base } = address;
    if (base.kind === 'slot') return;
    if (base.op === 'slot_address') {
      address.base = base.slot;
      address.offset += base.offset;
      this.#changed = true;
    } else if (base.op === 'alu' && base.alu === 'add' && base.width === 64 && isConst(base.right)) {
      const offset = address.offset + Number(base.right.value);
      if (offset < -0x8000 || offset > 0x7fff) return;
      address.base = base.left;
      address.offset = offset;
      this.#changed = true;
    }
  }

  /** Only the low bytes are stored. */
  #narrow(store: Extract<Instr, { op: 'store' }>): void {
    const { value, size } = store;
    const mask = (1n << BigInt(size * 8)) - 1n;
    const needless =
      (value.op === 'extend' && value.bits >= size * 8) ||
      (value.op === 'alu' && value.alu === 'and' && isConst(value.right) && (value.right.value & mask) === mask);
    if (!needless) return;
    store.value = value.op === 'extend' ? value.value : (value as Alu).left;
    this.#changed = true;
  }
}

function isPowerOfTwo(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

function log2(value: bigint): bigint {
  return BigInt(value.toString(2).length - 1);
}
