import { expect, test } from 'vitest';
import { integerValue } from '../../src/lexer/integer.ts';
import { lex } from '../../src/lexer/lex.ts';
import { scanCDefinition } from '../../src/lexer/raw.ts';
import { decodeString } from '../../src/lexer/string.ts';

const names = (text: string) => lex(text).tokens.map((token) => token.tokenType.name);

test.each<[string, bigint]>([
  ['0', 0n],
  ['1_000_000', 1_000_000n],
  ['0x1F', 31n],
  ['0755', 493n],
  ['1e6', 1_000_000n],
  ['5us', 5_000n],
  ['5ms', 5_000_000n],
  ['2m', 120_000_000_000n],
  ['1d', 86_400_000_000_000n],
  ['7ull', 7n],
  ['18446744073709551615', (1n << 64n) - 1n],
])('the integer %s is %d', (text, value) => {
  expect(integerValue(text)).toBe(value);
});

test.each([
  ['18446744073709551616', 'overflow error, maximum value is 18446744073709551615: 18446744073709551616'],
  ['4294967296u', 'overflow error, maximum value is 4294967295: 4294967296u'],
  ['09', 'invalid trailing bytes: 09'],
  ['1e0', 'invalid trailing bytes: 1e0'],
  ['12e3', 'coefficient part of scientific literal must be 1-9: 12e3'],
  ['9e99', 'overflow error, maximum value is 18446744073709551615: 9e99'],
])('the integer %s is refused', (text, message) => {
  expect(integerValue(text)).toEqual({ message });
});

test.each([
  [String.raw`"a\tb\\\"\n"`, 'a\tb\\"\n'],
  [String.raw`"\x41\101\0"`, 'AA\0'],
  [String.raw`"\xff"`, '\udcff'],
])('the string %s has its escapes resolved', (text, value) => {
  expect(decodeString(text, 0, text.length)).toEqual({ value, mistakes: [] });
});

test('an attach point is one token with its paths and quotes, up to the predicate', () => {
  const text = 'uprobe:/bin/sh:"a b",kprobe:f* /pid == 1/ { }';
  expect(
    lex(text)
      .tokens.slice(0, 3)
      .map((token) => token.image),
  ).toEqual(['uprobe:/bin/sh:"a b"', ',', 'kprobe:f*']);
  expect(names(text)).toContain('PredicateClose');
});

test('words of the top level are ordinary words inside braces and behind commas', () => {
  expect(names('begin { config; macro; }').filter((name) => name === 'Identifier')).toHaveLength(2);
  expect(names('kprobe:f, config { }')).toEqual(['AttachPoint', 'Comma', 'AttachPoint', 'LBrace', 'RBrace']);
});

test('braces lead back to where they were opened', () => {
  const text = 'config = { a = 1 } macro m($x) { { 1 } } let @a = hash(1); begin { } end { }';
  expect(names(text).filter((name) => name === 'AttachPoint')).toHaveLength(2);
});

test('comments are kept aside', () => {
  const text = '// one\nbegin /* two */ { } // three';
  const { tokens, comments } = lex(text);
  expect(comments.map(({ start, end }) => text.slice(start, end))).toEqual(['// one', '/* two */', '// three']);
  expect(tokens).toHaveLength(3);
});

test('a C definition reaches over nested braces, comments and attributes', () => {
  const text = 'struct a { struct { int x; /* } */ } y; } __attribute__((packed)); begin {}';
  expect(scanCDefinition(text, 0)?.text).toBe(text.slice(0, text.indexOf(' begin')));
  expect(scanCDefinition('struct:probe { }', 0)).toBeUndefined();
});

test('no character stops the lexer', () => {
  const text = 'begin { ` \u0001 é 😀 \\ }';
  expect(names(text).at(-1)).toBe('RBrace');
});

test.each([
  ['begin { 1 / 2 }', 'BinaryOperator'],
  ['begin { 1 / /* { */ 2 }', 'BinaryOperator'],
  ['begin /1 / // why\n { }', 'PredicateClose'],
  ['begin /1 / /* { */ /* why */ { }', 'PredicateClose'],
])('in %j the last slash is a %s', (text, type) => {
  expect(lex(text).tokens.findLast((token) => token.image === '/')?.tokenType.name).toBe(type);
});

test.each([
  ['1<<=2', '1 <<= 2'],
  ['1<<2<=3', '1 << 2 <= 3'],
  ['$#$$1$a', '$# $ $1 $a'],
  ['1..2.a', '1 .. 2 . a'],
  ['a->b-->c', 'a -> b -- > c'],
  ['+++-=&&&|||', '++ + -= && & || |'],
  ['!==?:', '!= = ? :'],
])('in %s the longest symbol that fits is taken', (text, images) => {
  expect(lex(text, 'code').tokens.map((token) => token.image)).toEqual(images.split(' '));
});
