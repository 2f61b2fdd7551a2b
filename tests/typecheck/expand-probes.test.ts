import { expect, test } from 'vitest';
import { spanText } from '../../src/source/source.ts';
import { checkText } from './check-text.ts';

test.each<[string, readonly string[]]>([
  ['kprobe:vfs_*', ['kprobe:vfs_*']],
  ['rawtracepoint:sched_switch', ['rawtracepoint:vmlinux:sched_switch']],
  ['kp*:vfs_read', ['kprobe:vfs_read']],
  ['uprobe:sh:main', ['uprobe:/bin/sh:main']],
  ['uprobe:/bin/*:ma*', ['uprobe:/bin/*:ma*']],
])('%s becomes %j', (attachPoint, expected) => {
  expect(checkText(`${attachPoint} { @ = 1 }`).typed!.probes.map((probe) => probe.probeName)).toEqual(expected);
});

test('a body that asks for its probe is there once for each match', () => {
  const { typed } = checkText('kprobe:vfs_* { @[probe] = 1 }');
  expect(typed!.probes.map((probe) => probe.probeName)).toEqual([
    'kprobe:vfs_open',
    'kprobe:vfs_read',
    'kprobe:vfs_write',
  ]);
});

test('what is said about one of several places says where the probe stands', () => {
  const { diagnostics } = checkText('kprobe:vfs_read, kprobe:vfs_write /pid/ { 1; }');
  expect(diagnostics.map(({ span }) => spanText(span!.expandedFrom!))).toEqual(['/pid/', '/pid/']);
  const [alone] = checkText('kprobe:vfs_read { 1; }').diagnostics;
  expect(alone!.span!.expandedFrom).toBeUndefined();
});
