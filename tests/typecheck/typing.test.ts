import { expect, test } from 'vitest';
import { typeName } from '../../src/lang/type-name.ts';
import type { IntSize, Type } from '../../src/lang/types.ts';
import { intType } from '../../src/lang/types.ts';
import { fitsInto, isFlexible, literalFits, literalTyping, promote, typing } from '../../src/typecheck/types/typing.ts';
import type { Typing } from '../../src/typecheck/types/typing.ts';

/** `int8`, `uint32`, `string[4]`; a trailing `~` marks a literal's flexible sign. */
function parse(text: string): Typing {
  const flexible = text.endsWith('~');
  const name = flexible ? text.slice(0, -1) : text;
  const int = /^(u?)int(\d+)$/.exec(name);
  const type: Type =
    int === null
      ? { kind: 'string', size: Number(/\d+/.exec(name)![0]) }
      : intType((Number(int[2]) / 8) as IntSize, int[1] === '');
  return typing(flexible && type.kind === 'int' ? { ...type, flexible } : type);
}

test.each([
  ['int8', 'int8', 'int8'],
  ['int8', 'int32', 'int32'],
  ['uint8', 'uint64', 'uint64'],
  // An unsigned value in a larger signed type, whichever comes first.
  ['int32', 'uint8', 'int32'],
  ['uint8', 'int32', 'int32'],
  // Same size, other sign: the next signed size, at most int64.
  ['int8', 'uint8', 'int16'],
  ['uint32', 'int32', 'int64'],
  ['uint32', 'int8', 'int64'],
  ['uint64', 'int8', 'int64'],
  // Literals take the other side's sign.
  ['uint64', 'int8~', 'uint64'],
  ['int8~', 'uint8', 'uint8'],
  ['int16~', 'uint8', 'uint16'],
  ['int8~', 'int16', 'int16'],
  ['string[4]', 'string[9]', 'string[9]'],
])('%s and %s are held by %s', (current, next, expected) => {
  expect(typeName(promote(parse(current), parse(next))!.type)).toBe(expected);
});

test('types of different kinds are held by none', () => {
  expect(promote(parse('int8'), parse('string[4]'))).toBeUndefined();
});

test('two literals stay flexible together, one does not', () => {
  expect(isFlexible(promote(parse('int8~'), parse('int16~'))!.type)).toBe(true);
  expect(isFlexible(promote(parse('int8~'), parse('int16'))!.type)).toBe(false);
});

test('tuples are promoted element by element', () => {
  const tuple = (...elements: string[]): Typing =>
    typing({ kind: 'tuple', elements: elements.map((element) => parse(element).type) });
  const promoted = promote(tuple('int8', 'string[2]'), tuple('int32', 'string[5]'));
  expect(typeName(promoted!.type)).toBe('(int32,string[5])');
  expect(promote(tuple('int8'), tuple('int8', 'int8'))).toBeUndefined();
});

test('an aggregation is read as a 64-bit integer where nothing is known yet', () => {
  expect(typeName(promote(undefined, typing({ kind: 'count' }))!.type)).toBe('uint64');
  expect(typeName(promote(undefined, typing({ kind: 'sum', signed: true }))!.type)).toBe('int64');
  expect(typeName(promote(typing(intType(1, true)), typing({ kind: 'count' }))!.type)).toBe('int64');
});

test.each<[bigint, string]>([
  [0n, 'int8'],
  [127n, 'int8'],
  [128n, 'int16'],
  [32_768n, 'int32'],
  [2n ** 31n, 'int64'],
  [2n ** 63n - 1n, 'int64'],
  [2n ** 63n, 'uint64'],
  [-1n, 'int8'],
  [-128n, 'int8'],
  [-129n, 'int16'],
  [-(2n ** 63n), 'int64'],
])('the literal %s is an %s', (value, expected) => {
  expect(typeName(literalTyping(value).type)).toBe(expected);
});

test('only non-negative literals within int64 have a flexible sign', () => {
  expect(isFlexible(literalTyping(5n).type)).toBe(true);
  expect(isFlexible(literalTyping(-5n).type)).toBe(false);
  expect(isFlexible(literalTyping(2n ** 63n).type)).toBe(false);
});

test.each([
  ['uint32', 'int64', true],
  ['uint32', 'int32', false],
  ['int8', 'uint64', false],
  ['int8~', 'uint64', true],
  ['int64', 'int32', false],
  ['string[3]', 'string[4]', true],
  ['string[5]', 'string[4]', false],
])('%s fits into %s: %s', (from, to, expected) => {
  expect(fitsInto(parse(from), parse(to).type)).toBe(expected);
});

test('a literal fits a type when the type has its value', () => {
  expect(literalFits(255n, intType(1, false))).toBe(true);
  expect(literalFits(256n, intType(1, false))).toBe(false);
  expect(literalFits(-1n, intType(8, false))).toBe(false);
  expect(literalFits(-128n, intType(1, true))).toBe(true);
});
