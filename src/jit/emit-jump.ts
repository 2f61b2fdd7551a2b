import type { JumpOp } from '../isa/opcodes.ts';
import type { Step } from './control-flow.ts';
import { highText, lowText, unsignedText } from './site.ts';
import type { State } from './transfer.ts';
import type { Value } from './value.ts';
import { HIGH, immediate } from './value.ts';

interface Sides {
  readonly a: string;
  readonly ua: string;
  readonly ah: string;
  readonly b: string;
  readonly ub: string;
  readonly bh: string;
}

interface Comparison {
  readonly operator: '===' | '!==' | '<' | '<=' | '>' | '>=' | '&';
  readonly signed: boolean;
  readonly opposite: JumpOp | undefined;
}

const COMPARISONS: Record<JumpOp, Comparison> = {
  jeq: { operator: '===', signed: true, opposite: 'jne' },
  jne: { operator: '!==', signed: true, opposite: 'jeq' },
  jset: { operator: '&', signed: true, opposite: undefined },
  jgt: { operator: '>', signed: false, opposite: 'jle' },
  jge: { operator: '>=', signed: false, opposite: 'jlt' },
  jlt: { operator: '<', signed: false, opposite: 'jge' },
  jle: { operator: '<=', signed: false, opposite: 'jgt' },
  jsgt: { operator: '>', signed: true, opposite: 'jsle' },
  jsge: { operator: '>=', signed: true, opposite: 'jslt' },
  jslt: { operator: '<', signed: true, opposite: 'jsge' },
  jsle: { operator: '<=', signed: true, opposite: 'jsgt' },
};

/** The condition of a conditional jump, or its opposite. */
export function emitCondition({ operation, insn }: Step, state: State, negated: boolean): string {
  if (operation.kind === 'may_goto') {
    return negated ? 'budget !== 0 && (budget--, true)' : 'budget === 0 || (budget--, false)';
  }
  if (operation.kind !== 'jump') return String(!negated);
  const { dst, src, imm } = insn;
  const aValue = state[dst]!;
  const bValue = operation.source === 'reg' ? state[src]! : immediate(imm);
  const opposite = negated ? COMPARISONS[operation.op].opposite : undefined;
  const op = opposite ?? operation.op;
  const sides: Sides = {
    a: lowText(aValue, dst),
    ua: unsignedText(aValue, dst),
    ah: highText(aValue, dst),
    b: lowText(bValue, src),
    ub: unsignedText(bValue, src),
    bh: highText(bValue, src),
  };
  const text = operation.width === 32 ? compare32(op, sides) : compare64(op, sides, aValue, bValue);
  return negated && opposite === undefined ? `!(${text})` : text;
}

function compare32(op: JumpOp, { a, ua, b, ub }: Sides): string {
  const { operator, signed } = COMPARISONS[op];
  if (operator === '&') return `(${a} & ${b}) !== 0`;
  return signed ? `${a} ${operator} ${b}` : `${ua} ${operator} ${ub}`;
}

/** Comparisons with zero that need no case distinction; the sign of a word is that of its high half. */
const ZERO_TESTS: Partial<Record<JumpOp, (low: string, high: string) => string>> = {
  jeq: (low, high) => `(${low} | ${high}) === 0`,
  jne: (low, high) => `(${low} | ${high}) !== 0`,
  jgt: (low, high) => `(${low} | ${high}) !== 0`,
  jle: (low, high) => `(${low} | ${high}) === 0`,
  jslt: (_, high) => `${high} < 0`,
  jsge: (_, high) => `${high} >= 0`,
};

function compare64(op: JumpOp, sides: Sides, aValue: Value, bValue: Value): string {
  const { a, ua, ah, b, ub, bh } = sides;
  const { operator, signed } = COMPARISONS[op];
  const shared = aValue.highs & bValue.highs;
  if (operator === '&') {
    const low = `(${a} & ${b}) !== 0`;
    return ah === '0' || bh === '0' ? low : `${low} || (${ah} & ${bh}) !== 0`;
  }
  const againstZero = bValue.low === 0 && bh === '0' && bValue.symbol === undefined ? ZERO_TESTS[op] : undefined;
  if (againstZero !== undefined && shared === 0) return againstZero(a, ah);
  // When both high halves follow from the low halves in the same way, that way keeps the unsigned order of the low halves
  // (zero, sign and pointer extension are all increasing), so that comparing these is enough.
  if (operator === '===' || operator === '!==') {
    if (shared !== 0) return `${a} ${operator} ${b}`;
    const joint = operator === '===' ? '&&' : '||';
    return `${a} ${operator} ${b} ${joint} ${ah} ${operator} ${bh}`;
  }
  if (shared !== 0 && !signed) return `${ua} ${operator} ${ub}`;
  if (signed && (shared & HIGH.sign) !== 0) return `${a} ${operator} ${b}`;
  if (signed && (shared & (HIGH.zero | HIGH.pointer)) !== 0) return `${ua} ${operator} ${ub}`;
  // Below a multiple of 2 ** 32 (or not) is a matter of the high halves alone.
  if (!signed && bValue.low === 0 && bValue.symbol === undefined && (operator === '<' || operator === '>=')) {
    return `${asUnsigned(ah)} ${operator} ${asUnsigned(bh)}`;
  }
  const strict = operator.startsWith('<') ? '<' : '>';
  const high = signed ? `${ah} ${strict} ${bh}` : `${asUnsigned(ah)} ${strict} ${asUnsigned(bh)}`;
  return `${high} || ${ah} === ${bh} && ${ua} ${operator} ${ub}`;
}

function asUnsigned(text: string): string {
  return /^-?\d+$/.test(text) ? String(Number(text) >>> 0) : `(${text} >>> 0)`;
}
