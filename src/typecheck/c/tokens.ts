/** One preprocessing token, with its place for messages. */
export interface CToken {
  readonly kind: 'identifier' | 'number' | 'string' | 'character' | 'punctuator' | 'newline';
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** White space stood in front of it on its line: tells `#define f(x)` from `#define f (x)`. */
  readonly spaced: boolean;
  /** Macros that made it and may not expand in it again. */
  readonly hidden?: ReadonlySet<string>;
}

const PUNCTUATOR = /(?:\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|##|[^\w\n])/y;
const IDENTIFIER = /[A-Za-z_$][\w$]*/y;
const NUMBER = /\.?\d(?:[eEpP][+-]|[\w.])*/y;
const STRING = /(?:L|u8?|U)?"(?:[^"\\\n]|\\.)*"/y;
const CHARACTER = /(?:L|u|U)?'(?:[^'\\\n]|\\.)+'/y;
const BLANK = /(?:[ \t\r\f\v]|\\\r?\n|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/y;

const KINDS = [
  ['string', STRING],
  ['character', CHARACTER],
  ['identifier', IDENTIFIER],
  ['number', NUMBER],
  ['punctuator', PUNCTUATOR],
] as const;

/** Splits C text into tokens; each line ends in a `newline` token, the last one too. */
export function tokenize(text: string, file: string): readonly CToken[] {
  const tokens: CToken[] = [];
  let line = 1;
  let lineStart = 0;
  let at = 0;
  let spaced = false;
  while (at < text.length) {
    const blank = matchAt(BLANK, text, at);
    if (blank !== undefined) {
      for (let i = blank.indexOf('\n'); i !== -1; i = blank.indexOf('\n', i + 1)) {
        line++;
        lineStart = at + i + 1;
      }
      at += blank.length;
      spaced = true;
      continue;
    }
    const place = { file, line, column: at - lineStart + 1, spaced };
    if (text[at] === '\n') {
      tokens.push({ kind: 'newline', text: '\n', ...place });
      at++;
      line++;
      lineStart = at;
      spaced = false;
      continue;
    }
    for (const [kind, pattern] of KINDS) {
      const found = matchAt(pattern, text, at);
      if (found === undefined) continue;
      tokens.push({ kind, text: found, ...place });
      at += found.length;
      break;
    }
    spaced = false;
  }
  tokens.push({ kind: 'newline', text: '\n', file, line, column: at - lineStart + 1, spaced });
  return tokens;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
