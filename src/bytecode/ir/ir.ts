import type { HelperName } from '../../abi/helpers.ts';
import type { AccessSize, AluOp, JumpOp } from '../../isa/opcodes.ts';
import type { Width } from '../../isa/operation.ts';
import type { Span } from '../../source/source.ts';

/*
 * The intermediate representation: functions of basic blocks in SSA form. Every value is a 64-bit word; integers of a
 * narrower type are kept extended to 64 bits by their sign. Memory that needs an address is a Slot until placement gives
 * it a home in the frame or in the scratch map. Instructions are plain mutable objects, edited in place by the passes.
 */

/** Bytes that the function owns; `home` is decided by placement. */
export interface Slot {
  readonly kind: 'slot';
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly align: number;
}

/** A place in memory: a slot or a pointer, and a constant distance. */
export interface Address {
  base: Slot | Value;
  offset: number;
}

interface InstrBase {
  readonly kind: 'instr';
  readonly id: number;
  span: Span | undefined;
}

export interface Const extends InstrBase {
  op: 'const';
  /** Signed 64 bit. */
  value: bigint;
}
export interface Param extends InstrBase {
  op: 'param';
  index: number;
}
export interface Phi extends InstrBase {
  op: 'phi';
  inputs: Map<Block, Value>;
}
export interface Alu extends InstrBase {
  op: 'alu';
  alu: Exclude<AluOp, 'mov'>;
  /** 32: on the low halves, the result zero-extended. */
  width: Width;
  left: Value;
  right: Value;
}
/** The low bits of a value, extended to 64. */
export interface Extend extends InstrBase {
  op: 'extend';
  bits: 8 | 16 | 32;
  signed: boolean;
  value: Value;
}
export interface Swap extends InstrBase {
  op: 'swap';
  bits: 16 | 32 | 64;
  value: Value;
}
/** 0 or 1. */
export interface Compare extends InstrBase {
  op: 'compare';
  jump: JumpOp;
  width: Width;
  left: Value;
  right: Value;
}
export interface Load extends InstrBase {
  op: 'load';
  size: AccessSize;
  signed: boolean;
  address: Address;
  /** Context fields and such, which nothing in the program changes. */
  invariant: boolean;
}
export interface Store extends InstrBase {
  op: 'store';
  size: AccessSize;
  address: Address;
  value: Value;
}
export interface AtomicAdd extends InstrBase {
  op: 'atomic_add';
  size: 4 | 8;
  address: Address;
  value: Value;
}
export interface SlotAddress extends InstrBase {
  op: 'slot_address';
  slot: Slot;
  offset: number;
}
export interface MapAddress extends InstrBase {
  op: 'map';
  map: number;
}
/** Address of a byte of the only value of an array map. */
export interface MapValueAddress extends InstrBase {
  op: 'map_value';
  map: number;
  offset: number;
}
/** Address of a per-CPU variable of the kernel, by its number in BTF; it is no CPU's copy. */
export interface KernelVariable extends InstrBase {
  op: 'variable';
  number: number;
  name: string;
}
export interface FunctionAddress extends InstrBase {
  op: 'function';
  function: IrFunction;
}
export interface HelperCall extends InstrBase {
  op: 'call';
  helper: HelperName;
  args: Value[];
}
export interface FunctionCall extends InstrBase {
  op: 'call_function';
  function: IrFunction;
  args: Value[];
}
export type Instr =
  | Const
  | Param
  | Phi
  | Alu
  | Extend
  | Swap
  | Compare
  | Load
  | Store
  | AtomicAdd
  | SlotAddress
  | MapAddress
  | MapValueAddress
  | KernelVariable
  | FunctionAddress
  | HelperCall
  | FunctionCall;
/** An instruction that stands for its result. */
export type Value = Instr;

export type Terminator =
  | { op: 'jump'; target: Block; span: Span | undefined }
  | {
      op: 'branch';
      jump: JumpOp;
      width: Width;
      left: Value;
      right: Value;
      then: Block;
      otherwise: Block;
      span: Span | undefined;
    }
  | { op: 'return'; value: Value; span: Span | undefined };

export interface Block {
  readonly id: number;
  readonly instrs: Instr[];
  terminator: Terminator | undefined;
}

export interface IrFunction {
  readonly name: string;
  readonly parameters: number;
  readonly entry: Block;
  /** All of them, in creation order until layout orders them; passes keep it free of unreachable blocks. */
  blocks: Block[];
  slots: Slot[];
  nextId: number;
}

/** What becomes one Program: the main function first, then its callbacks. */
export interface IrProgram {
  readonly functions: readonly IrFunction[];
}

export function newFunction(name: string, parameters: number): IrFunction {
  const entry: Block = { id: 0, instrs: [], terminator: undefined };
  return { name, parameters, entry, blocks: [entry], slots: [], nextId: 1 };
}

export function newBlock(fn: IrFunction): Block {
  const block: Block = { id: fn.nextId++, instrs: [], terminator: undefined };
  fn.blocks.push(block);
  return block;
}

export function successors(block: Block): readonly Block[] {
  const end = block.terminator;
  if (end === undefined || end.op === 'return') return [];
  return end.op === 'jump' ? [end.target] : end.then === end.otherwise ? [end.then] : [end.then, end.otherwise];
}

export function isConst(value: Value): value is Const {
  return value.op === 'const';
}

/** Whether this address lies in the slot itself, without an instruction in between. */
export function slotOf(address: Address): Slot | undefined {
  return address.base.kind === 'slot' ? address.base : undefined;
}
