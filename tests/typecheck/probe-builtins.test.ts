import { expect, test } from 'vitest';
import { mapTypes, messages } from './check-text.ts';

test('the kinds of probe that a builtin needs are checked for every attach point', () => {
  expect(messages('begin { print(retval) }')[0]).toContain("The retval builtin can only be used with 'kretprobe'");
  expect(messages('tracepoint:syscalls:sys_exit_openat { print(arg0) }')[0]).toContain('The arg0 builtin can only');
  expect(messages('interval:s:1 { print(args) }')[0]).toContain('(interval used here)');
  expect(messages('kprobe:vfs_read { print(arg7) }')).toEqual(["error at arg7: x86_64 doesn't support arg7"]);
});

test('what a script spells as the library does is the same builtin', () => {
  expect(messages('begin { print(__builtin_retval) }')[0]).toContain('The retval builtin can only be used');
  expect(mapTypes('kretprobe:vfs_read { @ = __builtin_retval }')).toEqual({ '@': 'uint64' });
});

test('outside a probe there is no context', () => {
  expect(messages('fn f(): uint64 { return (uint64)func; } begin { @ = f() }').join()).toContain(
    'Builtin __builtin_func not supported outside probe',
  );
});
