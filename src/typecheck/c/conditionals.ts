import type { CToken } from './tokens.ts';

interface Conditional {
  /** Tokens are taken. */
  active: boolean;
  /** An earlier branch was taken. */
  taken: boolean;
  /** The group around it is active. */
  readonly outer: boolean;
  seenElse: boolean;
  readonly start: CToken;
}

/** The `#if` groups that are open in a file. Methods return what is wrong, in clang's words. */
export class Conditionals {
  readonly #open: Conditional[] = [];

  /** Text here is taken. */
  get active(): boolean {
    return this.#open.at(-1)?.active ?? true;
  }
  /** The `#` of the innermost group that nobody closed. */
  get unterminated(): CToken | undefined {
    return this.#open.at(-1)?.start;
  }

  /** `#if` and its kin; what is not taken does not ask. */
  begin(start: CToken, asks: () => boolean): undefined {
    const outer = this.active;
    const met = outer && asks();
    this.#open.push({ active: met, taken: met, outer, seenElse: false, start });
  }

  /** `#else`, and with a question `#elif` and its kin. */
  otherwise(keyword: string, asks?: () => boolean): string | undefined {
    const current = this.#open.at(-1);
    if (current === undefined) return `#${keyword} without #if`;
    if (current.seenElse) return `#${keyword} after #else`;
    current.active = current.outer && !current.taken && (asks?.() ?? true);
    current.taken ||= current.active;
    current.seenElse = asks === undefined;
    return undefined;
  }

  end(): string | undefined {
    return this.#open.pop() === undefined ? '#endif without #if' : undefined;
  }
}
