import { expect, test } from 'vitest';
import { checkText, mapTypes, messages } from './check-text.ts';

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
  ['print(nsecs(5))', 'nsecs() only supports timestamp_mode arguments (int provided)'],
  ['unwatch("a")', 'unwatch() only supports int arguments (string provided)'],
  ['unwatch()', 'unwatch() requires one argument (0 provided)'],
  ['print(dw_ustack(3, perf))', 'Expected stack mode as first argument'],
  ['@m[1] = 1; print(is_scalar(@m, 1))', 'is_scalar() requires 1 argument (2 provided)'],
  ['while ("a") { break; }', 'Invalid condition: string'],
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

test.each<[string, readonly string[]]>([
  ['path(1, 2, 3)', ['path() takes up to 2 arguments (3 provided)']],
  [
    'path(1, -1)',
    [
      'path: invalid size value, need non-negative literal',
      "The path function can only be used with 'fentry', 'fexit', 'iter' probes",
    ],
  ],
  ['fail("x", pid, tid)', ['fail() arguments need to be literals', 'fail() arguments need to be literals']],
  ['unroll(pid) { pid(1); }', ['invalid unroll value']],
])('%s says %j, in this order', (body, expected) => {
  const found = checkText(`begin { ${body} }`).diagnostics.filter(({ severity }) => severity === 'error');
  expect(found.map(({ message }) => message)).toEqual(expected);
});

test('dw_ustack() asks for a process from the start', () => {
  const script = 'config = { unstable_dw_ustack=enable } kprobe:vfs_read { @[dw_ustack(perf, 3)] = count(); }';
  expect(messages(script)).toEqual([
    'error: dw_ustack requires a target process. Use -p, -c, or --dwarf-pid to specify one.',
  ]);
  expect(mapTypes(script, { pid: 7 })).toEqual({ '@': 'count_t', '@[]': 'ustack_perf_3' });
});
