import type { LineInfo, Relocation } from '../../abi/program-image.ts';
import { HELPERS, type HelperRow } from '../../abi/helpers.ts';
import {
  alu32Imm,
  alu32Reg,
  alu64Imm,
  alu64Reg,
  atomic,
  callHelper,
  callKernel,
  callSubprogram,
  exit,
  goto,
  gotoLong,
  jump32Imm,
  jump32Reg,
  jumpImm,
  jumpReg,
  load,
  loadImm64,
  loadSigned,
  movsx,
  neg,
  store,
  storeImm,
  swapBytes,
} from '../../isa/builders.ts';
import { FRAME_POINTER, type Insn } from '../../isa/instruction.ts';
import { JUMP, type JumpOp } from '../../isa/opcodes.ts';
import { assertNever, bug } from '../../source/bug.ts';
import { type Span, lineText, positionAt } from '../../source/source.ts';
import type { IrFunction } from '../ir/ir.ts';
import type { MachineBlock, MachineEnd, MachineFunction, MachineInsn, Reg, Source } from './insn.ts';

export interface EncodedProgram {
  readonly insns: readonly Insn[];
  readonly relocations: readonly Relocation[];
  readonly functions: readonly { readonly slot: number; readonly name: string }[];
  readonly lines: readonly LineInfo[];
}

/** A jump whose target is a block of the same function. */
interface Jump {
  readonly slot: number;
  readonly from: MachineBlock;
  readonly to: MachineBlock;
  /** 32 bits of distance, as gotol has. */
  readonly long: boolean;
}

const callTo = ({ id, kfunc }: HelperRow): Insn => (kfunc === undefined ? callHelper(id) : callKernel(id));

/** Lays the functions out one behind the other, the main one first, and fills in jumps, calls and lines. */
export function encode(
  functions: readonly { readonly ir: IrFunction; readonly machine: MachineFunction }[],
): EncodedProgram {
  const encoder = new Encoder();
  for (const { ir, machine } of functions) encoder.function(ir, machine);
  return encoder.finish();
}

class Encoder {
  readonly #insns: Insn[] = [];
  readonly #relocations: Relocation[] = [];
  readonly #functions: { slot: number; name: string }[] = [];
  readonly #lines: LineInfo[] = [];
  readonly #starts = new Map<IrFunction, number>();
  readonly #calls: { readonly slot: number; readonly to: IrFunction }[] = [];
  /** What encoding a block adds to. */
  readonly #lists: readonly { length: number }[] = [this.#insns, this.#relocations, this.#lines, this.#calls];

  function(ir: IrFunction, machine: MachineFunction): void {
    this.#starts.set(ir, this.#insns.length);
    this.#functions.push({ slot: this.#insns.length, name: machine.name });
    const sizes = this.#lists.map((list) => list.length);
    // Each try finds more blocks whose jump does not reach: they get longer, never shorter again.
    const far = new Set<MachineBlock>();
    while (!this.#blocks(machine, far)) this.#lists.forEach((list, index) => (list.length = sizes[index]!));
  }

  /** Encodes the blocks; false when jumps do not reach, whose blocks are then among `far`. */
  #blocks(machine: MachineFunction, far: Set<MachineBlock>): boolean {
    const starts = new Map<MachineBlock, number>();
    const jumps: Jump[] = [];
    machine.blocks.forEach((block, index) => {
      starts.set(block, this.#insns.length);
      for (const insn of block.insns) {
        this.#line(insn.span);
        this.#insn(insn);
      }
      this.#line(block.end.span);
      this.#end(block, machine.blocks[index + 1], far.has(block), jumps);
    });
    const before = far.size;
    for (const { slot, from, to, long } of jumps) {
      const distance = starts.get(to)! - slot - 1;
      if (long) this.#insns[slot] = { ...this.#insns[slot]!, imm: distance };
      else if (distance === (distance << 16) >> 16) this.#insns[slot] = { ...this.#insns[slot]!, off: distance };
      else far.add(from);
    }
    return far.size === before;
  }

  finish(): EncodedProgram {
    for (const { slot, to } of this.#calls) {
      const start = this.#starts.get(to) ?? bug(`function ${to.name} was not encoded`);
      this.#insns[slot] = { ...this.#insns[slot]!, imm: start - slot - 1 };
    }
    return {
      insns: this.#insns,
      relocations: this.#relocations,
      functions: this.#functions,
      lines: this.#lines,
    };
  }

  #line(span: Span | undefined): void {
    // What a macro expanded to is shown where the macro was called.
    let outer = span;
    while (outer?.expandedFrom !== undefined) outer = outer.expandedFrom;
    if (outer === undefined) return;
    const { source, start, end } = outer;
    const last = this.#lines[this.#lines.length - 1];
    // Linux wants the first instruction of every function in the table.
    const begins = this.#functions.at(-1)?.slot === this.#insns.length;
    const same = last !== undefined && last.start === start && last.end === end && last.sourceName === source.name;
    if (same && !begins) return;
    const { line, column } = positionAt(source, start);
    if (last !== undefined && last.slot === this.#insns.length) this.#lines.pop();
    const text = lineText(source, line).trim();
    this.#lines.push({ slot: this.#insns.length, sourceName: source.name, line, column, text, start, end });
  }

  #end(block: MachineBlock, next: MachineBlock | undefined, long: boolean, jumps: Jump[]): void {
    const { end } = block;
    const goOn = (to: MachineBlock): void => {
      if (to === next) return;
      jumps.push({ slot: this.#insns.length, from: block, to, long });
      this.#insns.push(long ? gotoLong(0) : goto(0));
    };
    switch (end.op) {
      case 'exit':
        this.#insns.push(exit());
        return;
      case 'jump':
        return goOn(end.target);
      case 'branch': {
        const inverse = end.then === next ? JUMP[end.jump].inverse : undefined;
        const to = inverse === undefined ? end.then : end.otherwise;
        if (long) this.#leap(end, inverse ?? end.jump);
        jumps.push({ slot: this.#insns.length, from: block, to, long });
        this.#insns.push(long ? gotoLong(0) : jump(inverse ?? end.jump, end.width, end.left, end.right, 0));
        return goOn(inverse === undefined ? end.otherwise : end.then);
      }
      default:
        return assertNever(end);
    }
  }

  /** Conditional jumps have 16 bits only: skips the long jump that follows unless the test holds. */
  #leap({ width, left, right }: Extract<MachineEnd, { op: 'branch' }>, test: JumpOp): void {
    const { inverse } = JUMP[test];
    if (inverse !== undefined) this.#insns.push(jump(inverse, width, left, right, 1));
    else this.#insns.push(jump(test, width, left, right, 1), goto(1));
  }

  #insn(insn: MachineInsn): void {
    const out = this.#insns;
    switch (insn.op) {
      case 'mov':
        out.push(alu64Reg('mov', insn.dst, insn.src));
        return;
      case 'mov_imm':
        out.push(alu64Imm('mov', insn.dst, insn.imm));
        return;
      case 'mov32':
        out.push(alu32Reg('mov', insn.dst, insn.src));
        return;
      case 'movsx':
        out.push(movsx(64, insn.bits, insn.dst, insn.src));
        return;
      case 'wide':
        out.push(...loadImm64(insn.dst, insn.value, insn.pseudo));
        return;
      case 'map': {
        const { map, offset } = insn;
        this.#relocations.push({ slot: out.length, map, ...(offset === undefined ? {} : { offset }) });
        out.push(...loadImm64(insn.dst, 0n, offset === undefined ? 'map_fd' : 'map_value'));
        return;
      }
      case 'function':
        this.#calls.push({ slot: out.length, to: insn.function });
        out.push(...loadImm64(insn.dst, 0n, 'func'));
        return;
      case 'frame_address':
        out.push(alu64Reg('mov', insn.dst, FRAME_POINTER), alu64Imm('add', insn.dst, insn.offset));
        return;
      case 'alu': {
        const { alu, width, dst, source } = insn;
        if ('imm' in source) out.push((width === 64 ? alu64Imm : alu32Imm)(alu, dst, source.imm));
        else out.push((width === 64 ? alu64Reg : alu32Reg)(alu, dst, source.reg));
        return;
      }
      case 'neg':
        out.push(neg(insn.width, insn.dst));
        return;
      case 'swap':
        out.push(swapBytes('be', insn.bits, insn.dst));
        return;
      case 'load': {
        const { size, dst, base, offset } = insn;
        out.push(insn.signed && size !== 8 ? loadSigned(size, dst, base, offset) : load(size, dst, base, offset));
        return;
      }
      case 'store': {
        const { size, base, offset, source } = insn;
        out.push('imm' in source ? storeImm(size, base, offset, source.imm) : store(size, base, offset, source.reg));
        return;
      }
      case 'reload':
      case 'keep':
        return bug('a spilled value has no place in the frame');
      case 'atomic_add':
        out.push(atomic('add', insn.size, insn.base, insn.offset, insn.src));
        return;
      case 'set': {
        const skip = jump(insn.jump, insn.width, insn.left, insn.right, 1);
        out.push(alu64Imm('mov', insn.dst, 1), skip, alu64Imm('mov', insn.dst, 0));
        return;
      }
      case 'call':
        out.push(callTo(HELPERS[insn.helper]));
        return;
      case 'call_function':
        this.#calls.push({ slot: out.length, to: insn.function });
        out.push(callSubprogram(0));
        return;
      default:
        return assertNever(insn);
    }
  }
}

function jump(op: JumpOp, width: 32 | 64, left: Reg, right: Source, off: number): Insn {
  if ('imm' in right) return (width === 64 ? jumpImm : jump32Imm)(op, left, right.imm, off);
  return (width === 64 ? jumpReg : jump32Reg)(op, left, right.reg, off);
}
