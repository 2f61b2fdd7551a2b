import { expect, test } from 'vitest';
import { checkText, messages } from './check-text.ts';

test('implicit conversions are casts in the tree', () => {
  const { typed } = checkText('begin { @a[1] = 1; @a[70000] = 300 }');
  const [statement] = typed!.probes[0]!.body.statements;
  expect(statement).toMatchObject({
    target: { key: { kind: 'cast', operand: { kind: 'integer' } } },
    value: { kind: 'cast', operand: { kind: 'integer' } },
  });
});

test('every expression that is left has a type, every variable a symbol', () => {
  const { typed } = checkText('begin { $x = 5; if ($x > 3) { @a[$x, comm] = count(); print(@a) } }');
  expect(typed!.variables.size).toBeGreaterThan(2);
  for (const [variable, symbol] of typed!.variables) {
    expect(symbol.name).toBe(variable.name);
    expect(typed!.types.get(variable)).toEqual(symbol.type);
  }
});

test.each(['$a = (1, "hi"); $a = ((uint64)2, "hello")', '$a = (x=1, y="hi"); $a = (x=(uint64)2, y="hello")'])(
  'a literal inside takes the sign of what it meets: %s',
  (body) => {
    expect(messages(`begin { ${body} }`)).toEqual([]);
  },
);

test('a tuple of another length does not fit', () => {
  expect(messages('begin { let $z : typeof((1, "abc")) = (2,); }').join()).toContain('Type mismatch for $z');
});

test('a register is not at hand in a loop', () => {
  expect(messages('interval:s:1 { for ($b : 0..1000) { @ = reg("ip"); } }').join()).toContain(
    "'reg' builtin is not allowed in a for-loop",
  );
});

test('fields of a record in another order are evaluated as they are written', () => {
  const { typed } = checkText('begin { $a = (x=1, y=2); $a = (y={ print("first"); 1 }, x={ print("second"); 2 }); }');
  const [, second] = typed!.probes[0]!.body.statements;
  const fields = { kind: 'record', fields: [{ name: 'x' }, { name: 'y' }] };
  expect(second).toMatchObject({ value: { kind: 'block_expression', statements: [{}, {}], result: fields } });
});
