import type { Machine } from '../machine.ts';
import { textAddress, typeOfWord } from './btf-args.ts';
import { loadFrom, loadTextFrom } from './fetch-memory.ts';
import { memoryWord, parseOperand } from './fetch-operands.ts';
import type { FetchContext, Operand } from './fetch-operands.ts';
import { DEFAULT_TYPE, parseFetchType, STRING_TYPE } from './fetch-types.ts';
import type { ArgumentType } from './fetch-types.ts';
import { symbolText } from './print-format.ts';
import { ProbeMistake } from './probe-mistake.ts';

/** An argument of a probe event: its name, and how its value is found when the probe hits. */
export interface FetchArg extends ArgumentType {
  readonly name: string;
  /** Behind `name=`, as it was written. */
  readonly body: string;
  /** The element with this index of an array, or the value; undefined: the memory is not there. */
  readonly fetch: (m: Machine, regs: number, entry: readonly bigint[], index: number) => bigint | string | undefined;
}

const LONGEST_BODY = 63;
const LONGEST_NAME = 32;
const RESERVED_NAMES = new Set(
  'common_type common_flags common_preempt_count common_pid common_tgid __probe_ip __probe_ret_ip __probe_func'.split(
    ' ',
  ),
);
const NAME = /^[A-Za-z_]\w*$/;

/** Cuts `NAME=FETCH:TYPE`; `index` counts the arguments. */
export function parseArgument(
  word: string,
  index: number,
  position: number,
  context: FetchContext,
  used: readonly FetchArg[],
): FetchArg {
  const equals = word.indexOf('=');
  if (equals > LONGEST_NAME) throw new ProbeMistake('ARG_NAME_TOO_LONG', position);
  if (equals === 0) throw new ProbeMistake('NO_ARG_NAME', position);
  const body = word.slice(equals + 1);
  const name =
    equals > 0 ? word.slice(0, equals) : /^[A-Za-z_]/.test(word) ? word.replace(/:.*$/, '') : `arg${index + 1}`;
  if (!NAME.test(name)) throw new ProbeMistake('BAD_ARG_NAME', position);
  if (RESERVED_NAMES.has(name) || used.some((other) => other.name === name))
    throw new ProbeMistake('USED_ARG_NAME', position);
  return { name, body, ...parseBody(body, position + equals + 1, context) };
}

function parseBody(body: string, at: number, context: FetchContext): Omit<FetchArg, 'name' | 'body'> {
  if (body.length > LONGEST_BODY) throw new ProbeMistake('ARG_TOO_LONG', at);
  if (body === '') throw new ProbeMistake('NO_ARG_BODY', at);
  const colon = body.indexOf(':', body.startsWith('\\"') ? body.lastIndexOf('"') : 0);
  const expression = colon < 0 ? body : body.slice(0, colon);
  const typeAt = colon < 0 ? at : at + colon + 1;
  if (expression.includes('$arg*')) throw new ProbeMistake('BAD_VAR_ARGS', at + expression.indexOf('$arg*'));
  const written = colon < 0 ? undefined : parseFetchType(body.slice(colon + 1), typeAt);
  const operand = parseOperand(expression, at, context, 0);
  if (operand.kind === 'comm' || operand.kind === 'text') {
    if (written !== undefined && (written.type !== STRING_TYPE || written.count > 0))
      throw new ProbeMistake('NEED_STRING_TYPE', typeAt);
    const { text, makeText } = operand;
    return { type: STRING_TYPE, count: 0, fetch: (m) => text ?? makeText?.() ?? m.currentTask.comm };
  }
  const known = operand.typed === undefined ? undefined : typeOfWord(operand.typed);
  const argument = written ?? known ?? { type: DEFAULT_TYPE, count: 0 };
  if (argument.type.text === undefined) return { ...argument, fetch: fetchIntegers(operand, argument, typeAt) };
  return { ...argument, fetch: fetchTexts(operand, argument, typeAt) };
}

function fetchIntegers({ kind, word, fromUser }: Operand, argument: ArgumentType, typeAt: number): FetchArg['fetch'] {
  const { type, count, bits } = argument;
  if (count > 0 && kind !== 'memory') throw new ProbeMistake('BAD_STRING', typeAt);
  const width = type.size * 8;
  const cut = (value: bigint): bigint => {
    if (bits === undefined) return value;
    const shifted = BigInt.asUintN(width, value << BigInt(bits.left));
    return (type.signed ? BigInt.asIntN(width, shifted) : shifted) >> BigInt(bits.right);
  };
  return (m, regs, entry, index) => {
    const value = word(m, regs, entry);
    if (value === undefined) return undefined;
    if (kind !== 'memory') return cut(value);
    const loaded = loadFrom(m, value + BigInt(index * type.size), type.size, fromUser);
    return loaded === undefined ? undefined : cut(loaded);
  };
}

function fetchTexts(operand: Operand, { type, count }: ArgumentType, typeAt: number): FetchArg['fetch'] {
  const { kind, word, typed } = operand;
  if (type.text === 'symbol') {
    const address = kind === 'memory' ? memoryWord(operand) : word;
    if (operand.fromUser || count > 0) throw new ProbeMistake('BAD_SYMSTRING', typeAt);
    return (m, regs, entry) => {
      const value = address(m, regs, entry);
      return value === undefined ? undefined : symbolText(m, BigInt.asUintN(64, value), true);
    };
  }
  const fromUser = operand.fromUser || type.text === 'user';
  if (typed !== undefined && count === 0) {
    const address = textAddress(typed, typeAt);
    return (m, regs, entry) => {
      const value = address(m, regs, entry);
      return value === undefined ? undefined : loadTextFrom(m, value, fromUser);
    };
  }
  if (kind !== 'memory' && kind !== 'immediate') throw new ProbeMistake('BAD_STRING', typeAt);
  return (m, regs, entry, index) => {
    const address = word(m, regs, entry);
    if (address === undefined) return undefined;
    if (count === 0) return loadTextFrom(m, address, fromUser);
    // An array of texts is one of pointers.
    const pointer = loadFrom(m, address + BigInt(8 * index), 8, operand.fromUser);
    return pointer === undefined ? undefined : loadTextFrom(m, pointer, fromUser);
  };
}
