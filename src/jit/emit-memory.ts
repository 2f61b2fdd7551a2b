import type { AccessSize, AtomicOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { copiedLocation, doubleText } from './doubles.ts';
import { hasLow } from './liveness.ts';
import type { Site } from './site.ts';
import { addressText, CURRENT_SYMBOLS, highName, highText, isRead, lowName, lowText, needsHigh } from './site.ts';
import { copiedWords, type StackWordNeeds, type StackWords, wordName } from './stack-words.ts';
import { CONTEXT_SYMBOL, FRAME_SYMBOL } from './transfer.ts';
import type { Value } from './value.ts';
import { alignOf, FULL, immediate } from './value.ts';

/** A place in memory. */
interface Place {
  /** JavaScript for an address in the arena, or for a multiple of 4 of which the place is a known distance away. */
  readonly base: string;
  readonly distance: number;
  /** The exponent of the place's proved alignment. */
  readonly align: number;
  readonly onStack: boolean;
}

/**
 * Where an access goes. Constant frame and context addresses are the fastest, so they are preferred to a register. That the
 * verifier's constant offset holds on pruned visits too: states only match when stack and context pointers have equal
 * offsets, and a scalar that was added to a pointer is precise.
 */
function placeOf({ state, access, isMain }: Site, register: number, off: number): Place {
  const value = state[register]!;
  if (value.low !== undefined && value.symbol !== undefined) return constantPlace(value.symbol, value.low + off);
  if (access?.region === 'stack') return constantPlace(FRAME_SYMBOL, access.offset);
  if (access?.region === 'context' && isMain) return constantPlace(CONTEXT_SYMBOL, access.offset);
  const base = lowText(value, register);
  return { base, distance: off, align: Math.min(value.align, alignOf(off)), onStack: false };
}

function constantPlace(base: string, distance: number): Place {
  return { base, distance, align: alignOf(distance), onStack: base === FRAME_SYMBOL };
}

/** The 32 bits at an address, as something to read or to assign to; undefined where they are not known to be aligned. */
function wordText({ base, distance, align, onStack }: Place, words: StackWords): string | undefined {
  if (align < 2) return undefined;
  if (onStack) return words.has(distance) ? wordName(distance) : `HEAP32[${addressText(base, distance)} >> 2]`;
  // Base and distance are multiples of 4 each: all words at one base share the shift.
  return `HEAP32[${distance === 0 ? `${base} >> 2` : addressText(`(${base} >> 2)`, distance / 4)}]`;
}

/** The 64 bits at an address as a double to assign to; undefined where they are not in memory, or not known to be aligned. */
function doublePlace({ base, distance, align, onStack }: Place, words: StackWords): string | undefined {
  if (align < 3) return undefined;
  if (!onStack) return `HEAPF64[${distance === 0 ? `${base} >> 3` : addressText(`(${base} >> 3)`, distance / 8)}]`;
  const isVariable = words.has(distance) || words.has(distance + 4);
  return isVariable ? undefined : `HEAPF64[${addressText(base, distance)} >> 3]`;
}

/** A load of at most 32 bits, as int32. */
function loadText(place: Place, size: 1 | 2 | 4, signed: boolean, words: StackWords): string {
  const at = addressText(place.base, place.distance);
  switch (size) {
    case 1:
      return `${signed ? 'HEAP8' : 'HEAPU8'}[${at}]`;
    case 2:
      if (place.align >= 1) return `${signed ? 'HEAP16' : 'HEAPU16'}[${at} >> 1]`;
      return `VIEW.${signed ? 'getInt16' : 'getUint16'}(${at}, true)`;
    case 4:
      return wordText(place, words) ?? `VIEW.getInt32(${at}, true)`;
  }
}

function storeText(place: Place, size: 1 | 2 | 4, value: string, words: StackWords): string {
  const at = addressText(place.base, place.distance);
  switch (size) {
    case 1:
      return `HEAPU8[${at}] = ${value};`;
    case 2:
      return place.align >= 1 ? `HEAPU16[${at} >> 1] = ${value};` : `VIEW.setInt16(${at}, ${value}, true);`;
    case 4: {
      const word = wordText(place, words);
      return word === undefined ? `VIEW.setInt32(${at}, ${value}, true);` : `${word} = ${value};`;
    }
  }
}

/** The upper half of a 64-bit place. */
function upper(place: Place): Place {
  return { ...place, distance: place.distance + 4, align: Math.min(place.align, 2) };
}

/** The words of a key that a register points to. */
export function keyWords(site: Site, register: number, count: number): string[] {
  const value = site.state[register]!;
  const place =
    value.low !== undefined && value.symbol !== undefined
      ? constantPlace(value.symbol, value.low)
      : { base: lowText(value, register), distance: 0, align: value.align, onStack: false };
  return Array.from({ length: count }, (_, word) => {
    const distance = place.distance + 4 * word;
    return loadText({ ...place, distance, align: Math.min(place.align, 2) }, 4, true, site.stackWords);
  });
}

/** Puts words that are in variables where they belong, for a helper that wants their address. */
export function emitCopies(site: Site, needs: StackWordNeeds): string[] {
  return copiedWords(site.step, site.state, needs)
    .filter((offset) => site.stackWords.has(offset))
    .map((offset) => `HEAP32[${addressText(FRAME_SYMBOL, offset)} >> 2] = ${wordName(offset)};`);
}

/** Statements for a load; `result` is what the destination becomes. */
export function emitLoad(
  site: Site,
  operation: Extract<Operation, { kind: 'load' | 'load_acquire' }>,
  result: Value,
): string[] {
  const { dst, src, off } = site.step.insn;
  if (!isRead(site, dst)) return [];
  const signed = operation.kind === 'load' && operation.signed;
  const wantsHigh = needsHigh(site, dst, result);
  if (site.access?.region === 'probe') return emitProbeLoad(site, operation.size, signed, wantsHigh);
  const place = placeOf(site, src, off);
  const { size } = operation;
  if (size !== 8) return [`${lowName(dst)} = ${loadText(place, size, signed, site.stackWords)};`];
  // The high half first: the low half may be the pointer itself.
  const high = wantsHigh ? [`${highName(dst)} = ${loadText(upper(place), 4, false, site.stackWords)};`] : [];
  if (!hasLow(site.live, dst)) return high;
  return [...high, `${lowName(dst)} = ${loadText(place, 4, false, site.stackWords)};`];
}

function emitProbeLoad(site: Site, size: AccessSize, signed: boolean, wantsHigh: boolean): string[] {
  const { dst, src, off } = site.step.insn;
  const value = site.state[src]!;
  const [low, high] = [lowText(value, src), highText(value, src)];
  const sum = off === 0 ? `${low}, ${high}` : `${low} + ${off} | 0, ${probeHigh(low, high, off)}`;
  const raw = `ENV.probeLoad(${sum}, ${size})`;
  const shift = 32 - size * 8;
  const extended = size >= 4 ? raw : signed ? `${raw} << ${shift} >> ${shift}` : `${raw} & ${2 ** (size * 8) - 1}`;
  const load = `${lowName(dst)} = ${extended};`;
  return wantsHigh ? [load, `${highName(dst)} = HEAP32[RESULT];`] : [load];
}

/** High half of a 64-bit address plus a small signed distance: carry or borrow of the low halves. */
function probeHigh(low: string, high: string, off: number): string {
  const carry = `((${low} + ${off} >>> 0) ${off < 0 ? '>' : '<'} (${low} >>> 0) | 0)`;
  return `${high} ${off < 0 ? '-' : '+'} ${carry} | 0`;
}

/** Statements for a store. */
export function emitStore(site: Site, operation: Extract<Operation, { kind: 'store' | 'store_release' }>): string[] {
  const { dst, src, off, imm } = site.step.insn;
  const fromRegister = operation.kind === 'store_release' || operation.source === 'reg';
  const value = fromRegister ? site.state[src]! : immediate(imm);
  const place = placeOf(site, dst, off);
  const { size } = operation;
  const { stackWords } = site;
  if (size !== 8) return [storeText(place, size, lowText(value, src), stackWords)];
  const location = copiedLocation(site.step, site.state, site.access);
  const double = location === undefined ? doubleText(value) : `HEAPF64[${CURRENT_SYMBOLS[location]} >> 3]`;
  const target = doublePlace(place, stackWords);
  if (double !== undefined && target !== undefined) return [`${target} = ${double};`];
  return [
    storeText(place, 4, lowText(value, src), stackWords),
    storeText(upper(place), 4, highText(value, src), stackWords),
  ];
}

/** New low and high half of the memory from `l`, `h` (old) and operand texts. */
const ATOMIC_JS: Record<AtomicOp, (b: string, bh: string, expected: string, expectedHigh: string) => [string, string]> =
  {
    add: (b, bh) => [`l + ${b} | 0`, `h + ${bh} + ((l + ${b} >>> 0) < (l >>> 0) | 0) | 0`],
    or: (b, bh) => [`l | ${b}`, `h | ${bh}`],
    and: (b, bh) => [`l & ${b}`, `h & ${bh}`],
    xor: (b, bh) => [`l ^ ${b}`, `h ^ ${bh}`],
    xchg: (b, bh) => [b, bh],
    cmpxchg: (b, bh, e, eh) => [`l === ${e} && h === ${eh} ? ${b} : l`, `l === ${e} && h === ${eh} ? ${bh} : h`],
  };

/** Statements for an atomic operation: programs are not preempted, so it is a load and a store. */
export function emitAtomic(site: Site, operation: Extract<Operation, { kind: 'atomic' }>): string[] {
  const { dst, src, off } = site.step.insn;
  const { op, size, fetch } = operation;
  const place = placeOf(site, dst, off);
  const [b, e] = [site.state[src]!, site.state[0]!];
  const wide = size === 8;
  const [low, high] = ATOMIC_JS[op](
    lowText(b, src),
    wide ? highText(b, src) : '0',
    lowText(e, 0),
    wide ? highText(e, 0) : '0',
  );
  // With a 32-bit operation `h` is a constant 0, which the comparison of cmpxchg wants.
  const words = site.stackWords;
  const old = `const l = ${loadText(place, 4, false, words)}, h = ${wide ? loadText(upper(place), 4, false, words) : '0'};`;
  const next = wide ? `const n = ${low}, m = ${high};` : `const n = ${low};`;
  const stores = storeText(place, 4, 'n', words) + (wide ? ` ${storeText(upper(place), 4, 'm', words)}` : '');
  const target = op === 'cmpxchg' ? 0 : src;
  const keepsHigh = wide && isHighLive(site, target);
  const fetched =
    fetch && isRead(site, target) ? ` ${lowName(target)} = l;${keepsHigh ? ` ${highName(target)} = h;` : ''}` : '';
  return [`{ ${old} ${next} ${stores}${fetched} }`];
}

function isHighLive(site: Site, register: number): boolean {
  return needsHigh(site, register, FULL);
}
