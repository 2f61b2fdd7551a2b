import { expect, test } from 'vitest';
import { typed } from '../bytecode/compile-script.ts';

/** The programs of a script; with `+` those that run at the return, too. */
const programs = (script: string): readonly string[] =>
  typed(script).probes.map(({ name, returns }) => `${name}${returns === undefined ? '' : '+'}`);

test.each<[string, string, readonly string[]]>([
  ['a kprobe and a kretprobe of one function', 'kprobe:vfs_read {} kretprobe:vfs_read {}', ['kprobe_vfs_read_1+']],
  ['their order', 'kretprobe:vfs_read {} kprobe:vfs_read {}', ['kprobe_vfs_read_1+']],
  ['one pattern', 'kprobe:vfs_* {} kretprobe:vfs_* {}', ['kprobe_vfs___1+']],
  ['predicates', 'kprobe:vfs_read /arg0/ {} kretprobe:vfs_read /retval/ {}', ['kprobe_vfs_read_1+']],
])('%s: one session program', (_what, script, expected) => {
  expect(programs(script)).toEqual(expected);
});

test.each<[string, string, readonly string[]]>([
  ['a function and a pattern', 'kprobe:vfs_read {} kretprobe:vfs_* {}', ['kprobe_vfs_read_1', 'kretprobe_vfs___1']],
  [
    'two kretprobes of the function',
    'kprobe:vfs_read {} kretprobe:vfs_read {} kretprobe:vfs_read {}',
    ['kprobe_vfs_read_1', 'kretprobe_vfs_read_1', 'kretprobe_vfs_read_2'],
  ],
  [
    'a probe with two attach points',
    'kprobe:vfs_read, begin {} kretprobe:vfs_read {}',
    ['kprobe_vfs_read_1', 'begin_1', 'kretprobe_vfs_read_1'],
  ],
  ['an offset', 'kprobe:vfs_read+4 {} kretprobe:vfs_read {}', ['kprobe_vfs_read_4_1', 'kretprobe_vfs_read_1']],
  [
    'a module',
    'kprobe:vmlinux:vfs_read {} kretprobe:vfs_read {}',
    ['kprobe_vmlinux_vfs_read_1', 'kretprobe_vfs_read_1'],
  ],
  [
    'the builtin probe',
    'kprobe:vfs_read { print(probe); } kretprobe:vfs_read {}',
    ['kprobe_vfs_read_1', 'kretprobe_vfs_read_1'],
  ],
])('%s: programs of their own', (_what, script, expected) => {
  expect(programs(script)).toEqual(expected);
});

test('of two kprobes the first shares the program of the kretprobe', () => {
  expect(programs('kprobe:vfs_read {} kprobe:vfs_read {} kretprobe:vfs_read {}')).toEqual([
    'kprobe_vfs_read_1+',
    'kprobe_vfs_read_2',
  ]);
});

test('each half is checked as the probe that it is', () => {
  expect(() => typed('kprobe:vfs_read { print(retval); } kretprobe:vfs_read {}')).toThrow('The retval builtin');
  expect(() => typed('kprobe:vfs_read {} kretprobe:vfs_read { print(arg0); }')).toThrow('The arg0 builtin');
});
