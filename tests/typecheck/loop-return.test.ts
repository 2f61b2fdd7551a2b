import { expect, test } from 'vitest';
import { returnFromLoops } from '../../src/typecheck/loop-return.ts';
import { runPasses } from './run-pass.ts';

function rewritten(text: string): string {
  return runPasses(text, [returnFromLoops]).text;
}

test.each(['begin { return; }', 'begin { for $i : 0..3 { break; } return; }'])('%s stays as it is', (text) => {
  expect(rewritten(text)).toBe(runPasses(text, []).text);
});

test('a return in a loop sets a variable and breaks; behind the loop it is looked at', () => {
  expect(rewritten('begin { for $i : 0..3 { return; } }')).toBe(
    'begin { $__return_value_set = 0; { for $i : 0..3 { { $__return_value_set = 1; break; } } ' +
      'if $__return_value_set { return; } } }',
  );
});

test('a value is kept in a variable of its own', () => {
  expect(rewritten('begin { while (1) { return 5; } }')).toBe(
    'begin { $__return_value_set = 0; let $__return_value; { while 1 { { $__return_value = 5; ' +
      '$__return_value_set = 1; break; } } if $__return_value_set { return $__return_value; } } }',
  );
});

test('out of nested loops the way leads through each', () => {
  const text = rewritten('begin { for $i : 0..3 { for $j : 0..3 { return; } } }');
  expect(text).toContain('} if $__return_value_set { break; } } } if $__return_value_set { return; } } }');
});

test('returns in loops agree on having a value', () => {
  expect(
    runPasses('begin { for $i : 0..3 { return; } for $i : 0..3 { return 1; } }', [returnFromLoops]).messages,
  ).toEqual(['error: Return value used in loop is inconsistent']);
});
