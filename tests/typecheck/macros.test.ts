import { expect, test } from 'vitest';
import { spanText } from '../../src/source/source.ts';
import { checkText, mapTypes, messages } from './check-text.ts';

test('variables of a macro do not meet those of its caller', () => {
  expect(mapTypes('macro twice(e) { $x = e; $x * 2 } begin { $x = "text"; @a = twice(5); @b = $x }')).toEqual({
    '@a': 'int64',
    '@b': 'string[5]',
  });
});

test('a variable passed by reference is assigned', () => {
  expect(mapTypes('macro set($v) { $v = 300 } begin { $y = 1; set($y); @a = $y }')).toEqual({ '@a': 'int16' });
});

test.each<[string, string]>([
  [
    'macro m() { @x = 1 } begin { m() }',
    'Unhygienic access to map: @x. Maps must be passed into the macro as arguments.',
  ],
  ['macro m($v) { $v } begin { print(m(1)) }', 'Call to m() has arguments that do not match any definition.'],
  ['macro a() { b() } macro b() { a() } begin { a() }', 'Recursive macro call detected. Call chain: a > b > a'],
  ['macro m(a) { a } macro m(b) { b } begin { m(1) }', 'Redefinition of macro: m'],
])('%s: %s', (text, expected) => {
  expect(messages(text).join('\n')).toContain(expected);
});

test('C macros and enums of the preamble are values', () => {
  expect(mapTypes('#define LIMIT 300\nenum mode { OFF, ON = 5 };\nbegin { @a = LIMIT; @b = ON }')).toEqual({
    '@a': 'int16',
    '@b': 'enum mode',
  });
});

const TYPE_ARGUMENT =
  'When used as a call argument, `typeof` builtin only valid for macro calls that are expecting a type parameter';

test.each<[string, string]>([
  ['macro m(x) { x + 1 } begin { print(m(typeof(uint64*))) }', TYPE_ARGUMENT],
  ['begin { print(typeof(uint64)) }', TYPE_ARGUMENT],
  [
    'struct foo { int x; } macro off(t, f) { offsetof(t, f) } begin { print(off(typeof(struct foo), comm.x[1].y)) }',
    'FieldAccess expressions must be made up entirely of idents (e.g. a.b.c)',
  ],
])('%s: %s', (text, expected) => {
  expect(messages(text).join('\n')).toContain(expected);
});

test('a type argument reaches where a type may stand, through other macros too', () => {
  const text = 'macro size(t) { sizeof(t*) } macro outer(t) { size(typeof(t[2])) } begin { @ = outer(typeof(uint32)) }';
  expect(mapTypes(text)).toEqual({ '@': 'int8' });
});

test('a mistake in an argument shows the parameter and the calls that it went through', () => {
  const [mistake] = checkText(
    'macro m(x) { $y = x; $y } macro n(z) { m(z + comm) } begin { print(n(1)); }',
  ).diagnostics;
  const places: string[] = [];
  for (let span = mistake!.span; span !== undefined; span = span.expandedFrom) places.push(spanText(span));
  expect(places).toEqual(['z + comm', 'x', 'm(z + comm)', 'n(1)']);
});

test('of a call that suits no definition every map and variable is shown, also those that suit', () => {
  const found = messages('macro m(@a, $b) { @a = $b; } begin { m(@x, 1); }');
  expect(found).toEqual([
    'error at m(@x, 1): Call to m() has arguments that do not match any definition.',
    'error at @x: Mismatched arg. m() expects a map for arg @a but got an expression.',
    'error at 1: Mismatched arg. m() expects a variable for arg $b but got an expression.',
  ]);
});
