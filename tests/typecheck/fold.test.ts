import { expect, test } from 'vitest';
import { checkText, mapTypes, messages } from './check-text.ts';

test.each([
  ['1 + 2 * 3', '7'],
  ['-5', '-5'],
  ['~0', '18446744073709551615'],
  ['7 / 2', '3'],
  ['1 << 40', '1099511627776'],
  ['18446744073709551615 - 1', '18446744073709551614'],
])('%s is the literal %s', (expression, expected) => {
  const { typed } = checkText(`begin { $x = ${expression} }`);
  const [statement] = typed!.probes[0]!.body.statements;
  expect(statement).toMatchObject({ value: { kind: 'integer', value: BigInt(expected) } });
});

test.each(['18446744073709551615 + 1', '1 / 0', '1 << 64', '-9223372036854775808 - 1'])('%s overflows', (text) => {
  expect(messages(`begin { print(${text}) }`)).toEqual([
    `error at ${text}: unable to fold literals due to overflow or underflow`,
  ]);
});

test('positional parameters are integers in any spelling, else text', () => {
  expect(mapTypes('begin { @a = $1; @b = $2; @c = $#; @d = str($1) }', { positional: ['0x1ff', 'word'] })).toEqual({
    '@a': 'int16',
    '@b': 'string[5]',
    '@c': 'int8',
    '@d': 'string[6]',
  });
});

test('a missing positional parameter is 0 and warned about', () => {
  expect(messages('begin { print($1) }')).toEqual([
    'warning at $1: Positional parameter $1 is empty or not provided. ',
  ]);
});

test('if comptime keeps the branch that is taken', () => {
  expect(mapTypes('begin { if comptime (sizeof(int8) == 1) { @a = 1 } else { @a = "no" } }')).toEqual({
    '@a': 'int8',
  });
});

test.each<[string, string]>([
  ['0x7fffffffffffffff - (-1)', 'in int64, which it would leave'],
  ['-1 - 0x7fffffffffffffff - 1', 'below int64'],
])('%s overflows: with a negative side the result stays in int64 (%s)', (text) => {
  expect(messages(`begin { print(${text}) }`).join('\n')).toContain('unable to fold literals due to overflow');
});

test.each<[string, string]>([
  ['0999', 'string[5]'],
  ['017', 'int8'],
  ['08', 'string[3]'],
  ['1_000', 'int16'],
  ['5s', 'int64'],
])('the parameter %s is of type %s', (parameter, type) => {
  expect(mapTypes('begin { @ = $1 }', { positional: [parameter] })).toEqual({ '@': type });
});

test('a literal is a predicate by its truth', () => {
  const { typed } = checkText('kprobe:vfs_read /"text"/ { @ = 1 }');
  expect(typed!.probes[0]!.predicate).toMatchObject({ kind: 'boolean', value: true });
});

test('parameters are reported as bpftrace visits: what is decided before what decides', () => {
  const body = 'begin /$1/ { if ($2) { print($3); } print($4 ? $5 : $6); }';
  const order = messages(body).map((message) => /\$(\d)/.exec(message)![1]);
  expect(order).toEqual(['3', '2', '5', '6', '4', '1']);
});

test('a branch that is not taken is folded, too', () => {
  expect(messages('begin { if comptime (false) { print(1 / 0); } }')).toContain(
    'error at 1 / 0: unable to fold literals due to overflow or underflow',
  );
});

test.each([
  ['"é"[1]', '18446744073709551529'],
  ['"ab"[2]', '0'],
  ['"\\x80"[0]', '18446744073709551488'],
])('%s is the character %s', (expression, expected) => {
  const { typed } = checkText(`begin { $x = ${expression} }`);
  expect(typed!.probes[0]!.body.statements[0]).toMatchObject({ value: { value: BigInt(expected) } });
});

test('a string is cut between bytes', () => {
  const { typed } = checkText('begin { $x = "é" + 1; $y = str("aé", 2) }');
  const values = typed!.probes[0]!.body.statements.map((statement) => 'value' in statement && statement.value);
  expect(values).toMatchObject([{ value: '\udca9' }, { value: 'a\udcc3' }]);
});

test('literals of different kinds are unequal', () => {
  expect(mapTypes('begin { @a = ((1, 2), 3) == (1, 3); @b = (1, "a") != (1, 1) }')).toEqual({
    '@a': 'bool',
    '@b': 'bool',
  });
});
