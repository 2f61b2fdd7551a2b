import { expect, test } from 'vitest';
import { messages } from './check-text.ts';

test.each<[string, string]>([
  ['$x = count()', 'count() must be assigned directly to a map'],
  ['printf("%d", "x")', "unsupported format specifier for type 'string[2]': d"],
  ['printf("%d %d", 1)', 'not enough arguments for format string (1 supplied, 2 expected)'],
  ['print(@nothing)', 'Undefined map: @nothing'],
  ['system("ls")', 'system() is an unsafe function being used in safe mode'],
  ['@ = lhist(1, 10, 5, 1)', 'lhist() min must be less than max (provided min 10 and max 5)'],
  ['@ = hist(1, 9)', 'hist: bits 9 must be 0..5'],
  ['@a = lhist(1, 0, 10, 1); @a = lhist(1, 0, 20, 1)', 'Different lhist bounds in a single map unsupported'],
  ['print(kstack(5000))', "kstack([int limit]): limit shouldn't exceed 1024, 5000 given"],
  ['print(reg("sp"))', 'reg can not be used with "begin" probes'],
  ['print(strlen(5))', 'string-like values must be either strings, arrays or pointers'],
  ['fail("no %s in %d", "luck", 7)', 'no luck in 7'],
  ['fail("%d %s", false, true)', '0 true'],
  ['signal("KILL")', 'signal() is unsafe. To use you need the --unsafe flag'],
  ['print(socket_cookie(0))', 'socket_cookie can not be used with "begin" probes'],
  ['print((enum nowhere)1)', 'Unknown enum: nowhere'],
  ['if (exit()) { }', 'Invalid condition: none'],
])('%s: %s', (body, expected) => {
  expect(messages(`begin { ${body} }`).join('\n')).toContain(expected);
});
