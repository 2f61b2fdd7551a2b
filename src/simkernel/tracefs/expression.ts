import { OPERATOR_LEVELS } from '../operator-levels.ts';

/** What a `print fmt` is made of: C as the preprocessor left it. */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly base: Expression; readonly index: Expression }
  | { readonly kind: 'cast'; readonly type: string; readonly value: Expression }
  | { readonly kind: 'unary'; readonly op: string; readonly value: Expression }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'choice'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] };

export interface PrintFormat {
  readonly format: string;
  readonly args: readonly Expression[];
}

const TOKEN =
  /\s+|"((?:[^"\\]|\\.)*)"|(0x[0-9a-fA-F]+|\d+)[uUlL]*|'(\\?.)'|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:(){}[\],.=;])|([A-Za-z_]\w*)/y;

interface Token {
  readonly kind: 'text' | 'number' | 'mark' | 'word' | 'end';
  readonly text: string;
}
const END: Token = { kind: 'end', text: '' };

function tokens(source: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source);
    if (match === null) throw new Unreadable();
    const [, text, number, character, mark, word] = match;
    if (text !== undefined) found.push({ kind: 'text', text: unescape(text) });
    else if (number !== undefined) found.push({ kind: 'number', text: number });
    else if (character !== undefined) found.push({ kind: 'number', text: String(unescape(character).charCodeAt(0)) });
    else if (mark !== undefined) found.push({ kind: 'mark', text: mark });
    else if (word !== undefined) found.push({ kind: 'word', text: word });
  }
  return found;
}
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '0': '\0' };
function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);
}

/** A statement expression or the like: the kernel's compiler understands more than its own tools do. */
class Unreadable extends Error {}

const TYPE_WORDS = new Set(
  'void char short int long unsigned signed const struct enum union bool _Bool u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 __be16 __be32 __be64 __le16 __le32 __le64'.split(
    ' ',
  ),
);
const isTypeWord = (word: string): boolean => TYPE_WORDS.has(word) || /^\w+_t$/.test(word);

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;
  constructor(source: string) {
    this.tokens = tokens(source);
  }
  private peek(ahead = 0): Token {
    return this.tokens[this.at + ahead] ?? END;
  }
  private is(mark: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'mark' && token.text === mark;
  }
  private take(mark: string): boolean {
    if (!this.is(mark)) return false;
    this.at += 1;
    return true;
  }
  private expect(mark: string): void {
    if (!this.take(mark)) throw new Unreadable();
  }
  private next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }
  printFormat(): PrintFormat {
    const first = this.next();
    if (first.kind !== 'text') throw new Unreadable();
    let format = first.text;
    while (this.peek().kind === 'text') format += this.next().text;
    const args: Expression[] = [];
    while (this.take(',')) args.push(this.expression());
    if (this.peek() !== END) throw new Unreadable();
    return { format, args };
  }
  private expression(): Expression {
    const test = this.binary(0);
    if (!this.take('?')) return test;
    const yes = this.is(':') ? test : this.expression();
    this.expect(':');
    return { kind: 'choice', test, yes, no: this.expression() };
  }
  private binary(level: number): Expression {
    const ops = OPERATOR_LEVELS[level];
    if (ops === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'mark' || !ops.includes(token.text)) return left;
      this.at += 1;
      left = { kind: 'binary', op: token.text, left, right: this.binary(level + 1) };
    }
  }
  private unary(): Expression {
    for (const op of ['-', '~', '!', '&', '*', '+'])
      if (this.take(op)) return { kind: 'unary', op, value: this.unary() };
    const type = this.cast();
    return type === undefined ? this.postfix() : { kind: 'cast', type, value: this.unary() };
  }
  /** `(unsigned long long)`, `(struct page *)`: taken when it is one. */
  private cast(): string | undefined {
    const { text } = this.peek(1);
    if (!this.is('(') || this.peek(1).kind !== 'word' || !isTypeWord(text)) return undefined;
    let end = this.at + 1;
    while (this.tokens[end]?.kind === 'word' || this.tokens[end]?.text === '*') end += 1;
    if (this.tokens[end]?.text !== ')') return undefined;
    const type = this.tokens
      .slice(this.at + 1, end)
      .map((token) => token.text)
      .join(' ');
    this.at = end + 1;
    return type;
  }
  private postfix(): Expression {
    let value = this.primary();
    while (this.take('[')) {
      value = { kind: 'index', base: value, index: this.expression() };
      this.expect(']');
    }
    return value;
  }
  private primary(): Expression {
    const token = this.next();
    if (token.kind === 'number') return { kind: 'number', value: BigInt(token.text) };
    if (token.kind === 'text') {
      let { text } = token;
      while (this.peek().kind === 'text') text += this.next().text;
      return { kind: 'text', value: text };
    }
    if (token.kind === 'word') return this.word(token.text);
    if (token.text === '{') return { kind: 'list', items: this.items('}') };
    if (token.text !== '(') throw new Unreadable();
    const inside = this.expression();
    this.expect(')');
    return inside;
  }
  private word(name: string): Expression {
    if (name === 'REC') {
      this.expect('->');
      return { kind: 'field', name: this.next().text };
    }
    if (name === 'sizeof' && this.is('(')) {
      while (!this.is(')')) this.at += 1;
      this.at += 1;
      throw new Unreadable();
    }
    return this.take('(') ? { kind: 'call', name, args: this.items(')') } : { kind: 'name', name };
  }
  private items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.take(end)) {
      items.push(this.expression());
      if (!this.take(',') && !this.is(end)) throw new Unreadable();
    }
    return items;
  }
}

/** Reads a `print fmt`; undefined when it has C in it that only the kernel's compiler understands. */
export function parsePrintFormat(text: string): PrintFormat | undefined {
  try {
    return new Parser(text).printFormat();
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}
