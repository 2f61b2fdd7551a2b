import { expect, test } from 'vitest';
import { checkText } from './check-text.ts';

test('-p filters probes that fire for every process', () => {
  const { typed } = checkText('kprobe:vfs_read { @ = 1 } interval:s:1 { @ = 2 }', { pid: 7 });
  expect(typed!.probes.map((probe) => probe.predicate?.kind)).toEqual(['binary', undefined]);
});
