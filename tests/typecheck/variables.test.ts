import { expect, test } from 'vitest';
import { messages } from './check-text.ts';

test.each<[string, readonly string[]]>([
  ['print($x)', ['error at $x: Undefined or undeclared variable: $x']],
  ['let $x; print($x); $x = 1', ['warning at $x: Variable used before it was assigned: $x']],
  ['let $x;', ['warning at let $x: Variable $x was never assigned to.']],
  ['{ $x = 1; } print($x)', ['error at $x: Undefined or undeclared variable: $x']],
])('%s', (body, expected) => {
  expect(messages(`begin { ${body} }`)).toEqual(expected);
});

test.each(['fn f($a: int64, $b: typeof($x)): int64 { return 0; }', 'fn f($a: int64): typeof($x) { return 0; }'])(
  'a type asks for a variable that must be there: %s',
  (text) => {
    expect(messages(`${text} begin { @ = 1 }`)).toContain('error at $x: Undefined or undeclared variable: $x');
  },
);

test('the address of a variable without a type', () => {
  expect(messages('begin { let $a; $b = &$a; }').join('\n')).toContain('No type available for variable $a');
});
