import { OPERATOR_LEVELS } from '../operator-levels.ts';

const TOKEN = /\s*(0x[0-9a-f]+|\d+|[A-Za-z_]\w*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()])/giy;
const truth = (is: boolean): bigint => (is ? 1n : 0n);
const APPLY: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '||': (a, b) => truth(a !== 0n || b !== 0n),
  '&&': (a, b) => truth(a !== 0n && b !== 0n),
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '==': (a, b) => truth(a === b),
  '!=': (a, b) => truth(a !== b),
  '<': (a, b) => truth(a < b),
  '<=': (a, b) => truth(a <= b),
  '>': (a, b) => truth(a > b),
  '>=': (a, b) => truth(a >= b),
  '<<': (a, b) => a << (b & 63n),
  '>>': (a, b) => a >> (b & 63n),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0n ? 0n : a / b),
  '%': (a, b) => (b === 0n ? 0n : a % b),
};

/** `$(( ... ))`: integers of 64 bits; what is no number or name counts as 0. */
export function evaluateArithmetic(text: string, variable: (name: string) => string): bigint {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) tokens.push(match[1]!);
  let at = 0;
  const level = (depth: number): bigint => {
    const ops = OPERATOR_LEVELS[depth];
    if (ops === undefined) return unary();
    let value = level(depth + 1);
    while (ops.includes(tokens[at] ?? '')) value = BigInt.asIntN(64, APPLY[tokens[at++]!]!(value, level(depth + 1)));
    return value;
  };
  const unary = (): bigint => {
    const token = tokens[at++] ?? '0';
    if (token === '-') return -unary();
    if (token === '~') return ~unary();
    if (token === '!') return truth(unary() === 0n);
    if (token === '(') {
      const value = level(0);
      at += 1;
      return value;
    }
    if (/^\d/.test(token)) return BigInt(token);
    const held = variable(token).trim();
    return /^-?(0x[0-9a-f]+|\d+)$/i.test(held) ? (held.startsWith('-') ? -BigInt(held.slice(1)) : BigInt(held)) : 0n;
  };
  return level(0);
}
