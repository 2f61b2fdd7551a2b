import { plain, textOf, type TypeText } from './type-text.ts';

/** What is mangled in a way that is not known here, or not mangled at all: the whole name is given up. */
export class Unknown extends Error {}

const MOST_DEPTH = 256;
const MOST_TEXT = 16_384;

/** A place in a mangled name, and what the parts before it leave for those behind. */
export class Reader {
  at: number;
  /** The types and prefixes that `S_`, `S0_` and so on stand for. */
  substitutions: TypeText[] = [];
  /** What `T_`, `T0_` and so on stand for. */
  templateArguments: readonly TypeText[] = [];
  /** While a pack is expanded: which element stands for it, and how many there turned out to be. */
  element: number | null = null;
  packLength: number | null = null;
  /** Last part of the name, for constructors. */
  last = '';
  lambdaDepth = 0;
  /** Template arguments inside types are not those of the function. */
  typeDepth = 0;
  private readonly text: string;
  private depth = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  peek(length = 1): string {
    return this.text.slice(this.at, this.at + length);
  }
  rest(): string {
    return this.text.slice(this.at);
  }
  skip(length: number): void {
    this.at += length;
  }
  take(mark: string): boolean {
    if (!this.text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }
  expect(mark: string): void {
    if (!this.take(mark)) throw new Unknown();
  }
  /** What a sticky pattern finds here. */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw new Unknown();
    this.at += found.length;
    return found;
  }
  /** An encoding ends with the text, in front of a suffix of the compiler, or where what is around it goes on. */
  isAtEndOfEncoding(): boolean {
    return /^(?:[E.]|$)/.test(this.peek());
  }

  /** Inputs may be anybody's: nesting has an end. */
  nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > MOST_DEPTH) throw new Unknown();
    const result = read();
    this.depth -= 1;
    return result;
  }
  /** Substitutions in substitutions double the text each time, so that it has an end as well. */
  remember(type: TypeText): TypeText {
    if (textOf(type).length > MOST_TEXT) throw new Unknown();
    this.substitutions.push(type);
    return type;
  }
  rememberPrefix(text: string): void {
    this.substitutions.push(plain(text));
  }
}

/** A number in decimal digits, and that many letters. */
export function sourceName(reader: Reader): string {
  const length = Number(reader.match(/\d+/y));
  const name = reader.peek(length);
  if (name.length < length) throw new Unknown();
  reader.skip(length);
  return /^_GLOBAL_[_.$]N/.test(name) ? '(anonymous namespace)' : name;
}

/** Tags such as `[abi:cxx11]`, behind a name. */
export function abiTags(reader: Reader): string {
  let text = '';
  while (reader.take('B')) text += `[abi:${sourceName(reader)}]`;
  return text;
}

/** Counted from 1, where `_` is the first, `0_` the second. */
export function ordinal(reader: Reader): number {
  const digits = reader.match(/\d*_/y).slice(0, -1);
  return digits === '' ? 1 : Number(digits) + 2;
}

/** Which of the same local names it is: nothing that is shown. */
export function skipDiscriminator(reader: Reader): void {
  if (/^_[\d_]/.test(reader.peek(2))) reader.match(/__\d+_|_\d/y);
}
