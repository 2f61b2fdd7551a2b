import type { CToken } from './tokens.ts';

/** What a constant expression may ask of its surroundings. */
export interface ConstantScope {
  /** Value of a name, or undefined when it has none. */
  readonly value: (name: CToken) => bigint | undefined;
  /** Size of the type or expression in `sizeof (...)`; absent in #if. */
  readonly sizeOf?: (tokens: readonly CToken[]) => bigint | undefined;
  readonly isType?: (token: CToken) => boolean;
}

export type ConstantResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly text: string; readonly at: CToken | undefined };

/** Bounds our recursion. */
const MAX_DEPTH = 1000;

/** Thrown inside this file only, to leave the recursion. */
class Stop {
  readonly text: string;
  readonly at: CToken | undefined;
  constructor(text: string, at: CToken | undefined) {
    this.text = text;
    this.at = at;
  }
}

const bool = (value: boolean): bigint => (value ? 1n : 0n);
const BINARY: Readonly<
  Record<string, { readonly level: number; readonly apply: (a: bigint, b: bigint) => bigint | undefined }>
> = {
  '||': { level: 1, apply: (a, b) => bool(a !== 0n || b !== 0n) },
  '&&': { level: 2, apply: (a, b) => bool(a !== 0n && b !== 0n) },
  '|': { level: 3, apply: (a, b) => a | b },
  '^': { level: 4, apply: (a, b) => a ^ b },
  '&': { level: 5, apply: (a, b) => a & b },
  '==': { level: 6, apply: (a, b) => bool(a === b) },
  '!=': { level: 6, apply: (a, b) => bool(a !== b) },
  '<': { level: 7, apply: (a, b) => bool(a < b) },
  '>': { level: 7, apply: (a, b) => bool(a > b) },
  '<=': { level: 7, apply: (a, b) => bool(a <= b) },
  '>=': { level: 7, apply: (a, b) => bool(a >= b) },
  '<<': { level: 8, apply: (a, b) => (b < 0n || b > 63n ? undefined : a << b) },
  '>>': { level: 8, apply: (a, b) => (b < 0n || b > 63n ? undefined : a >> b) },
  '+': { level: 9, apply: (a, b) => a + b },
  '-': { level: 9, apply: (a, b) => a - b },
  '*': { level: 10, apply: (a, b) => a * b },
  '/': { level: 10, apply: (a, b) => (b === 0n ? undefined : a / b) },
  '%': { level: 10, apply: (a, b) => (b === 0n ? undefined : a % b) },
};
const UNARY: Readonly<Record<string, (a: bigint) => bigint>> = {
  '-': (a) => -a,
  '+': (a) => a,
  '~': (a) => ~a,
  '!': (a) => bool(a === 0n),
};

/** Evaluates an integer constant expression in 64 bits, as array lengths, enum values, bit field widths and #if have them. */
export function evaluateConstant(tokens: readonly CToken[], scope: ConstantScope): ConstantResult {
  let at = 0;
  const peek = (): CToken | undefined => tokens[at];
  const fail = (text: string, token = peek() ?? tokens.at(-1)): never => {
    throw new Stop(text, token);
  };
  const expect = (text: string): void => {
    if (peek()?.text !== text) fail(`expected '${text}'`);
    at++;
  };
  /** Tokens up to the parenthesis that closes the one just taken. */
  const takeParenthesised = (): readonly CToken[] => {
    const start = at;
    for (let depth = 1; ; at++) {
      if (peek() === undefined) fail("expected ')'");
      if (peek()!.text === '(') depth++;
      else if (peek()!.text === ')' && --depth === 0) break;
    }
    return tokens.slice(start, at++);
  };

  let depth = 0;
  const nested = (read: () => bigint): bigint => {
    if (++depth > MAX_DEPTH) fail('expression nests too deeply');
    const value = read();
    depth--;
    return value;
  };

  function conditional(): bigint {
    const condition = binary(1);
    if (peek()?.text !== '?') return condition;
    at++;
    const yes = nested(conditional);
    expect(':');
    const no = nested(conditional);
    return condition === 0n ? no : yes;
  }
  function binary(level: number): bigint {
    let left = unary();
    for (;;) {
      const operator = peek();
      const row = operator !== undefined && Object.hasOwn(BINARY, operator.text) ? BINARY[operator.text]! : undefined;
      if (operator === undefined || row === undefined || row.level < level) return left;
      at++;
      const value = row.apply(left, binary(row.level + 1));
      left = BigInt.asIntN(64, value ?? fail('division by zero in preprocessor expression', operator));
    }
  }
  function unary(): bigint {
    const token = peek() ?? fail('expected expression');
    at++;
    if (token.kind === 'punctuator' && Object.hasOwn(UNARY, token.text))
      return BigInt.asIntN(64, UNARY[token.text]!(nested(unary)));
    if (token.kind === 'number') return numberValue(token.text) ?? fail('invalid number in constant expression', token);
    if (token.kind === 'character') return characterValue(token.text);
    if (token.text === '(') {
      if (peek() !== undefined && scope.isType?.(peek()!) === true) {
        // A cast: only the value matters here.
        takeParenthesised();
        return nested(unary);
      }
      const inner = nested(conditional);
      expect(')');
      return inner;
    }
    if (token.text === 'sizeof' && scope.sizeOf !== undefined) {
      expect('(');
      return scope.sizeOf(takeParenthesised()) ?? fail('invalid application of sizeof', token);
    }
    if (token.kind === 'identifier')
      return scope.value(token) ?? fail(`use of undeclared identifier '${token.text}'`, token);
    return fail('expected expression', token);
  }

  try {
    const value = conditional();
    if (peek() !== undefined) return { ok: false, text: 'expected expression', at: peek() };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof Stop) return { ok: false, text: error.text, at: error.at };
    throw error;
  }
}

/** Reads `0x10UL`, `017`, `0b1`, `42`; undefined for floating point and nonsense. */
function numberValue(text: string): bigint | undefined {
  const digits = /^(0[xX][\da-fA-F]+|0[bB][01]+|\d+)[uUlL]{0,3}$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  if (/^0\d/.test(digits)) return /^[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : undefined;
  return BigInt(digits);
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11, e: 27 };

function characterValue(text: string): bigint {
  const inner = text.slice(text.indexOf("'") + 1, -1);
  if (!inner.startsWith('\\')) return BigInt(inner.codePointAt(0) ?? 0);
  const rest = inner.slice(1);
  if (rest.startsWith('x')) return BigInt(parseInt(rest.slice(1), 16) || 0);
  if (/^[0-7]/.test(rest)) return BigInt(parseInt(rest, 8));
  return BigInt(ESCAPES[rest[0] ?? ''] ?? rest.codePointAt(0) ?? 0);
}
