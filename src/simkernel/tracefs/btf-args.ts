import { findMember, resolveForward, sizeOf, stripType } from '../../btf/layout.ts';
import type { CType, FunctionProtoType } from '../../btf/types.ts';
import { allKernelTypes } from '../kernel-types.ts';
import { loadFrom } from './fetch-memory.ts';
import type { Word } from './fetch-memory.ts';
import { bitField, integerType } from './fetch-types.ts';
import type { ArgumentType } from './fetch-types.ts';
import { ProbeMistake } from './probe-mistake.ts';

/** A value of which BTF knows the type: itself, or where it lies. */
export interface TypedWord {
  readonly word: Word;
  /** `word` is an address, of memory of this type. */
  readonly inMemory: boolean;
  readonly type: CType;
  readonly bits?: { readonly width: number; readonly offset: number };
}

/** `->f_path.dentry`, from a variable on: what is there. `at` is the place of the path in the command. */
export function followFields(variable: TypedWord, path: string, at: number): TypedWord {
  let value = variable;
  let done = 0;
  while (done < path.length) {
    const step = /^(->|\.)(\w*)/.exec(path.slice(done));
    if (step === null) throw new ProbeMistake(path[done] === '-' ? 'BAD_HYPHEN' : 'BAD_FETCH_ARG', at + done);
    const [whole, mark = '', name = ''] = step;
    const inside = mark === '->' ? behind(value, at + done) : value;
    value = within(inside, name, at + done + mark.length);
    done += whole.length;
  }
  return value;
}
function behind(value: TypedWord, at: number): TypedWord {
  const bare = stripType(value.type);
  if (bare.kind !== 'pointer') throw new ProbeMistake('NO_PTR_STRCT', at);
  return { word: loaded(value), inMemory: true, type: bare.to };
}
function within({ word, inMemory, type }: TypedWord, name: string, at: number): TypedWord {
  const bare = stripType(resolveForward(stripType(type), allKernelTypes()));
  if (bare.kind !== 'struct' && bare.kind !== 'union') throw new ProbeMistake('NO_PTR_STRCT', at);
  if (!inMemory) throw new ProbeMistake('NOSUP_DAT_ARG', at);
  const found = name === '' ? undefined : findMember(bare, name);
  if (found === undefined) throw new ProbeMistake('NO_BTF_FIELD', at);
  const { member, offsetBits } = found;
  const { bitfieldSize } = member;
  const size = bitfieldSize === undefined ? 1 : (sizeOf(member.type) ?? 4);
  const offset = Math.floor(offsetBits / 8 / size) * size;
  return {
    word: (m, regs, entry) => {
      const base = word(m, regs, entry);
      return base === undefined ? undefined : base + BigInt(offset);
    },
    inMemory: true,
    type: member.type,
    ...(bitfieldSize === undefined ? {} : { bits: { width: bitfieldSize, offset: offsetBits - offset * 8 } }),
  };
}
/** The pointer itself, wherever it lies. */
function loaded({ word, inMemory }: TypedWord): Word {
  if (!inMemory) return word;
  return (m, regs, entry) => {
    const address = word(m, regs, entry);
    return address === undefined ? undefined : loadFrom(m, address, 8, false);
  };
}

/** How a value is shown when the definition does not say (fetch_type_from_btf_type); undefined: as every other. */
export function typeOfWord({ type, bits }: TypedWord): ArgumentType | undefined {
  const bare = stripType(type);
  if (bare.kind !== 'int' && bare.kind !== 'enum') return undefined;
  const found = integerType(bare.size, bare.signed);
  if (found === undefined) return undefined;
  return bits === undefined
    ? { type: found, count: 0 }
    : { type: found, count: 0, bits: bitField(found, bits.width, bits.offset) };
}

/** Where the text is that a variable or member of a character type leads to. */
export function textAddress(value: TypedWord, at: number): Word {
  const bare = stripType(value.type);
  const isText = (type: CType): boolean => {
    const inner = stripType(type);
    return inner.kind === 'int' && inner.size === 1;
  };
  if (bare.kind === 'array' && value.inMemory && isText(bare.element)) return value.word;
  if (bare.kind === 'pointer' && isText(bare.to)) return loaded(value);
  throw new ProbeMistake('BAD_TYPE4STR', at);
}

/** `$arg*` and `$argN` without names: the parameters by name. Positions of words are those of the command. */
export function expandArguments(
  words: readonly { readonly text: string; readonly at: number }[],
  prototype: FunctionProtoType | undefined,
  hasArguments: boolean,
): readonly { readonly text: string; readonly at: number }[] {
  const asked = words.filter(({ text }) => /^\$arg(\d|\*)/.test(text));
  if (asked.length > 0 && !hasArguments) throw new ProbeMistake('NOFENTRY_ARGS', asked[0]!.at);
  const all = words.filter(({ text }) => text.startsWith('$arg*'));
  if (all.length > 1) throw new ProbeMistake('DOUBLE_ARGS', all[1]!.at);
  if (prototype === undefined) {
    if (all.length > 0) throw new ProbeMistake('NOSUP_BTFARG', all[0]!.at);
    return words;
  }
  const { parameters } = prototype;
  return words.flatMap(({ text, at }) => {
    const match = /^\$arg(\*|\d+)(:.*)?$/.exec(text);
    if (match === null) return [{ text, at }];
    const [, which, type = ''] = match;
    if (which === '*') return parameters.map(({ name }) => ({ text: name + type, at }));
    // Too large to be anybody's argument: said when it is parsed.
    if (Number(which) < 1 || Number(which) > MOST_STACK_WORDS) return [{ text, at }];
    const parameter = parameters[Number(which) - 1];
    if (parameter === undefined) throw new ProbeMistake('NO_BTFARG', at);
    return [{ text: parameter.name + type, at }];
  });
}
/** PARAM_MAX_STACK: words of a kernel stack. */
export const MOST_STACK_WORDS = 2048;
