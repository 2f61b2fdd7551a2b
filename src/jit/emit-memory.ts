import type { AccessSize, AtomicOp } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import type { Site } from './site.ts';
import { addressText, highName, highText, isRead, lowName, lowText, needsHigh } from './site.ts';
import { CONTEXT_SYMBOL, FRAME_SYMBOL } from './transfer.ts';
import type { Value } from './value.ts';
import { alignOf, FULL, immediate } from './value.ts';

/** A place in the arena: JavaScript for its offset, and the exponent of its proved alignment. */
interface Place {
  readonly at: (offset: number) => string;
  readonly align: number;
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
  return {
    at: (offset) => addressText(base, off + offset),
    align: Math.min(value.align, alignOf(off)),
  };
}

function constantPlace(symbol: string, distance: number): Place {
  return { at: (offset) => addressText(symbol, distance + offset), align: alignOf(distance) };
}

/** A load of at most 32 bits, as int32; `offset` is one that keeps the alignment. */
function loadText(place: Place, size: 1 | 2 | 4, signed: boolean, offset = 0): string {
  const at = place.at(offset);
  switch (size) {
    case 1:
      return `${signed ? 'HEAP8' : 'HEAPU8'}[${at}]`;
    case 2:
      if (place.align >= 1) return `${signed ? 'HEAP16' : 'HEAPU16'}[${at} >> 1]`;
      return `VIEW.${signed ? 'getInt16' : 'getUint16'}(${at}, true)`;
    case 4:
      return place.align >= 2 ? `HEAP32[${at} >> 2]` : `VIEW.getInt32(${at}, true)`;
  }
}

function storeText(place: Place, size: 1 | 2 | 4, value: string, offset = 0): string {
  const at = place.at(offset);
  switch (size) {
    case 1:
      return `HEAPU8[${at}] = ${value};`;
    case 2:
      return place.align >= 1 ? `HEAPU16[${at} >> 1] = ${value};` : `VIEW.setInt16(${at}, ${value}, true);`;
    case 4:
      return place.align >= 2 ? `HEAP32[${at} >> 2] = ${value};` : `VIEW.setInt32(${at}, ${value}, true);`;
  }
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
  if (size !== 8) return [`${lowName(dst)} = ${loadText(place, size, signed)};`];
  // The high half first: the low half may be the pointer itself.
  const high = wantsHigh ? [`${highName(dst)} = ${loadText(place, 4, false, 4)};`] : [];
  return [...high, `${lowName(dst)} = ${loadText(place, 4, false)};`];
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
  if (size !== 8) return [storeText(place, size, lowText(value, src))];
  return [storeText(place, 4, lowText(value, src)), storeText(place, 4, highText(value, src), 4)];
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
  const old = `const l = ${loadText(place, 4, false)}, h = ${wide ? loadText(place, 4, false, 4) : '0'};`;
  const next = wide ? `const n = ${low}, m = ${high};` : `const n = ${low};`;
  const stores = storeText(place, 4, 'n') + (wide ? ` ${storeText(place, 4, 'm', 4)}` : '');
  const target = op === 'cmpxchg' ? 0 : src;
  const keepsHigh = wide && isHighLive(site, target);
  const fetched =
    fetch && isRead(site, target) ? ` ${lowName(target)} = l;${keepsHigh ? ` ${highName(target)} = h;` : ''}` : '';
  return [`{ ${old} ${next} ${stores}${fetched} }`];
}

function isHighLive(site: Site, register: number): boolean {
  return needsHigh(site, register, FULL);
}
