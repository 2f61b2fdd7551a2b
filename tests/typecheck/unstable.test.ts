import { expect, test } from 'vitest';
import { defaultConfig } from '../../src/typecheck/config.ts';
import { warnUnstable } from '../../src/typecheck/unstable.ts';
import { runPasses } from './run-pass.ts';

const TSERIES = 'begin { @ = tseries(1, 1s, 2); @b = tseries(1, 1s, 2); }';

test('an unstable feature is warned of once', () => {
  expect(runPasses(TSERIES, [warnUnstable]).messages).toEqual([
    'warning: Script is using an unstable feature: tseries. To prevent this warning you must explicitly enable it in ' +
      'the config e.g. unstable_tseries=enable',
  ]);
});

test.each(['enable', 'warn', 'error'])('the configuration says unstable_tseries=%s', (mode) => {
  const { messages } = runPasses(TSERIES, [warnUnstable], { config: { ...defaultConfig(), unstable_tseries: mode } });
  const refused =
    'error: tseries feature is not enabled by default. To enable this unstable feature, set the config flag to enable. ' +
    'unstable_tseries=enable';
  expect(messages.length).toBe({ enable: 0, warn: 1, error: 2 }[mode]);
  if (mode === 'error') expect(messages).toEqual([refused, refused]);
});

test.each([
  ['begin { print(typeinfo(1).base_type); }', 'typeinfo feature is not enabled by default'],
  [
    'begin { import "x.bt"; }',
    'Import statements that are not at the top level are primarily for the standard library.',
  ],
])('%s is an error unless allowed', (text, message) => {
  const { messages } = runPasses(text, [warnUnstable]);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain(`error: ${message}`);
});

test('dw_ustack is unstable when called; every while loop is deprecated, behind all else', () => {
  const { messages } = runPasses('begin { while (0) { } print(dw_ustack()); while (1) { } }', [warnUnstable]);
  expect(messages.map((message) => message.slice(0, 40))).toEqual([
    'warning: Script is using an unstable fea',
    'warning: While loops are deprecated and ',
    'warning: While loops are deprecated and ',
  ]);
});
