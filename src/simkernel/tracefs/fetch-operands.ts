import type { FunctionProtoType } from '../../btf/types.ts';
import { stripType } from '../../btf/layout.ts';
import type { Machine } from '../machine.ts';
import { kernelSymbolAddress } from '../probes/symbols.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { followFields, MOST_STACK_WORDS } from './btf-args.ts';
import type { TypedWord } from './btf-args.ts';
import { kernelAddressOf, loadFrom, register } from './fetch-memory.ts';
import type { Word } from './fetch-memory.ts';
import { textKind } from './filter.ts';
import { fieldText, fieldValue } from './print-format.ts';
import type { RecordView } from './print-format.ts';
import type { PROBE_KINDS, ProbeKind } from './probe-kinds.ts';
import { ProbeMistake } from './probe-mistake.ts';

/** Where the expressions of a definition are read. */
export interface FetchContext {
  readonly machine: Machine;
  readonly isReturn: boolean;
  readonly isUser: boolean;
  /** What `regs` of a hit is: pt_regs, an array of arguments with their number in front, nothing. */
  readonly reads: (typeof PROBE_KINDS)[ProbeKind]['reads'];
  /** Of the event that is attached to: its fields, and the record of the hit. */
  readonly record: RecordSource | null;
  /** Probed is a function as such, so that its arguments are known: at its entry, or kept from there. */
  readonly hasArguments: boolean;
  readonly prototype: FunctionProtoType | undefined;
  /** Numbers of the arguments that a return event wants to be kept at the entry. */
  readonly kept: number[];
}

/** The event under an event. */
export interface RecordSource {
  readonly fields: ReadonlyMap<string, TracepointField>;
  /** While a hit is looked at. */
  view: RecordView | null;
}

/** What an expression stands for before it is stored. */
export interface Operand {
  readonly kind: 'word' | 'memory' | 'immediate' | 'comm' | 'text';
  /** The value; of memory the address. */
  readonly word: Word;
  readonly fromUser: boolean;
  readonly text?: string;
  readonly makeText?: () => string;
  readonly typed?: TypedWord;
}

/** Of 16 instructions what is left for dereferences. */
const MOST_DEREFERENCES = 12;

/** The word at the address that an operand in memory is. */
export function memoryWord({ word, fromUser }: Operand): Word {
  return (m, regs, entry) => {
    const address = word(m, regs, entry);
    return address === undefined ? undefined : loadFrom(m, address, 8, fromUser);
  };
}

/** What begins an expression, and who reads it. */
const OPERANDS: Readonly<Record<string, (text: string, at: number, context: FetchContext, depth: number) => Operand>> =
  {
    $: (text, at, context) => parseVariable(text.slice(1), at, context),
    '%': parseRegister,
    '@': parseMemory,
    '+': parseDereference,
    '-': parseDereference,
    '\\': parseImmediate,
  };
export function parseOperand(text: string, at: number, context: FetchContext, depth: number): Operand {
  if (depth > MOST_DEREFERENCES) throw new ProbeMistake('TOO_MANY_OPS', at);
  const parse = Object.hasOwn(OPERANDS, text[0] ?? '') ? OPERANDS[text[0]!] : undefined;
  if (parse !== undefined) return parse(text, at, context, depth);
  if (/^[A-Za-z_]/.test(text) && !context.isUser) return parseParameter(text, at, context);
  throw new ProbeMistake('BAD_FETCH_ARG', at);
}
const operandOf = (word: Word, typed?: TypedWord): Operand => ({
  kind: 'word',
  word,
  fromUser: false,
  ...(typed === undefined ? {} : { typed }),
});

/** By the names of arch/*\/kernel/ptrace.c; `%eax` and the like are not known there. */
function parseRegister(text: string, at: number, { machine, reads }: FetchContext): Operand {
  if (reads !== 'registers') throw new ProbeMistake('BAD_VAR', at);
  const { registers } = machine.abi;
  const offset = Object.hasOwn(registers, text.slice(1)) ? registers[text.slice(1)] : undefined;
  if (offset === undefined) throw new ProbeMistake('BAD_REG_NAME', at);
  return operandOf(register(offset));
}

function parseVariable(text: string, at: number, context: FetchContext): Operand {
  const { isUser, hasArguments } = context;
  const [, name = '', path = ''] = /^(\w*)(.*)$/.exec(text) ?? [];
  if (name === 'retval') return parseReturnValue(path, at, context);
  if (path !== '') throw new ProbeMistake('BAD_VAR', at);
  if (name === 'comm' || name === 'COMM') return { kind: 'comm', word: () => undefined, fromUser: false };
  if (context.record !== null) return fieldOperand(context.record, name, at);
  const stack = /^stack(\d*)$/.exec(name)?.[1];
  if (stack === '') return operandOf(stackPointer(context));
  if (stack !== undefined) {
    if (!isUser && Number(stack) > MOST_STACK_WORDS) throw new ProbeMistake('BAD_STACK_NUM', at);
    return operandOf(stackWord(stackPointer(context), Number(stack)));
  }
  const argument = /^arg(\d+)$/.exec(name)?.[1];
  if (argument === undefined || isUser) throw new ProbeMistake('BAD_VAR', at);
  const number = Number(argument);
  if (number < 1 || number > MOST_STACK_WORDS) throw new ProbeMistake('BAD_ARG_NUM', at);
  if (!hasArguments) throw new ProbeMistake('BAD_VAR', at);
  return operandOf(argumentWord(number - 1, context));
}
/** `$filename`: a field of the record; text in it stays text. */
function fieldOperand(record: RecordSource, name: string, at: number): Operand {
  const field = record.fields.get(name);
  if (field === undefined) throw new ProbeMistake('BAD_ATTACH_ARG', at);
  const value = (): bigint | string | Uint8Array => (record.view === null ? 0n : fieldValue(record.view, name));
  if (textKind(field) === 'inline')
    return { kind: 'text', word: () => undefined, fromUser: false, makeText: () => fieldText(value()) };
  return operandOf(() => {
    const found = value();
    return typeof found === 'bigint' ? found : 0n;
  });
}
const stackPointer = ({ machine: { abi }, reads }: FetchContext): Word =>
  reads === 'registers' ? register(abi.sp) : (m) => kernelAddressOf(m.cpu.sp);
const stackWord =
  (sp: Word, index: number): Word =>
  (m, regs, entry) =>
    loadFrom(m, (sp(m, regs, entry) ?? 0n) + BigInt(index * 8), 8, false);

/** regs_get_kernel_argument(), now or when the function was called. */
function argumentWord(index: number, context: FetchContext): Word {
  const { machine, isReturn, kept, reads } = context;
  const { abi } = machine;
  if (reads === 'arguments') return (m, at) => m.arena.view.getBigUint64(at + 8 * index, true);
  const offset = abi.arguments[index];
  const word =
    offset === undefined
      ? stackWord(register(abi.sp), index - abi.arguments.length + (abi.link === undefined ? 1 : 0))
      : register(offset);
  if (!isReturn) return word;
  if (!kept.includes(index)) kept.push(index);
  const slot = kept.indexOf(index);
  return (_m, _regs, entry) => entry[slot];
}
/** What a return event keeps of its function's entry. */
export function keptWords(kept: readonly number[], context: FetchContext): readonly Word[] {
  return kept.map((index) => argumentWord(index, { ...context, isReturn: false }));
}

/** Behind the arguments, whose number stands in front of them. */
const resultWord: Word = (m, at) => {
  const { view } = m.arena;
  return view.getBigUint64(at + 8 * view.getInt32(at - 8, true), true);
};
function parseReturnValue(path: string, at: number, context: FetchContext): Operand {
  const { isReturn, isUser, prototype, machine, reads } = context;
  if (!isReturn) throw new ProbeMistake('RETVAL_ON_PROBE', at);
  const word = reads === 'registers' ? register(machine.abi.result) : resultWord;
  if (isUser && path === '') return operandOf(word);
  if (prototype === undefined) {
    if (path !== '') throw new ProbeMistake('NO_BTF_ENTRY', at);
    return operandOf(word);
  }
  if (stripType(prototype.returns).kind === 'void') throw new ProbeMistake('NO_RETVAL', at);
  return typedOperand({ word, inMemory: false, type: prototype.returns }, path, at + '$retval'.length);
}

/** `count`, `file->f_mode`: a parameter by its name. */
function parseParameter(text: string, at: number, context: FetchContext): Operand {
  const { prototype, hasArguments } = context;
  if (!hasArguments) throw new ProbeMistake('NOSUP_BTFARG', at);
  if (prototype === undefined) throw new ProbeMistake('NO_BTF_ENTRY', at);
  const [, name = '', path = ''] = /^(\w+)(.*)$/.exec(text) ?? [];
  const index = prototype.parameters.findIndex((parameter) => parameter.name === name);
  if (index < 0) throw new ProbeMistake('NO_BTFARG', at);
  const { type } = prototype.parameters[index]!;
  return typedOperand({ word: argumentWord(index, context), inMemory: false, type }, path, at + name.length);
}
function typedOperand(variable: TypedWord, path: string, at: number): Operand {
  const typed = followFields(variable, path, at);
  return { kind: typed.inMemory ? 'memory' : 'word', word: typed.word, fromUser: false, typed };
}

const NUMBER = /^(0x[0-9a-f]+|\d+)$/i;
const immediate = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** `@SYM+offset`, `@0xffff...` */
function parseMemory(text: string, at: number, { machine, isUser }: FetchContext): Operand {
  const body = text.slice(1);
  if (/^\d/.test(body)) {
    if (!NUMBER.test(body)) throw new ProbeMistake('BAD_MEM_ADDR', at);
    const address = BigInt(body);
    return { kind: 'memory', word: () => address, fromUser: isUser };
  }
  if (body.startsWith('+')) {
    if (!isUser) throw new ProbeMistake('FILE_ON_KPROBE', at);
    throw new ProbeMistake('BAD_FILE_OFFS', at);
  }
  if (isUser) throw new ProbeMistake('SYM_ON_UPROBE', at);
  const [, symbol = '', offset = '+0'] = /^([^+-]*)([+-](?:0x[0-9a-f]+|\d+))?$/i.exec(body) ?? [];
  const found = kernelSymbolAddress(machine, symbol);
  // Looked up when the probe is registered, so that the place of the probe is blamed.
  if (found === undefined) throw new UnknownSymbol(symbol);
  const base = BigInt.asUintN(64, (BigInt(found.high) << 32n) | BigInt(found.low >>> 0));
  const value = base + immediate(offset.replace('+', ''));
  return { kind: 'memory', word: () => value, fromUser: false };
}
/** A definition reads the memory of a symbol that does not exist. */
export class UnknownSymbol extends Error {}

/** `+8(%di)`, `-4($stack)`, `+u0(+0(%si))` */
function parseDereference(text: string, at: number, context: FetchContext, depth: number): Operand {
  const open = text.indexOf('(');
  if (open < 0) throw new ProbeMistake('DEREF_NEED_BRACE', at);
  const isUserPlace = text[1] === 'u';
  const offset = text.slice(isUserPlace ? 2 : 1, open);
  if (!NUMBER.test(offset)) throw new ProbeMistake('BAD_DEREF_OFFS', at);
  const close = text.lastIndexOf(')');
  if (close < open) throw new ProbeMistake('DEREF_OPEN_BRACE', at + text.length);
  const inner = parseOperand(text.slice(open + 1, close), at + open + 1, context, depth + 1);
  if (inner.kind === 'comm' || inner.kind === 'text') throw new ProbeMistake('COMM_CANT_DEREF', at + open + 1);
  const base = inner.kind === 'memory' ? memoryWord(inner) : inner.word;
  const by = text.startsWith('-') ? -BigInt(offset) : BigInt(offset);
  return {
    kind: 'memory',
    word: (m, regs, entry) => {
      const value = base(m, regs, entry);
      return value === undefined ? undefined : value + by;
    },
    fromUser: isUserPlace || context.isUser,
  };
}

/** `\100`, `\"text"` */
function parseImmediate(text: string, at: number): Operand {
  const none: Word = () => undefined;
  if (text.startsWith('\\"')) {
    if (text.length < 3 || !text.endsWith('"')) throw new ProbeMistake('IMMSTR_NO_CLOSE', at + text.length);
    return { kind: 'text', word: none, fromUser: false, text: text.slice(2, -1) };
  }
  const body = text.slice(1);
  if (!NUMBER.test(body.replace(/^[+-]/, ''))) throw new ProbeMistake('BAD_IMM', at + 1);
  const value = BigInt.asUintN(64, immediate(body.replace(/^\+/, '')));
  return { kind: 'immediate', word: () => value, fromUser: false };
}
