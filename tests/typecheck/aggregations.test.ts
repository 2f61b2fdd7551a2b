import { expect, test } from 'vitest';
import { checkText, messages } from './check-text.ts';

test.each<[string, string]>([
  ['@ = tseries(-6, 1s, 5)', 'signed'],
  ['@ = tseries(nsecs, 1s, 5)', 'unsigned'],
])('%s keeps %s values', (statement, sign) => {
  const { typed } = checkText(`config = { unstable_tseries = enable } begin { ${statement} }`);
  expect(typed!.maps.get('')!.value).toMatchObject({ kind: 'tseries', signed: sign === 'signed' });
});

test('a time series keeps the type of its first value', () => {
  const text = 'config = { unstable_tseries = enable } begin { @ = tseries(1, 1s, 5); @ = tseries(1000, 1s, 5) }';
  expect(messages(text).join()).toContain('Different tseries bounds in a single map unsupported');
});
