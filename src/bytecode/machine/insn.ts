import type { HelperName } from '../../abi/helpers.ts';
import type { AccessSize, AluOp, JumpOp } from '../../isa/opcodes.ts';
import type { Width } from '../../isa/operation.ts';
import type { Span } from '../../source/source.ts';
import type { IrFunction } from '../ir/ir.ts';

/** 0 to 10 is the machine's register; from FIRST_VIRTUAL on a value that still wants one. */
export type Reg = number;
export const FIRST_VIRTUAL = 16;

/** A value that has no register all the time, by the number of that value. */
export type SpillSlot = Reg;

export type Source = { readonly reg: Reg } | { readonly imm: number };

/** One eBPF instruction before registers and offsets are known; `set` and `frame_address` become several. */
export type MachineOp =
  | { op: 'mov'; dst: Reg; src: Reg }
  | { op: 'mov_imm'; dst: Reg; imm: number }
  /** With `pseudo`: the number of a variable in the kernel's BTF. */
  | { op: 'wide'; dst: Reg; value: bigint; pseudo?: 'btf_id' }
  | { op: 'map'; dst: Reg; map: number; offset: number | undefined }
  | { op: 'function'; dst: Reg; function: IrFunction }
  | { op: 'frame_address'; dst: Reg; offset: number }
  | { op: 'alu'; alu: Exclude<AluOp, 'mov'>; width: Width; dst: Reg; source: Source }
  | { op: 'neg'; width: Width; dst: Reg }
  /** Zero-extending move of the low half. */
  | { op: 'mov32'; dst: Reg; src: Reg }
  | { op: 'movsx'; bits: 8 | 16 | 32; dst: Reg; src: Reg }
  | { op: 'swap'; bits: 16 | 32 | 64; dst: Reg }
  | { op: 'load'; size: AccessSize; signed: boolean; dst: Reg; base: Reg; offset: number }
  | { op: 'store'; size: AccessSize; base: Reg; offset: number; source: Source }
  /** From and to the frame, before a spilled value has its place there. */
  | {
      op: 'reload';
      dst: Reg;
      slot: SpillSlot;
      /** For the next instruction only, which keeps it elsewhere. */ isCopy?: true;
    }
  | { op: 'keep'; slot: SpillSlot; src: Reg }
  | { op: 'atomic_add'; size: 4 | 8; base: Reg; offset: number; src: Reg }
  /** dst = left op right ? 1 : 0 */
  | { op: 'set'; jump: JumpOp; width: Width; dst: Reg; left: Reg; right: Source }
  | { op: 'call'; helper: HelperName; args: number }
  | { op: 'call_function'; function: IrFunction; args: number };
export type MachineInsn = MachineOp & { span: Span | undefined };

export type MachineEnd =
  | { op: 'jump'; target: MachineBlock; span: Span | undefined }
  | {
      op: 'branch';
      jump: JumpOp;
      width: Width;
      left: Reg;
      right: Source;
      then: MachineBlock;
      otherwise: MachineBlock;
      span: Span | undefined;
    }
  | { op: 'exit'; span: Span | undefined };

export interface MachineBlock {
  readonly id: number;
  insns: MachineInsn[];
  end: MachineEnd;
  /** How many loops it is in. */
  depth: number;
}

export interface MachineFunction {
  readonly name: string;
  /** In their final order. */
  readonly blocks: MachineBlock[];
  nextVirtual: number;
  /** Bytes of the frame in use, below r10. */
  frame: number;
}

/** Registers that an instruction reads. */
export function reads(insn: MachineInsn): Reg[] {
  switch (insn.op) {
    case 'mov':
    case 'mov32':
    case 'movsx':
    case 'keep':
      return [insn.src];
    case 'mov_imm':
    case 'wide':
    case 'map':
    case 'function':
    case 'frame_address':
    case 'reload':
      return [];
    case 'alu':
      return 'reg' in insn.source ? [insn.dst, insn.source.reg] : [insn.dst];
    case 'neg':
    case 'swap':
      return [insn.dst];
    case 'load':
      return [insn.base];
    case 'store':
      return 'reg' in insn.source ? [insn.base, insn.source.reg] : [insn.base];
    case 'atomic_add':
      return [insn.base, insn.src];
    case 'set':
      return 'reg' in insn.right ? [insn.left, insn.right.reg] : [insn.left];
    case 'call':
    case 'call_function':
      return Array.from({ length: insn.args }, (_, index) => index + 1);
  }
}

/** Registers that an instruction changes. */
export function writes(insn: MachineInsn): readonly Reg[] {
  switch (insn.op) {
    case 'store':
    case 'keep':
    case 'atomic_add':
      return [];
    case 'call':
    case 'call_function':
      return CLOBBERED;
    default:
      return [insn.dst];
  }
}
const CLOBBERED: readonly Reg[] = [0, 1, 2, 3, 4, 5];

export function endReads(end: MachineEnd): Reg[] {
  if (end.op === 'exit') return [0];
  if (end.op === 'jump') return [];
  return 'reg' in end.right ? [end.left, end.right.reg] : [end.left];
}

export function endTargets(end: MachineEnd): MachineBlock[] {
  if (end.op === 'exit') return [];
  return end.op === 'jump' ? [end.target] : [end.then, end.otherwise];
}

/** Replaces the registers of an instruction. */
export function mapRegisters(insn: MachineInsn, read: (reg: Reg) => Reg, write: (reg: Reg) => Reg): void {
  const source = (value: Source): Source => ('reg' in value ? { reg: read(value.reg) } : value);
  switch (insn.op) {
    case 'mov':
    case 'mov32':
    case 'movsx':
      insn.src = read(insn.src);
      insn.dst = write(insn.dst);
      return;
    case 'mov_imm':
    case 'wide':
    case 'map':
    case 'function':
    case 'frame_address':
    case 'reload':
      insn.dst = write(insn.dst);
      return;
    case 'keep':
      insn.src = read(insn.src);
      return;
    case 'alu':
      insn.source = source(insn.source);
      insn.dst = write(read(insn.dst));
      return;
    case 'neg':
    case 'swap':
      insn.dst = write(read(insn.dst));
      return;
    case 'load':
      insn.base = read(insn.base);
      insn.dst = write(insn.dst);
      return;
    case 'store':
      insn.base = read(insn.base);
      insn.source = source(insn.source);
      return;
    case 'atomic_add':
      insn.base = read(insn.base);
      insn.src = read(insn.src);
      return;
    case 'set':
      insn.left = read(insn.left);
      insn.right = source(insn.right);
      insn.dst = write(insn.dst);
      return;
    case 'call':
    case 'call_function':
      return;
  }
}

export function mapEndRegisters(end: MachineEnd, read: (reg: Reg) => Reg): void {
  if (end.op !== 'branch') return;
  end.left = read(end.left);
  if ('reg' in end.right) end.right = { reg: read(end.right.reg) };
}
