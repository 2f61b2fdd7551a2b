import type { HelperName } from '../../abi/helpers.ts';
import type { AccessSize, JumpOp } from '../../isa/opcodes.ts';
import type { Width } from '../../isa/operation.ts';
import type { Span } from '../../source/source.ts';
import {
  type Address,
  type Alu,
  type Block,
  type Instr,
  type IrFunction,
  type Slot,
  type Value,
  newBlock,
} from './ir.ts';

type Fields<T> = T extends Instr ? Omit<T, 'kind' | 'id' | 'span'> : never;

/** Appends instructions to one block of one function, each marked with the span that is current. */
export class Builder {
  readonly fn: IrFunction;
  block: Block;
  span: Span | undefined;
  /** Told of each helper call; may add code behind it. */
  onCall: ((helper: HelperName, result: Value, args: readonly Value[]) => void) | undefined;

  constructor(fn: IrFunction, block: Block = fn.entry) {
    this.fn = fn;
    this.block = block;
    this.span = undefined;
  }

  newBlock(): Block {
    return newBlock(this.fn);
  }

  /** Runs `body` with instructions marked as coming from `span`. */
  at<T>(span: Span, body: () => T): T {
    const before = this.span;
    this.span = span;
    const result = body();
    this.span = before;
    return result;
  }

  slot(name: string, size: number, align = 8): Slot {
    const slot: Slot = { kind: 'slot', id: this.fn.nextId++, name, size, align };
    this.fn.slots.push(slot);
    return slot;
  }

  const(value: bigint | number | boolean): Value {
    return this.#push({ op: 'const', value: BigInt.asIntN(64, BigInt(value)) });
  }
  param(index: number): Value {
    return this.#push({ op: 'param', index });
  }
  alu(alu: Alu['alu'], left: Value, right: Value | bigint | number, width: Width = 64): Value {
    return this.#push({ op: 'alu', alu, width, left, right: this.#value(right) });
  }
  add(left: Value, right: Value | bigint | number): Value {
    return this.alu('add', left, right);
  }
  extend(value: Value, bits: 8 | 16 | 32, signed: boolean): Value {
    return this.#push({ op: 'extend', bits, signed, value });
  }
  swap(value: Value, bits: 16 | 32 | 64): Value {
    return this.#push({ op: 'swap', bits, value });
  }
  compare(jump: JumpOp, left: Value, right: Value | bigint | number): Value {
    return this.#push({ op: 'compare', jump, width: 64, left, right: this.#value(right) });
  }
  load(base: Slot | Value, offset: number, size: AccessSize, signed = false, invariant = false): Value {
    return this.#push({ op: 'load', size, signed, address: { base, offset }, invariant });
  }
  store(base: Slot | Value, offset: number, size: AccessSize, value: Value | bigint | number): void {
    this.#push({ op: 'store', size, address: { base, offset }, value: this.#value(value) });
  }
  atomicAdd(address: Address, size: 4 | 8, value: Value): void {
    this.#push({ op: 'atomic_add', size, address: { ...address }, value });
  }
  slotAddress(slot: Slot, offset = 0): Value {
    return this.#push({ op: 'slot_address', slot, offset });
  }
  /** The address as a value. */
  addressOf(base: Slot | Value, offset: number): Value {
    if (base.kind === 'slot') return this.slotAddress(base, offset);
    return offset === 0 ? base : this.add(base, offset);
  }
  map(map: number): Value {
    return this.#push({ op: 'map', map });
  }
  mapValue(map: number, offset: number): Value {
    return this.#push({ op: 'map_value', map, offset });
  }
  variable(number: number, name: string): Value {
    return this.#push({ op: 'variable', number, name });
  }
  functionAddress(fn: IrFunction): Value {
    return this.#push({ op: 'function', function: fn });
  }
  call(helper: HelperName, ...args: (Value | bigint | number)[]): Value {
    const values = args.map((arg) => this.#value(arg));
    const result = this.#push({ op: 'call', helper, args: values });
    this.onCall?.(helper, result, values);
    return result;
  }
  /** Clears memory with a read that is meant to fail: behind one the helper leaves zeroes. */
  clear(to: Value, size: number): void {
    this.#push({ op: 'call', helper: 'probe_read_kernel', args: [to, this.#value(size), this.#value(0)] });
  }
  callFunction(fn: IrFunction, args: readonly Value[]): Value {
    return this.#push({ op: 'call_function', function: fn, args: [...args] });
  }

  /** Ends the block; the builder stays on it until `enter`. */
  jump(target: Block): void {
    this.block.terminator ??= { op: 'jump', target, span: this.span };
  }
  branch(jump: JumpOp, left: Value, right: Value | bigint | number, then: Block, otherwise: Block): void {
    const value = this.#value(right);
    this.block.terminator ??= { op: 'branch', jump, width: 64, left, right: value, then, otherwise, span: this.span };
  }
  return(value: Value | bigint | number): void {
    const result = this.#value(value);
    this.block.terminator ??= { op: 'return', value: result, span: this.span };
  }
  enter(block: Block): void {
    this.block = block;
  }
  get ended(): boolean {
    return this.block.terminator !== undefined;
  }

  #value(value: Value | bigint | number): Value {
    return typeof value === 'object' ? value : this.const(value);
  }

  #push(fields: Fields<Instr>): Value {
    const instr = { kind: 'instr', id: this.fn.nextId++, span: this.span, ...fields } as Instr;
    // Code behind a return or break is unreachable: it is built, into no block.
    if (this.block.terminator === undefined) this.block.instrs.push(instr);
    return instr;
  }
}
