import { expect, test } from 'vitest';
import { checkText, mapTypes, messages } from './check-text.ts';

test('the script changes the defaults, the environment changes both', () => {
  const { typed } = checkText('config = { max_strlen = 32; stack_mode = perf } begin { @ = 1 }', {
    env: { BPFTRACE_MAX_STRLEN: '64' },
  });
  expect(typed!.config).toMatchObject({ max_strlen: 64, stack_mode: 'perf', max_map_keys: 4096 });
});

test('getopt() has the type of its default and tells the command line about itself', () => {
  const text = 'begin { @a = getopt("n", 5); @b = getopt("on"); @c = getopt("s", "x") }';
  expect(mapTypes(text, { named: ['--n=7', '--on'] })).toEqual({
    '@a': 'uint64',
    '@b': 'bool',
    '@c': 'string[1024]',
  });
  expect([...checkText(text).options.keys()]).toEqual(['n', 'on', 's']);
  expect(messages(text, { named: ['--other'] })).toEqual(['error: unexpected program command line options: --other']);
});
