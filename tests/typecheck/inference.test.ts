import { expect, test } from 'vitest';
import { mapTypes, messages } from './check-text.ts';

test.each<[string, Readonly<Record<string, string>>]>([
  ['@a = 1', { '@a': 'int8' }],
  ['@a = 1; @a = 300', { '@a': 'int16' }],
  ['@a = 1; @a = -1', { '@a': 'int8' }],
  ['@a = pid', { '@a': 'uint32' }],
  ['@a = nsecs; @a = 1', { '@a': 'uint64' }],
  ['@a = 5 + pid', { '@a': 'uint64' }],
  ['@a = pid - 1', { '@a': 'int64' }],
  ['@a = 5 == pid', { '@a': 'bool' }],
  ['@a = "hi"; @a = "longer"', { '@a': 'string[7]' }],
  ['@a++', { '@a': 'int64' }],
  ['@a = comm', { '@a': 'string[16]' }],
  ['@a = (1, "x")', { '@a': '(int8,string[2])' }],
  ['@a = (x=1, y="no")', { '@a': 'record { .x = int8, .y = string[3] }' }],
  ['@a[1] = 2; @a[pid] = 3', { '@a': 'int8', '@a[]': 'uint32' }],
  ['@a[comm, 1] = count()', { '@a': 'count_t', '@a[]': '(string[16],int8)' }],
  ['@a = sum(5)', { '@a': 'sum_t' }],
  ['@a = sum(nsecs)', { '@a': 'usum_t' }],
  ['@a = hist(5)', { '@a': 'hist_t' }],
  ['@a = count(); @b = (int64)@a', { '@a': 'count_t', '@b': 'int64' }],
  ['@a = 1; @a = @b; @b = 70000', { '@a': 'int32', '@b': 'int32' }],
  ['$x = (1, 2); @a = $x.1', { '@a': 'int8' }],
  ['@a = 1 ? "yes" : "no"', { '@a': 'string[4]' }],
  ['@a = bswap((uint16)5)', { '@a': 'uint16' }],
  ['@a = str(5, 9)', { '@a': 'string[2]' }],
  ['@a = curtask', { '@a': 'struct task_struct *' }],
  ['@a = curtask.pid', { '@a': 'int32' }],
  ['@a = curtask->real_parent->comm', { '@a': 'string[16]' }],
  ['@a = ppid', { '@a': 'int32' }],
  ['@a = kstack(3)', { '@a': 'kstack_bpftrace_3' }],
  ['@a = sizeof(int32)', { '@a': 'int8' }],
  ['@a = offsetof(struct task_struct, comm)', { '@a': 'int8' }],
  ['@a = typeinfo(pid).full_type', { '@a': 'string[7]' }],
  ['let $x: uint16 = 5; @a = $x', { '@a': 'uint16' }],
  ['for ($i : 0..300) { @a = $i }', { '@a': 'int16' }],
  ['@m["k"] = 1; for ($kv : @m) { @a = $kv }', { '@m': 'int8', '@m[]': 'string[2]', '@a': '(string[2],int8)' }],
  ['@a = pton("10.0.0.1")', { '@a': 'uint8[4]' }],
  ['@a = ncpus', { '@a': 'uint64' }],
  ['@a = kaddr("jiffies")', { '@a': 'uint64' }],
])('%s', (body, expected) => {
  expect(mapTypes(`config = { unstable_typeinfo = enable } begin { ${body} }`)).toEqual(expected);
});

test.each<[string, string, string]>([
  ['tracepoint:syscalls:sys_enter_openat', 'args.dfd', 'uint64'],
  ['tracepoint:syscalls:sys_enter_openat', 'args.filename', 'int8 *'],
  ['fentry:vfs_read', 'args.count', 'uint64'],
  ['fentry:vfs_read', 'args.task->pid', 'int32'],
  ['fexit:vfs_read', 'retval', 'int32'],
  ['kretprobe:vfs_read', 'retval', 'uint64'],
  ['kprobe:vfs_read', 'arg1', 'uint64'],
  ['kprobe:vfs_read', 'func', 'ksym_t'],
  ['kprobe:vfs_read', 'probe', 'string[16]'],
])('in %s, %s is %s', (probe, expression, expected) => {
  expect(mapTypes(`${probe} { @a = ${expression} }`)).toEqual({ '@a': expected });
});

test.each<[string, readonly string[]]>([
  [
    '@a = 1; @a = "x"',
    [
      `error at @a = "x": Type mismatch for @a: trying to assign value of type 'string[2]' when map already has a type 'int8'`,
    ],
  ],
  [
    '$a = 1; $a = "x"',
    [
      `error at $a = "x": Type mismatch for $a: trying to assign value of type 'string[2]' when variable already has a type 'int8'`,
    ],
  ],
  ['$a = 5; print($a.len)', [`error at $a.len: Can not access field 'len' on expression of type 'int8'`]],
  ['print(-"x")', [`error at -"x": The - operator can not be used on expressions of type 'string[2]'`]],
  [
    'print(curtask.nope)',
    [`error at curtask.nope: Struct/union of type 'struct task_struct' does not contain a field named 'nope'`],
  ],
  ['$x = (struct nope *)0', ['error at struct nope *: Cannot resolve unknown type "struct nope"']],
  ['@a = count(); @b = @a', [expect.stringContaining("Map value 'count_t' cannot be assigned")]],
  ['print(no_such)', [`error at no_such: Unknown identifier: 'no_such'`, expect.stringContaining('not printable')]],
  ['no_such(1)', [`error at no_such(1): Unknown function: 'no_such'`]],
])('%s is refused', (body, expected) => {
  const found = messages(`begin { ${body} }`).filter((message) => message.startsWith('error'));
  expect([...new Set(found)]).toEqual(expected);
});

test('a type that sizeof() has told may not change any more', () => {
  const found = messages('begin { $x = (int8)1; if comptime (sizeof($x) == 1) { $x = 1000 } }');
  expect(found.join('\n')).toContain('this type has been locked');
});
