import type { Expression } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Value } from '../ir/ir.ts';
import { countUp, leaveWhen, when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, materialize } from './memory.ts';
import type { Place } from './operand.ts';

const encoder = new TextEncoder();

/** The bytes of a string literal, without the NUL: UTF-8, except that U+DC80.. stands for the raw byte (ast/nodes.ts). */
export function literalBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const unit = character.charCodeAt(0);
    if (character.length === 1 && unit >= 0xdc80 && unit <= 0xdcff) bytes.push(unit & 0xff);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** 0 when two strings are equal over their first `limit` bytes, else 1. */
export function compareStrings(l: Lowerer, left: Expression, right: Expression, limit = Infinity): Value {
  // A literal is compared word by word with constants, its NUL included.
  if (right.kind === 'string') return compareLiteral(l, left, literalBytes(right.value), limit);
  if (left.kind === 'string') return compareLiteral(l, right, literalBytes(left.value), limit);
  const size = Math.min(sizeOf(l.typeOf(left)), sizeOf(l.typeOf(right)), limit);
  const a = l.place(left);
  const b = l.place(right);
  return compareText(l, a, b, size);
}

function compareLiteral(l: Lowerer, node: Expression, bytes: Uint8Array, limit: number): Value {
  const { b } = l;
  const operand = l.expression(node);
  // Loads may read the context as it is.
  const place = operand.kind === 'place' ? operand.place : materialize(b, l.typeOf(node), operand);
  const text = new Uint8Array(bytes.length + 1);
  text.set(bytes);
  const size = Math.min(text.length, sizeOf(l.typeOf(node)), limit);
  const result = b.slot('differs', 8);
  const [different, done] = [b.newBlock(), b.newBlock()];
  for (let offset = 0; offset < size;) {
    const chunk =
      ([8, 4, 2] as const).find(
        (bytesAtOnce) =>
          offset + bytesAtOnce <= size &&
          (place.offset + offset) % bytesAtOnce === 0 &&
          (place.align ?? 8) >= bytesAtOnce,
      ) ?? 1;
    let expected = 0n;
    for (let i = chunk - 1; i >= 0; i--) expected = (expected << 8n) | BigInt(text[offset + i]!);
    const next = b.newBlock();
    b.branch('jne', b.load(place.base, place.offset + offset, chunk), expected, different, next);
    b.enter(next);
    offset += chunk;
  }
  b.store(result, 0, 8, 0);
  b.jump(done);
  b.enter(different);
  b.store(result, 0, 8, 1);
  b.jump(done);
  b.enter(done);
  return b.load(result, 0, 8);
}

/** 0 when both places hold the same up to a NUL, else 1. So bpftrace compares buffers, too: their lengths, hardly their data. */
export function compareText(l: Lowerer, left: Place, right: Place, size: number): Value {
  return scan(l, left, right, size, { text: true, verdict: () => l.b.const(1) });
}

/** 0 when `size` bytes at both places are equal, else 1. */
export function compareBytes(l: Lowerer, left: Place, right: Place, size: number): Value {
  return scan(l, left, right, size, { verdict: () => l.b.const(1) });
}

/** 0 when the bytes at both places are equal, else the difference of the first that are not. `count` may allow fewer than `size`. */
export function byteDifference(l: Lowerer, left: Place, right: Place, size: number, count?: Value): Value {
  const signed = (byte: Value): Value => l.b.extend(byte, 8, true);
  // The library compares chars, which are signed on eBPF.
  const verdict: Scan['verdict'] = (x, y) => l.b.alu('sub', signed(x), signed(y));
  return scan(l, left, right, size, count === undefined ? { verdict } : { verdict, count });
}

interface Scan {
  /** A NUL ends both. */
  readonly text?: true;
  /** No more bytes than this. */
  readonly count?: Value;
  /** The result, given the first bytes that differ. */
  readonly verdict: (x: Value, y: Value) => Value;
}

/** A bounded loop over both: to the first difference or, for text, to the NUL that ends both. */
function scan(l: Lowerer, left: Place, right: Place, size: number, { text, count, verdict }: Scan): Value {
  const { b } = l;
  const result = b.slot('differs', 8);
  const [start, other] = [addressOf(b, left), addressOf(b, right)];
  b.store(result, 0, 8, 0);
  countUp(b, size, (i, leave) => {
    if (count !== undefined) leaveWhen(b, 'jge', i, count, leave);
    const x = b.load(b.add(start, i), 0, 1);
    const y = b.load(b.add(other, i), 0, 1);
    when(b, 'jne', x, y, () => {
      b.store(result, 0, 8, verdict(x, y));
      b.jump(leave);
    });
    if (text === true) leaveWhen(b, 'jeq', x, 0, leave);
  });
  return b.load(result, 0, 8);
}

/** How many bytes precede the NUL, at most `size`. */
export function textLength(l: Lowerer, place: Place, size: number): Value {
  const { b } = l;
  const start = addressOf(b, place);
  return countUp(b, size, (i, leave) => leaveWhen(b, 'jeq', b.load(b.add(start, i), 0, 1), 0, leave));
}

/**
 * More comparisons than these the verifier should not have to walk: loops over long text inside of others are too much for it,
 * and each place at which a search may end is a path that waits.
 */
const MOST_COMPARISONS = 4096;
const LONGEST_LOOP = 512;

/** Whether a search is left to the kernel's own function. */
const isLongSearch = (haystackSize: number, needleSize: number): boolean =>
  haystackSize * needleSize > MOST_COMPARISONS || haystackSize > LONGEST_LOOP;

/** What `bpf_strnstr` of the kernel answers when it finds nothing: -ENOENT. */
const NOT_FOUND = -2;

/** The index of `needle` in `haystack`, or NOT_FOUND: both are text in memory of the program. */
export function findText(l: Lowerer, haystack: Place, haystackSize: number, needle: Place, needleSize: number): Value {
  const { b } = l;
  const [hay, pin] = [addressOf(b, haystack), addressOf(b, needle)];
  if (isLongSearch(haystackSize, needleSize)) return b.call('strnstr', hay, pin, haystackSize);
  const result = b.slot('found', 8);
  b.store(result, 0, 8, NOT_FOUND);
  countUp(b, haystackSize, (i, leave) => {
    const [here, elsewhere] = [b.newBlock(), b.newBlock()];
    countUp(b, needleSize, (j) => {
      const wanted = b.load(b.add(pin, j), 0, 1);
      leaveWhen(b, 'jeq', wanted, 0, here);
      const at = b.add(i, j);
      leaveWhen(b, 'jge', at, haystackSize, leave);
      const found = b.load(b.add(hay, at), 0, 1);
      when(b, 'jne', found, wanted, () => {
        // Behind the haystack's own end nothing is found.
        leaveWhen(b, 'jeq', found, 0, leave);
        b.jump(elsewhere);
      });
    });
    b.jump(here);
    b.enter(here);
    b.store(result, 0, 8, i);
    b.jump(leave);
    b.enter(elsewhere);
  });
  return b.load(result, 0, 8);
}

/** Rounds times instructions that a search may cost the verifier, which walks each. */
const MOST_WALKED = 400_000;
const WALKED_PER_BYTE = 6;

/** Whether a literal is looked for byte by byte with one decision for all of them: then no path through it is like another. */
export function isSearchable(bytes: Uint8Array, haystackSize: number): boolean {
  return !isLongSearch(haystackSize, bytes.length) && haystackSize * bytes.length * WALKED_PER_BYTE <= MOST_WALKED;
}

/** The index of a literal in `haystack`, or NOT_FOUND. */
export function findLiteral(l: Lowerer, haystack: Place, haystackSize: number, literal: Uint8Array): Value {
  const { b } = l;
  const end = literal.indexOf(0);
  const bytes = end < 0 ? literal : literal.subarray(0, end);
  if (bytes.length === 0) return b.const(0);
  const result = b.slot('found', 8);
  const start = addressOf(b, haystack);
  b.store(result, 0, 8, NOT_FOUND);
  countUp(b, Math.max(0, haystackSize - bytes.length + 1), (i, leave) => {
    const here = b.add(start, i);
    const first = b.load(here, 0, 1);
    leaveWhen(b, 'jeq', first, 0, leave);
    when(b, 'jeq', first, bytes[0]!, () => {
      let difference = b.const(0);
      for (const [at, byte] of bytes.entries()) {
        if (at > 0) difference = b.alu('or', difference, b.alu('xor', b.load(here, at, 1), byte));
      }
      when(b, 'jeq', difference, 0, () => {
        b.store(result, 0, 8, i);
        b.jump(leave);
      });
    });
  });
  return b.load(result, 0, 8);
}
