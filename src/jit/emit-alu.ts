import type { AluOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import type { Site } from './site.ts';
import { highName, highText, isRead, lowName, lowText, needsHigh, unsignedText } from './site.ts';
import type { Value } from './value.ts';
import { asConstant, HIGH, immediate } from './value.ts';

/** The operands of a binary operation as JavaScript. */
interface Operands {
  /** Destination variables. */
  readonly d: string;
  readonly dh: string;
  /** Old destination: int32, unsigned, high half. */
  readonly a: string;
  readonly ua: string;
  readonly ah: string;
  /** Source. */
  readonly b: string;
  readonly ub: string;
  readonly bh: string;
  /** The source's low half, when known. */
  readonly count: number | undefined;
  /** Whether the high half of the result goes into its variable. */
  readonly wantsHigh: boolean;
  readonly aValue: Value;
  readonly bValue: Value;
}

/** Low half of the result, on int32 operands; all but the last five also give the low half of a 64-bit result. */
const LOW: Record<AluOp, (o: Operands) => string> = {
  add: ({ a, b }) => `${a} + ${b} | 0`,
  sub: ({ a, b }) => `${a} - ${b} | 0`,
  mul: ({ a, b }) => `imul(${a}, ${b})`,
  or: ({ a, b }) => `${a} | ${b}`,
  and: ({ a, b }) => `${a} & ${b}`,
  xor: ({ a, b }) => `${a} ^ ${b}`,
  mov: ({ b }) => b,
  lsh: ({ a, b }) => `${a} << ${b}`,
  rsh: ({ a, b }) => `${a} >>> ${b} | 0`,
  arsh: ({ a, b }) => `${a} >> ${b}`,
  div: (o) => guarded(o, `${o.ua} / ${o.ub} | 0`, '0'),
  mod: (o) => guarded(o, `${o.ua} % ${o.ub} | 0`, o.a),
  sdiv: (o) => guarded(o, `${o.a} / ${o.b} | 0`, '0'),
  smod: (o) => guarded(o, `${o.a} % ${o.b} | 0`, o.a),
};

/** Division by zero has a defined result; a known divisor needs no question. */
function guarded({ b, count }: Operands, text: string, otherwise: string): string {
  if (count === undefined) return `${b} === 0 ? ${otherwise} : ${text}`;
  return count === 0 ? otherwise : text;
}

/** A sum without the high halves that are known to be zero. */
function sum(terms: readonly string[]): string {
  return terms.filter((term) => term !== '0').join(' + ');
}

/** A word shifted down into its low half: `>>>` by at least 1 stays within int32. */
function funnelDown({ a, ah }: Operands, n: number): string {
  return ah === '0' ? `${a} >>> ${n}` : `${a} >>> ${n} | ${ah} << ${32 - n}`;
}

/** The low half first, as `l` of the high half; into a constant where that still needs the old register. */
function pair({ d, dh, wantsHigh }: Operands, low: string, high: string): string[] {
  if (!wantsHigh || high === dh) return [`${d} = ${low};`];
  const needsOld = new RegExp(`\\b${d}\\b`).test(high);
  if (needsOld) return [`{ const l = ${low}; ${dh} = ${high}; ${d} = l; }`];
  return [`${d} = ${low};`, `${dh} = ${high.replace(/\bl\b/g, d)};`];
}

const TO_HIGH = '2.3283064365386963e-10';

/** 64-bit forms: shapes that measured best on V8; products and quotients go through doubles that stay exact. */
const WIDE: Record<AluOp, (o: Operands) => string[]> = {
  add: (o) => pair(o, LOW.add(o), `${sum([o.ah, o.bh, `((l >>> 0) < ${o.ub} | 0)`])} | 0`),
  sub: (o) => pair(o, LOW.sub(o), `${o.ah} - ${o.bh} - (${o.ua} < ${o.ub} | 0) | 0`),
  mul: (o) =>
    // The double product minus its low word is a multiple of 2 ** 32 up to rounding; + 0.5 absorbs that.
    pair(
      o,
      LOW.mul(o),
      `((${o.ua} * ${o.ub} - (l >>> 0)) * ${TO_HIGH} + 0.5 >>> 0)` +
        `${crossProduct(o.a, o.bh)}${crossProduct(o.b, o.ah)} | 0`,
    ),
  or: (o) => pair(o, LOW.or(o), o.bh === '0' ? o.ah : `${o.ah} | ${o.bh}`),
  and: (o) => pair(o, LOW.and(o), `${o.ah} & ${o.bh}`),
  xor: (o) => pair(o, LOW.xor(o), o.bh === '0' ? o.ah : `${o.ah} ^ ${o.bh}`),
  mov: (o) => (o.wantsHigh ? [`${o.dh} = ${o.bh};`, `${o.d} = ${o.b};`] : [`${o.d} = ${o.b};`]),
  lsh: (o) => {
    if (o.count === undefined) {
      return variableShift(o, ['0', 'l << n'], ['l << n', 'h << n | l >>> 1 >>> ~n']);
    }
    const n = o.count & 63;
    if (n === 0) return WIDE.mov({ ...o, b: o.a, bh: o.ah });
    if (n >= 32) return pair(o, '0', n === 32 ? o.a : `${o.a} << ${n - 32}`);
    return pair(o, `${o.a} << ${n}`, o.ah === '0' ? `${o.a} >>> ${32 - n}` : `${o.ah} << ${n} | ${o.a} >>> ${32 - n}`);
  },
  rsh: (o) => {
    if (o.count === undefined) {
      if ((o.aValue.highs & HIGH.zero) !== 0) return [`${o.d} = ${o.b} & 32 ? 0 : ${o.a} >>> ${o.b} | 0;`];
      return variableShift(o, ['h >>> n | 0', '0'], ['l >>> n | h << 1 << ~n', 'h >>> n | 0']);
    }
    const n = o.count & 63;
    if (n === 0) return WIDE.mov({ ...o, b: o.a, bh: o.ah });
    if (n >= 32) return pair(o, n === 32 ? o.ah : `${o.ah} >>> ${n - 32}`, '0');
    return pair(o, funnelDown(o, n), `${o.ah} >>> ${n} | 0`);
  },
  arsh: (o) => {
    if (o.count === undefined) {
      return variableShift(o, ['h >> n', 'h >> 31'], ['l >>> n | h << 1 << ~n', 'h >> n']);
    }
    const n = o.count & 63;
    if (n === 0) return WIDE.mov({ ...o, b: o.a, bh: o.ah });
    if (n >= 32) return pair(o, n === 32 ? o.ah : `${o.ah} >> ${n - 32}`, `${o.ah} >> 31`);
    return pair(o, funnelDown(o, n), `${o.ah} >> ${n}`);
  },
  div: (o) => dividedByNumber(o, true) ?? divided(o, 'udiv', LOW.div(o)),
  mod: (o) => dividedByNumber(o, false) ?? divided(o, 'umod', LOW.mod(o)),
  sdiv: (o) => divided(o, 'sdiv', undefined),
  smod: (o) => divided(o, 'smod', undefined),
};

function crossProduct(low: string, high: string): string {
  return high === '0' ? '' : ` + imul(${low}, ${high})`;
}

/** A shift by a variable distance: `[low, high]` for 32 and more, and for less. */
function variableShift(o: Operands, far: readonly [string, string], near: readonly [string, string]): string[] {
  const { d, dh, wantsHigh, a, ah, b } = o;
  const assign = ([low, high]: readonly [string, string]): string =>
    wantsHigh ? `${dh} = ${high}; ${d} = ${low};` : `${d} = ${low};`;
  return [`{ const n = ${b}, l = ${a}, h = ${ah}; if (n & 32) { ${assign(far)} } else { ${assign(near)} } }`];
}

/** Below it a remainder times 2 ** 32 is an exact double. */
export const MAX_INLINE_DIVISOR = 0x200000;

/**
 * Division by a small known number, as of times to microseconds: first the high half, then its remainder with the low half,
 * both below 2 ** 53, where the floor of a rounded quotient is exact.
 */
function dividedByNumber(o: Operands, wantsQuotient: boolean): string[] | undefined {
  const { count, ah, bh, d, dh, ua, wantsHigh } = o;
  if (count === undefined || count <= 0 || count > MAX_INLINE_DIVISOR || bh !== '0' || ah === '0') return undefined;
  const high = `const u = ${ah} >>> 0, q = u / ${count} >>> 0, t = (u - q * ${count}) * 4294967296 + ${ua};`;
  if (wantsQuotient) return [`{ ${high} ${d} = Math.floor(t / ${count}) | 0;${wantsHigh ? ` ${dh} = q | 0;` : ''} }`];
  return [`{ ${high} ${d} = t - Math.floor(t / ${count}) * ${count} | 0;${wantsHigh ? ` ${dh} = 0;` : ''} }`];
}

/** Words below 2 ** 32 divide inline; the rest in the runtime support. */
function divided(o: Operands, helper: string, small: string | undefined): string[] {
  const call =
    `${o.d} = ${helper}(${o.a}, ${o.ah}, ${o.b}, ${o.bh});` + (o.wantsHigh ? ` ${o.dh} = HEAP32[RESULT];` : '');
  if (small === undefined) return [call];
  if (o.ah === '0' && o.bh === '0') return pair(o, small, '0');
  const highs = [o.ah, o.bh].filter((text) => text !== '0').join(' | ');
  return [`if ((${highs}) === 0) { ${o.d} = ${small};${o.wantsHigh ? ` ${o.dh} = 0;` : ''} }`, `else { ${call} }`];
}

/** Statements for an arithmetic instruction whose destination becomes `result`. */
export function emitAlu(site: Site, operation: Extract<Operation, { kind: 'alu' }>, result: Value): string[] {
  const { dst, src, imm } = site.step.insn;
  if (!isRead(site, dst)) return [];
  const { op, width, source } = operation;
  const aValue = site.state[dst]!;
  const bValue = source === 'reg' ? site.state[src]! : immediate(imm);
  const operands: Operands = {
    d: lowName(dst),
    dh: highName(dst),
    a: lowText(aValue, dst),
    ua: unsignedText(aValue, dst),
    ah: highText(aValue, dst),
    b: lowText(bValue, src),
    ub: unsignedText(bValue, src),
    bh: highText(bValue, src),
    count: bValue.symbol === undefined ? bValue.low : undefined,
    wantsHigh: needsHigh(site, dst, result),
    aValue,
    bValue,
  };
  return width === 32 ? [`${operands.d} = ${LOW[op](operands)};`] : WIDE[op](operands);
}

/** Statements for the operations of one operand. */
export function emitUnary(
  site: Site,
  operation: Extract<Operation, { kind: 'neg' | 'movsx' | 'end' }>,
  result: Value,
): string[] {
  const { dst, src } = site.step.insn;
  if (!isRead(site, dst)) return [];
  const d = lowName(dst);
  const value = site.state[dst]!;
  const known = asConstant(result);
  if (known !== undefined) return [`${d} = ${known.low};`];
  const wantsHigh = needsHigh(site, dst, result);
  switch (operation.kind) {
    case 'neg': {
      const low = `0 - ${lowText(value, dst)} | 0`;
      if (!wantsHigh) return [`${d} = ${low};`];
      return [`{ const l = ${low}; ${highName(dst)} = ~${highText(value, dst)} + (l === 0 | 0) | 0; ${d} = l; }`];
    }
    case 'movsx': {
      const from = lowText(site.state[src]!, src);
      const shift = 32 - operation.bits;
      return [`${d} = ${shift === 0 ? from : `${from} << ${shift} >> ${shift}`};`];
    }
    case 'end':
      return [emitSwap(operation, d, highName(dst), lowText(value, dst), highText(value, dst), wantsHigh)];
  }
}

function emitSwap(
  { order, bits }: Extract<Operation, { kind: 'end' }>,
  d: string,
  dh: string,
  low: string,
  high: string,
  wantsHigh: boolean,
): string {
  if (order === 'le') return `${d} = ${bits === 16 ? `${low} & 65535` : low};`;
  if (bits === 16) return `${d} = swap32(${low}) >>> 16;`;
  if (bits === 32) return `${d} = swap32(${low});`;
  return wantsHigh ? `{ const l = swap32(${high}); ${dh} = swap32(${low}); ${d} = l; }` : `${d} = swap32(${high});`;
}
