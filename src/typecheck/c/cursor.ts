import type { CMessage } from './messages.ts';
import type { CToken } from './tokens.ts';

/** A place in a run of tokens, for the declaration parser. */
export class CCursor {
  readonly #messages: CMessage[];
  #tokens: readonly CToken[];
  #at = 0;

  constructor(tokens: readonly CToken[], messages: CMessage[]) {
    this.#tokens = tokens;
    this.#messages = messages;
  }

  peek(ahead = 0): CToken | undefined {
    return this.#tokens[this.#at + ahead];
  }

  is(text: string, ahead = 0): boolean {
    return this.peek(ahead)?.text === text;
  }

  take(): CToken | undefined {
    return this.#tokens[this.#at++];
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at++;
    return true;
  }

  /** Takes the token, or complains in clang's words at the end of the token before. */
  expect(text: string, message = `expected '${text}'`): boolean {
    if (this.accept(text)) return true;
    const before = this.#tokens[this.#at - 1];
    this.error(message, before === undefined ? this.peek() : { ...before, column: before.column + before.text.length });
    return false;
  }

  error(text: string, at: CMessage['at'] | undefined): void {
    const place = at ?? this.#tokens.at(-1);
    if (place !== undefined) this.#messages.push({ severity: 'error', text, at: place });
  }

  note(text: string, at: CMessage['at']): void {
    this.#messages.push({ severity: 'note', text, at });
  }

  /** With the opening bracket taken: the tokens up to the one that closes it, which is taken, too. */
  takeBalanced(open: string, close: string): readonly CToken[] {
    const start = this.#at;
    for (let depth = 1; this.#at < this.#tokens.length; this.#at++) {
      if (this.is(open)) depth++;
      else if (this.is(close) && --depth === 0) return this.#tokens.slice(start, this.#at++);
    }
    this.error(`expected '${close}'`, undefined);
    return this.#tokens.slice(start);
  }

  /** Tokens up to one of these outside brackets, which is left. */
  takeUntil(stops: readonly string[]): readonly CToken[] {
    const start = this.#at;
    for (let depth = 0; this.#at < this.#tokens.length; this.#at++) {
      const { text } = this.peek()!;
      if (depth === 0 && stops.includes(text)) break;
      if ('([{'.includes(text)) depth++;
      else if (')]}'.includes(text) && depth-- === 0) break;
    }
    return this.#tokens.slice(start, this.#at);
  }

  /** Reads other tokens for a while: the operand of sizeof. */
  within<T>(tokens: readonly CToken[], read: () => T): T {
    const outer = { tokens: this.#tokens, at: this.#at };
    this.#tokens = tokens;
    this.#at = 0;
    try {
      return read();
    } finally {
      this.#tokens = outer.tokens;
      this.#at = outer.at;
    }
  }

  /** Every struct or union that the tokens define, as `struct name`. */
  definedTags(): ReadonlySet<string> {
    const tags = new Set<string>();
    this.#tokens.forEach((token, i) => {
      if (token.text === '{') {
        const name = this.#tokens[i - 1];
        const keyword = this.#tokens[i - 2];
        if (name?.kind === 'identifier' && /^(struct|union)$/.test(keyword?.text ?? ''))
          tags.add(`${keyword!.text} ${name.text}`);
        // `struct __attribute__((packed)) name {`
        else if (name?.kind === 'identifier' && keyword?.text === ')')
          for (const of of ['struct', 'union']) tags.add(`${of} ${name.text}`);
      }
    });
    return tags;
  }
}
