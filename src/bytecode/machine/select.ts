import { assertNever, bug } from '../../source/bug.ts';
import { FRAME_POINTER } from '../../isa/instruction.ts';
import { JUMP, type JumpOp, isCommutative } from '../../isa/opcodes.ts';
import type { Span } from '../../source/source.ts';
import type { Flow } from '../ir/flow.ts';
import type { Address, Block, Instr, Phi, Slot, Value } from '../ir/ir.ts';
import { operands, terminatorOperands } from '../ir/operands.ts';
import { loopDepths } from '../ir/loops.ts';
import {
  FIRST_VIRTUAL,
  type MachineBlock,
  type MachineFunction,
  type MachineInsn,
  type MachineOp,
  type Reg,
  type Source,
} from './insn.ts';
import { type Move, inOrder } from './parallel-moves.ts';

/**
 * Chooses instructions for a function whose slots have their place in the frame. Constants and addresses of slots and
 * maps are made anew at each use: that is as short as a move, and holds no register. Critical edges must be split.
 */
export function selectInstructions(flow: Flow, frame: ReadonlyMap<Slot, number>, frameSize: number): MachineFunction {
  return new Selector(flow, frame, frameSize).run();
}

class Selector {
  readonly #flow: Flow;
  readonly #frame: ReadonlyMap<Slot, number>;
  readonly #result: MachineFunction;
  readonly #registers = new Map<Value, Reg>();
  readonly #blocks = new Map<Block, MachineBlock>();
  readonly #uses = new Map<Value, number>();
  #block!: MachineBlock;
  #span: Span | undefined;

  constructor(flow: Flow, frame: ReadonlyMap<Slot, number>, frameSize: number) {
    this.#flow = flow;
    this.#frame = frame;
    this.#result = { name: flow.fn.name, blocks: [], nextVirtual: FIRST_VIRTUAL, frame: frameSize };
  }

  run(): MachineFunction {
    const { order } = this.#flow;
    const depths = loopDepths(this.#flow);
    for (const block of order) {
      const machine: MachineBlock = {
        id: block.id,
        insns: [],
        end: { op: 'exit', span: undefined },
        depth: depths.get(block) ?? 0,
      };
      this.#blocks.set(block, machine);
      this.#result.blocks.push(machine);
      for (const instr of block.instrs) this.#countUses(operands(instr));
      this.#countUses(terminatorOperands(block.terminator));
    }
    for (const block of order) {
      this.#block = this.#blocks.get(block)!;
      for (const instr of block.instrs) {
        this.#span = instr.span;
        this.#select(instr);
      }
      this.#end(block);
    }
    return this.#result;
  }

  #countUses(values: readonly Value[]): void {
    for (const value of values) this.#uses.set(value, (this.#uses.get(value) ?? 0) + 1);
  }

  /** The operation, which is the caller's no more, becomes the instruction: a copy of each would cost as much as choosing it. */
  #emit(op: MachineOp): void {
    const insn = op as MachineInsn;
    insn.span = this.#span;
    this.#block.insns.push(insn);
  }

  #virtual(): Reg {
    return this.#result.nextVirtual++;
  }

  /** The register that holds, or will hold, the result. */
  #register(value: Value): Reg {
    let reg = this.#registers.get(value);
    if (reg === undefined) this.#registers.set(value, (reg = this.#virtual()));
    return reg;
  }

  /** Puts a value in this register. */
  #moveTo(dst: Reg, value: Value): void {
    switch (value.op) {
      case 'const':
        if (fitsImmediate(value.value)) this.#emit({ op: 'mov_imm', dst, imm: Number(value.value) });
        else this.#emit({ op: 'wide', dst, value: value.value });
        return;
      case 'slot_address':
        this.#emit({ op: 'frame_address', dst, offset: this.#frameOffset(value.slot) + value.offset });
        return;
      case 'map':
        this.#emit({ op: 'map', dst, map: value.map, offset: undefined });
        return;
      case 'map_value':
        this.#emit({ op: 'map', dst, map: value.map, offset: value.offset });
        return;
      case 'variable':
        this.#emit({ op: 'wide', dst, value: BigInt(value.number), pseudo: 'btf_id' });
        return;
      case 'function':
        this.#emit({ op: 'function', dst, function: value.function });
        return;
      default:
        this.#emit({ op: 'mov', dst, src: this.#register(value) });
    }
  }

  /** A register that holds the value, to be read only. */
  #use(value: Value): Reg {
    if (!isMadeAnew(value)) return this.#register(value);
    const reg = this.#virtual();
    this.#moveTo(reg, value);
    return reg;
  }

  #source(value: Value): Source {
    if (value.op === 'const' && fitsImmediate(value.value)) return { imm: Number(value.value) };
    return { reg: this.#use(value) };
  }

  #frameOffset(slot: Slot): number {
    return this.#frame.get(slot) ?? bug(`slot ${slot.name} has no place`);
  }

  #address(address: Address): { base: Reg; offset: number } {
    if (address.base.kind === 'slot')
      return { base: FRAME_POINTER, offset: this.#frameOffset(address.base) + address.offset };
    if (address.base.op === 'slot_address')
      return {
        base: FRAME_POINTER,
        offset: this.#frameOffset(address.base.slot) + address.base.offset + address.offset,
      };
    return { base: this.#use(address.base), offset: address.offset };
  }

  #select(instr: Instr): void {
    switch (instr.op) {
      case 'const':
      case 'slot_address':
      case 'map':
      case 'map_value':
      case 'variable':
      case 'function':
      case 'phi':
        return;
      case 'param':
        return this.#emit({ op: 'mov', dst: this.#register(instr), src: instr.index + 1 });
      case 'alu':
        return this.#alu(instr);
      case 'extend': {
        const dst = this.#register(instr);
        const src = this.#use(instr.value);
        if (instr.signed) this.#emit({ op: 'movsx', bits: instr.bits, dst, src });
        else if (instr.bits === 32) this.#emit({ op: 'mov32', dst, src });
        else {
          this.#emit({ op: 'mov', dst, src });
          this.#emit({ op: 'alu', alu: 'and', width: 64, dst, source: { imm: (1 << instr.bits) - 1 } });
        }
        return;
      }
      case 'swap': {
        const dst = this.#register(instr);
        this.#moveTo(dst, instr.value);
        return this.#emit({ op: 'swap', bits: instr.bits, dst });
      }
      case 'compare': {
        const { jump, left, right } = orient(instr);
        const set = { op: 'set', jump, width: instr.width } as const;
        return this.#emit({ ...set, dst: this.#register(instr), left: this.#use(left), right: this.#source(right) });
      }
      case 'load': {
        const { size, signed } = instr;
        const dst = this.#register(instr);
        return this.#emit({ op: 'load', size, signed: signed && size < 8, dst, ...this.#address(instr.address) });
      }
      case 'store': {
        const source = this.#source(truncated(instr.value, instr.size));
        return this.#emit({ op: 'store', size: instr.size, ...this.#address(instr.address), source });
      }
      case 'atomic_add': {
        const src = this.#use(instr.value);
        return this.#emit({ op: 'atomic_add', size: instr.size, ...this.#address(instr.address), src });
      }
      case 'call':
      case 'call_function': {
        // Values first, then what is made on the spot: a constant's register is free until its move.
        const order = [...instr.args.keys()].sort(
          (a, b) => Number(isMadeAnew(instr.args[a]!)) - Number(isMadeAnew(instr.args[b]!)),
        );
        for (const index of order) this.#moveTo(index + 1, instr.args[index]!);
        if (instr.op === 'call') this.#emit({ op: 'call', helper: instr.helper, args: instr.args.length });
        else this.#emit({ op: 'call_function', function: instr.function, args: instr.args.length });
        if (this.#uses.has(instr)) this.#emit({ op: 'mov', dst: this.#register(instr), src: 0 });
        return;
      }
      default:
        return assertNever(instr);
    }
  }

  #alu(instr: Extract<Instr, { op: 'alu' }>): void {
    let { left, right } = instr;
    const dst = this.#register(instr);
    if (instr.alu === 'sub' && left.op === 'const' && left.value === 0n) {
      this.#moveTo(dst, right);
      return this.#emit({ op: 'neg', width: instr.width, dst });
    }
    // Overwriting the operand that nobody else wants saves a move.
    const rather = isCommutative(instr.alu) && !isMadeAnew(right);
    if (rather && (isMadeAnew(left) || (this.#uses.get(left)! > 1 && this.#uses.get(right) === 1)))
      [left, right] = [right, left];
    const source = this.#source(right);
    this.#moveTo(dst, left);
    this.#emit({ op: 'alu', alu: instr.alu, width: instr.width, dst, source });
  }

  #end(block: Block): void {
    const end = block.terminator ?? bug(`block ${block.id} does not end`);
    this.#span = end.span;
    switch (end.op) {
      case 'jump':
        this.#copiesFor(block, end.target);
        this.#block.end = { op: 'jump', target: this.#blocks.get(end.target)!, span: end.span };
        return;
      case 'branch': {
        const { jump, left, right } = orient(end);
        this.#block.end = {
          op: 'branch',
          jump,
          width: end.width,
          left: this.#use(left),
          right: this.#source(right),
          then: this.#blocks.get(end.then)!,
          otherwise: this.#blocks.get(end.otherwise)!,
          span: end.span,
        };
        return;
      }
      case 'return':
        this.#moveTo(0, end.value);
        this.#block.end = { op: 'exit', span: end.span };
        return;
      default:
        return assertNever(end);
    }
  }

  /** The phis of the block ahead, all at once: a copy must not overwrite what a later one reads. */
  #copiesFor(from: Block, to: Block): void {
    const phis = to.instrs.filter((instr): instr is Phi => instr.op === 'phi');
    const constants: { dst: Reg; value: Value }[] = [];
    const moves: Move[] = [];
    for (const phi of phis) {
      const dst = this.#register(phi);
      const value = phi.inputs.get(from) ?? bug('phi lacks an input');
      if (isMadeAnew(value)) constants.push({ dst, value });
      else if (this.#register(value) !== dst) moves.push({ dst, src: this.#register(value) });
    }
    for (const move of inOrder(moves, () => this.#virtual())) this.#emit({ op: 'mov', ...move });
    for (const copy of constants) this.#moveTo(copy.dst, copy.value);
  }
}

/** Values that live in no register. */
function isMadeAnew(value: Value): boolean {
  return (
    value.op === 'const' ||
    value.op === 'slot_address' ||
    value.op === 'map' ||
    value.op === 'map_value' ||
    value.op === 'variable' ||
    value.op === 'function'
  );
}

function fitsImmediate(value: bigint): boolean {
  return value >= -0x8000_0000n && value <= 0x7fff_ffffn;
}

/** A constant to be stored in few bytes, as a small signed number with the same low bytes. */
function truncated(value: Value, size: number): Value {
  if (value.op !== 'const' || size === 8) return value;
  return { ...value, value: BigInt.asIntN(size * 8, value.value) };
}

function orient(test: { jump: JumpOp; left: Value; right: Value }): { jump: JumpOp; left: Value; right: Value } {
  if (!isMadeAnew(test.left) || isMadeAnew(test.right)) return test;
  return { jump: JUMP[test.jump].swapped, left: test.right, right: test.left };
}
