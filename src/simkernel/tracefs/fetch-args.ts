import { kernelSymbolAddress } from '../probes/symbols.ts';
import type { Machine } from '../machine.ts';
import { addressHigh, addressLow, loadText } from '../memory/arena.ts';
import { DEFAULT_TYPE, FETCH_TYPES } from './fetch-types.ts';
import type { FetchType } from './fetch-types.ts';

/** An argument of a probe event: its name, and how its value is found when the probe hits. */
export interface FetchArg {
  readonly name: string;
  readonly type: FetchType;
  /** As it was written, for kprobe_events. */
  readonly source: string;
  readonly fetch: Fetch;
}
/** The value at the arena offset of pt_regs; undefined: the memory is not there. */
export type Fetch = (m: Machine, regs: number) => bigint | string | undefined;

/** A mistake in a definition, in the words of trace_probe.h, and where in the command. */
export class ProbeMistake extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

export interface FetchContext {
  readonly machine: Machine;
  readonly isReturn: boolean;
  readonly isUser: boolean;
}

const LONGEST_STRING = 255;
const MAX_DEREFERENCES = 8;

const register =
  (offset: number): Fetch =>
  (m, regs) =>
    m.arena.view.getBigUint64(regs + offset, true);

/** Arena offset of memory that the current task sees at an address, or -1. */
function place(m: Machine, address: bigint, size: number, fromUser: boolean): number {
  const value = BigInt.asUintN(64, address);
  if (fromUser || value < 1n << 47n) return m.currentTask.process?.mm.find(Number(value), size) ?? -1;
  return m.arena.kernelAddress(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), size);
}
function loadWord(m: Machine, address: bigint, fromUser: boolean): bigint | undefined {
  const at = place(m, address, 8, fromUser);
  return at < 0 ? undefined : m.arena.view.getBigUint64(at, true);
}

/** Cuts `NAME=FETCH:TYPE`; `number` counts the arguments without a name. */
export function parseArgument(word: string, number: number, position: number, context: FetchContext): FetchArg {
  const equals = /^([A-Za-z_]\w*|\d\w*|)=/.exec(word);
  let name = `arg${number}`;
  let body = word;
  let at = position;
  if (equals !== null) {
    name = equals[1]!;
    if (name === '') throw new ProbeMistake('Argument name is not specified', position);
    if (/^\d/.test(name)) throw new ProbeMistake('Argument name must follow the same rules as C identifiers', position);
    body = word.slice(equals[0].length);
    at += equals[0].length;
  }
  if (body === '') throw new ProbeMistake('No argument expression', at);
  const colon = body.lastIndexOf(':');
  const typeName = colon < 0 ? undefined : body.slice(colon + 1);
  const expression = colon < 0 ? body : body.slice(0, colon);
  const type = typeName === undefined ? defaultType(expression) : FETCH_TYPES.get(typeName);
  if (type === undefined) throw new ProbeMistake('Unknown type is specified', at + colon + 1);
  const isComm = expression === '$comm' || expression === '$COMM';
  if (type.text !== undefined && !isComm && !/^[@+-]/.test(expression))
    throw new ProbeMistake('String accepts only memory argument', at + colon + 1);
  const fetch = parseFetch(expression, at, context, type, 0);
  return { name, type, source: `${name}=${body}`, fetch };
}
function defaultType(expression: string): FetchType {
  return /^\$comm$/i.test(expression) ? FETCH_TYPES.get('string')! : DEFAULT_TYPE;
}

function parseFetch(text: string, at: number, context: FetchContext, type: FetchType, depth: number): Fetch {
  if (depth > MAX_DEREFERENCES) throw new ProbeMistake('Dereference is too much nested', at);
  const [first = ''] = text;
  if (first === '$') return variable(text.slice(1), at, context);
  if (first === '%') {
    // By the names of arch/*/kernel/ptrace.c; `%eax` and the like are not known there.
    const { registers } = context.machine.abi;
    const offset = Object.hasOwn(registers, text.slice(1)) ? registers[text.slice(1)] : undefined;
    if (offset === undefined) throw new ProbeMistake('Invalid register name', at + 1);
    return register(offset);
  }
  if (first === '\\') {
    if (!/^\\-?(0x[0-9a-f]+|\d+)$/i.test(text)) throw new ProbeMistake('Invalid immediate value', at + 1);
    const value = immediate(text.slice(1));
    return () => value;
  }
  if (first === '@') return memory(text.slice(1), at + 1, context, type);
  if (first === '+' || first === '-') return dereference(text, at, context, type, depth);
  throw new ProbeMistake('Invalid fetch argument', at);
}
const immediate = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

function variable(name: string, at: number, { isReturn, machine }: FetchContext): Fetch {
  const { abi } = machine;
  if (name === 'retval') {
    if (!isReturn) throw new ProbeMistake('$retval is not available on probe', at);
    return register(abi.result);
  }
  if (name === 'comm' || name === 'COMM') return (m) => m.currentTask.comm;
  const stack = /^stack(\d*)$/.exec(name);
  if (stack !== null) {
    const [, index] = stack;
    if (index === '') return register(abi.sp);
    return (m, regs) => loadWord(m, m.arena.view.getBigUint64(regs + abi.sp, true) + BigInt(index!) * 8n, false);
  }
  const argument = /^arg(\d+)$/.exec(name);
  if (argument !== null) {
    const offset = abi.arguments[Number(argument[1]) - 1];
    if (offset === undefined || isReturn) throw new ProbeMistake('Invalid argument number', at);
    return register(offset);
  }
  throw new ProbeMistake('Invalid $-variable specified', at);
}

/** `@SYM+offset`, `@0xffff...` */
function memory(text: string, at: number, { machine, isUser }: FetchContext, type: FetchType): Fetch {
  const match = /^(?:(0x[0-9a-f]+|\d+)|([A-Za-z_]\w*)([+-](?:0x[0-9a-f]+|\d+))?)$/i.exec(text);
  if (match === null) throw new ProbeMistake('Invalid memory address', at);
  const [, address, symbol, offset = '0'] = match;
  if (address !== undefined) return read(() => BigInt(address), type, isUser);
  if (isUser) throw new ProbeMistake('Symbol is not available with uprobe', at);
  const found = kernelSymbolAddress(machine, symbol!);
  if (found === undefined) throw new ProbeMistake('Invalid memory address', at);
  const base = BigInt.asUintN(64, (BigInt(found.high) << 32n) | BigInt(found.low >>> 0));
  const value = base + immediate(offset.replace('+', ''));
  return read(() => value, type, false);
}

/** `+8(%di)`, `-4($stack)`, `+u0(+0(%si))` */
function dereference(text: string, at: number, context: FetchContext, type: FetchType, depth: number): Fetch {
  const open = text.indexOf('(');
  if (open < 0) throw new ProbeMistake('Dereference needs a brace', at);
  const fromUser = text[1] === 'u';
  const offset = text.slice(fromUser ? 2 : 1, open);
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(offset)) throw new ProbeMistake('Invalid dereference offset', at + 1);
  if (!text.endsWith(')')) throw new ProbeMistake('Dereference brace is not closed', at + text.length);
  const inside = text.slice(open + 1, -1);
  if (/^\$comm$/i.test(inside)) throw new ProbeMistake('$comm can not be dereferenced', at + open + 1);
  const inner = parseFetch(inside, at + open + 1, context, DEFAULT_TYPE, depth + 1);
  const by = text.startsWith('-') ? -BigInt(offset) : BigInt(offset);
  const address: Fetch = (m, regs) => {
    const value = inner(m, regs);
    return typeof value === 'bigint' ? value + by : undefined;
  };
  return read(address, type, fromUser || context.isUser);
}

/** What is at the address: a word, or a text up to its NUL. */
function read(address: Fetch, type: FetchType, fromUser: boolean): Fetch {
  return (m, regs) => {
    const at = address(m, regs);
    if (typeof at !== 'bigint') return undefined;
    if (type.text === undefined) return loadWord(m, at, fromUser);
    const from = place(m, at, 1, fromUser || type.text === 'user');
    return from < 0 ? undefined : loadText(m.arena.bytes, from, LONGEST_STRING);
  };
}
/** An image offset as the kernel's address. */
export const kernelAddressOf = (offset: number): bigint =>
  BigInt.asUintN(64, (BigInt(addressHigh(offset)) << 32n) | BigInt(addressLow(offset) >>> 0));
