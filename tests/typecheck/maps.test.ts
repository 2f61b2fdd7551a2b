import { expect, test } from 'vitest';
import { messages } from './check-text.ts';

test.each<[string, string]>([
  ['@a = 1; @a[1] = 2', '@a used as a map with an explicit key'],
  ['@a[1] = 1; print(@a + 1)', '@a used as a map without an explicit key'],
  ['@a = 1; for ($kv : @a) { }', '@a has no explicit keys (scalar map), and cannot be used for iteration'],
  ['@a[1] = 1; delete(@a)', 'call to delete() with a single argument expects a map without explicit keys'],
  ['@a[1] = 1; print(has_key(@a, @a))', '@a used as a map without an explicit key (scalar map)'],
  ['@a = exit()', "trying to assign value of type 'none' when map already has a value type 'int8'"],
  ['print(sizeof({ @a = 1; 1 }))', 'Map assignments not allowed inside of sizeof'],
  ['let $b : typeof({ @a = 1; 1 }) = 1', 'Map assignments not allowed inside of typeof or typeinfo'],
])('%s: %s', (body, expected) => {
  expect(messages(`begin { ${body} }`).join('\n')).toContain(expected);
});
