import { EDOM, EINVAL } from '../../errno.ts';
import { referenceTo } from './hist-data.ts';
import type { VariableReference } from './hist-data.ts';
import { parseHistField, u64 } from './hist-field.ts';
import type { FieldUse, HistField, HistHit, HistValue } from './hist-field.ts';
import { HistMistake } from './hist-mistake.ts';
import { findVariable } from './hist-scope.ts';
import type { HistScope } from './hist-scope.ts';

const MOST_SUBEXPRESSIONS = 3;
/** Stands for the minus of `.sym-offset`, which is none. */
const HIDDEN_MINUS = 'symXoffset';

type Operator = '+' | '-' | '*' | '/';
const OPERATORS: Record<Operator, (a: bigint, b: bigint) => bigint> = {
  '+': (a, b) => u64(a + b),
  '-': (a, b) => u64(a - b),
  '*': (a, b) => u64(a * b),
  // Without a divisor that is known beforehand there is no error any more.
  '/': (a, b) => (b === 0n ? u64(-1n) : a / b),
};
/** HIST_DIV_SHIFT: a small number is divided by a known one with a product and a shift, which rounds up (hist_field_get_div_fn). */
const DIVIDE_SHIFT = 20n;
const ONE = 1n << DIVIDE_SHIFT;
function divideBy(divisor: bigint): (a: bigint) => bigint {
  const isPowerOf2 = (divisor & (divisor - 1n)) === 0n;
  if (isPowerOf2 || divisor > ONE) return (a) => a / divisor;
  const factor = ONE / divisor;
  return (a) => (a < ONE ? (a * factor + (ONE - 1n)) >> DIVIDE_SHIFT : a / divisor);
}

/** A key, value or variable: fields, variables and numbers with `+ - * /` from left to right (parse_expr). */
export function parseExpression(scope: HistScope, text: string, use: FieldUse): HistField {
  return new Expressions(scope).whole(text.replaceAll('sym-offset', HIDDEN_MINUS), use);
}

/** An operator's text and place; without one the text is an atom. */
function rootOperator(text: string): { readonly operator: Operator | 'negate'; readonly at: number } | null {
  const minus = text.lastIndexOf('-');
  if (minus === 0) return { operator: 'negate', at: 0 };
  for (const [a, b] of [
    ['-', '+'],
    ['/', '*'],
  ] as const) {
    const [first, second] = [text.lastIndexOf(a), text.lastIndexOf(b)];
    if (first >= 0 || second >= 0) return { operator: second > first ? b : a, at: Math.max(first, second) };
  }
  return null;
}

/** What an operand is when it stands in a definition on its own. */
const number = (value: HistValue): bigint => (typeof value === 'bigint' ? value : 0n);

class Expressions {
  private readonly scope: HistScope;
  private count = 0;
  constructor(scope: HistScope) {
    this.scope = scope;
  }
  whole(text: string, use: FieldUse): HistField {
    if (this.count > MOST_SUBEXPRESSIONS) throw new HistMistake('TOO_MANY_SUBEXPR', text);
    const root = rootOperator(text);
    if (root === null) return this.atom(text.replaceAll(HIDDEN_MINUS, 'sym-offset'), use);
    this.count += 1;
    if (root.operator === 'negate') return this.negated(text);
    const [left, right] = [text.slice(0, root.at), text.slice(root.at + 1)];
    if (left === '' || right === '') throw new HistMistake(null);
    const a = this.operand(left);
    const b = this.operand(right);
    return this.binary(root.operator, a, b, right);
  }
  private operand(text: string): HistField {
    const parsed = this.whole(text, 'forVariables');
    if (parsed.isText) throw new HistMistake('INVALID_STR_OPERAND', text);
    return parsed;
  }
  /** `-(...)`; the parentheses have to be there. */
  private negated(text: string): HistField {
    if (this.count > MOST_SUBEXPRESSIONS) throw new HistMistake('TOO_MANY_SUBEXPR', text);
    const end = text.lastIndexOf(')');
    if (!text.includes('(', 1) || end < 0) throw new HistMistake(null);
    const inside = text.slice(2, end);
    if (end + 1 < text.length) throw new HistMistake('UNARY_MINUS_SUBEXPR', text.slice(2));
    const operand = this.operand(inside);
    return compound(operand, `-(${operand.definition})`, (hit) => u64(-number(operand.read(hit))));
  }
  private binary(operator: Operator, a: HistField, b: HistField, right: string): HistField {
    if (a.isInMicroseconds !== b.isInMicroseconds) throw new HistMistake('TIMESTAMP_MISMATCH');
    this.readOnce(a);
    this.readOnce(b);
    if (operator === '/' && b.constant === 0n) throw new HistMistake('DIVISION_BY_ZERO', right, EDOM);
    const compute = operator === '/' && b.constant !== null ? divideBy(b.constant) : OPERATORS[operator];
    if (a.constant !== null && b.constant !== null) return constantField(compute(a.constant, b.constant));
    const name = `${a.definition}${operator}${b.definition}`;
    return compound(a, name, (hit) => compute(number(a.read(hit)), number(b.read(hit))));
  }
  private readOnce(field: HistField): void {
    const reference = references.get(field);
    if (reference !== undefined) reference.isReadOnce = true;
  }
  /** A number, `[SYSTEM.EVENT.]$VARIABLE` or a field (parse_atom). */
  private atom(text: string, use: FieldUse): HistField {
    if (/^\d/.test(text)) return constantField(parseNumber(text));
    const parts = text.split('.');
    const event = parts.length > 2 ? ([parts[0]!, parts[1]!] as const) : null;
    const name = event === null ? text : parts.slice(2).join('.');
    if (!/^\$./.test(name)) return parseHistField(this.scope, text, use);
    const own = this.ownText(event, name.slice(1));
    if (own !== undefined) return parseHistField(this.scope, own, use);
    return this.reference(event, name.slice(1), text);
  }
  /** local_field_var_ref(): a variable of the same trigger that is just a field stands for that. */
  private ownText(event: readonly [string, string] | null, name: string): string | undefined {
    const { system, name: eventName } = this.scope.file.event;
    if (event !== null && (event[0] !== system || event[1] !== eventName)) return undefined;
    const text = this.scope.texts.get(name);
    return text === undefined || rootOperator(text) !== null || text.startsWith('$') ? undefined : text;
  }
  private reference(event: readonly [string, string] | null, name: string, text: string): HistField {
    const found = findVariable(this.scope, event, name);
    if (found === undefined) {
      this.scope.complain('VAR_NOT_FOUND', name);
      throw new HistMistake('FIELD_NOT_FOUND', event === null ? text.split('.')[0]! : `$${name}`);
    }
    const { owner, variable } = found;
    const index = referenceTo(this.scope.references, owner, variable);
    const shown = event === null ? name : `${event.join('.')}.${name}`;
    const field: HistField = {
      ...variable.field,
      name: shown,
      definition: `$${shown}`,
      kind: 'reference',
      modifier: null,
      buckets: 0,
      read: (hit) => hit.references[index]!,
    };
    references.set(field, this.scope.references[index]!);
    return field;
  }
}
/** Fields that are references, which an expression marks. */
const references = new WeakMap<HistField, VariableReference>();

/** kstrtoull() with base 0. */
function parseNumber(text: string): bigint {
  if (!/^(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(text)) throw new HistMistake('EXPECT_NUMBER', text, EINVAL);
  const value = /^0\d/.test(text) ? BigInt(`0o${text}`) : BigInt(text);
  if (value !== u64(value)) throw new HistMistake('EXPECT_NUMBER', text, EINVAL);
  return value;
}
const PLAIN = { modifier: null, buckets: 0, isText: false, isStack: false } as const;
function constantField(constant: bigint): HistField {
  const shown = String(constant);
  return {
    ...PLAIN,
    name: shown,
    definition: shown,
    kind: 'constant',
    type: 'u64',
    size: 8,
    isSigned: false,
    isInMicroseconds: false,
    constant,
    read: () => constant,
  };
}
/** Type and size are the first operand's. */
function compound(first: HistField, name: string, read: (hit: HistHit) => bigint): HistField {
  return { ...first, ...PLAIN, name, definition: name, kind: 'expression', constant: null, read };
}
