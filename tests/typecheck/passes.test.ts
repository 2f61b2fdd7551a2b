import { describe, expect, test } from 'vitest';
import { checkText, mapTypes, messages } from './check-text.ts';

describe('folding', () => {
  test.each([
    ['1 + 2 * 3', '7'],
    ['-5', '-5'],
    ['~0', '18446744073709551615'],
    ['7 / 2', '3'],
    ['1 << 40', '1099511627776'],
    ['18446744073709551615 - 1', '18446744073709551614'],
  ])('%s is the literal %s', (expression, expected) => {
    const { typed } = checkText(`begin { $x = ${expression} }`);
    const [statement] = typed!.probes[0]!.body.statements;
    expect(statement).toMatchObject({ value: { kind: 'integer', value: BigInt(expected) } });
  });

  test.each(['18446744073709551615 + 1', '1 / 0', '1 << 64', '-9223372036854775808 - 1'])('%s overflows', (text) => {
    expect(messages(`begin { print(${text}) }`)).toEqual([
      `error at ${text}: unable to fold literals due to overflow or underflow`,
    ]);
  });

  test('positional parameters are integers in any spelling, else text', () => {
    expect(mapTypes('begin { @a = $1; @b = $2; @c = $#; @d = str($1) }', { positional: ['0x1ff', 'word'] })).toEqual({
      '@a': 'int16',
      '@b': 'string[5]',
      '@c': 'int8',
      '@d': 'string[6]',
    });
  });

  test('a missing positional parameter is 0 and warned about', () => {
    expect(messages('begin { print($1) }')).toEqual([
      'warning at $1: Positional parameter $1 is empty or not provided. ',
    ]);
  });

  test('if comptime keeps the branch that is taken', () => {
    expect(mapTypes('begin { if comptime (sizeof(int8) == 1) { @a = 1 } else { @a = "no" } }')).toEqual({
      '@a': 'int8',
    });
  });
});

describe('attach points', () => {
  test.each<[string, readonly string[]]>([
    ['begin', ['begin']],
    ['BEGIN, end', ['begin', 'end']],
    ['kprobe:vfs_read', ['kprobe:vfs_read']],
    ['k:vfs_*', ['kprobe:vfs_*']],
    ['k:vmlinux:vfs_*', ['kprobe:vmlinux:vfs_open', 'kprobe:vmlinux:vfs_read', 'kprobe:vmlinux:vfs_write']],
    ['f:vfs_read', ['fentry:vmlinux:vfs_read']],
    ['t:syscalls:sys_e*_openat', ['tracepoint:syscalls:sys_enter_openat', 'tracepoint:syscalls:sys_exit_openat']],
    ['interval:s:1', ['interval:s:1']],
    ['interval:1s', ['interval:us:1000000']],
    ['profile:hz:99', ['profile:hz:99']],
  ])('%s attaches as %j', (attachPoint, expected) => {
    expect(checkText(`${attachPoint} { @ = 1 }`).typed!.probes.map((probe) => probe.probeName)).toEqual(expected);
  });

  test.each<[string, string]>([
    ['interval:s:0', 'interval frequency should be a positive integer'],
    ['interval:min:1', 'min is not an accepted unit of time'],
    ['kprob:x', 'Invalid probe type: kprob'],
    ['kprobe:a:b:c', 'kprobe probe type requires 1 or 2 arguments, found 3'],
    ['kprobe:vfs_read+x', 'Invalid offset: invalid integer: x'],
    ['kretprobe:vfs_read+4', 'Offset not allowed'],
    ['tracepoint:syscalls:nope', 'No matches for tracepoint syscalls:nope.'],
    ['software:nope:1', 'nope is not a software probe'],
    ['iter:task*', 'iter probe type does not support wildcards'],
  ])('%s: %s', (attachPoint, expected) => {
    expect(messages(`${attachPoint} { @ = 1 }`)).toContain(`error at ${attachPoint}: ${expected}`);
  });

  test('the kinds of probe that a builtin needs are checked for every attach point', () => {
    expect(messages('begin { print(retval) }')[0]).toContain("The retval builtin can only be used with 'kretprobe'");
    expect(messages('tracepoint:syscalls:sys_exit_openat { print(arg0) }')[0]).toContain('The arg0 builtin can only');
    expect(messages('interval:s:1 { print(args) }')[0]).toContain('(interval used here)');
    expect(messages('kprobe:vfs_read { print(arg7) }')).toEqual(["error at arg7: x86_64 doesn't support arg7"]);
  });

  test('-p filters probes that fire for every process', () => {
    const { typed } = checkText('kprobe:vfs_read { @ = 1 } interval:s:1 { @ = 2 }', { pid: 7 });
    expect(typed!.probes.map((probe) => probe.predicate?.kind)).toEqual(['binary', undefined]);
  });
});

describe('macros', () => {
  test('variables of a macro do not meet those of its caller', () => {
    expect(mapTypes('macro twice(e) { $x = e; $x * 2 } begin { $x = "text"; @a = twice(5); @b = $x }')).toEqual({
      '@a': 'int64',
      '@b': 'string[5]',
    });
  });

  test('a variable passed by reference is assigned', () => {
    expect(mapTypes('macro set($v) { $v = 300 } begin { $y = 1; set($y); @a = $y }')).toEqual({ '@a': 'int16' });
  });

  test.each<[string, string]>([
    [
      'macro m() { @x = 1 } begin { m() }',
      'Unhygienic access to map: @x. Maps must be passed into the macro as arguments.',
    ],
    ['macro m($v) { $v } begin { print(m(1)) }', 'Call to m() has arguments that do not match any definition.'],
    ['macro a() { b() } macro b() { a() } begin { a() }', 'Recursive macro call detected. Call chain: a > b > a'],
    ['macro m(a) { a } macro m(b) { b } begin { m(1) }', 'Redefinition of macro: m'],
  ])('%s: %s', (text, expected) => {
    expect(messages(text).join('\n')).toContain(expected);
  });

  test('C macros and enums of the preamble are values', () => {
    expect(mapTypes('#define LIMIT 300\nenum mode { OFF, ON = 5 };\nbegin { @a = LIMIT; @b = ON }')).toEqual({
      '@a': 'int16',
      '@b': 'enum mode',
    });
  });
});

describe('variables and control flow', () => {
  test.each<[string, readonly string[]]>([
    ['print($x)', ['error at $x: Undefined or undeclared variable: $x']],
    ['let $x; print($x); $x = 1', ['warning at $x: Variable used before it was assigned: $x']],
    ['let $x;', ['warning at let $x: Variable $x was never assigned to.']],
    ['{ $x = 1; } print($x)', ['error at $x: Undefined or undeclared variable: $x']],
    ['break;', ["error at break: 'break' statement is not allowed in a probe"]],
    ['return; print(1);', ['warning at print(1);: Unreachable statement.']],
    ['for ($i : 0..3) { exit() }', ["error at exit(): 'return' statement is not allowed in a for-loop"]],
    ['for ($i : 0..3) { return; }', []],
    ['unroll(101) { @ = 1 }', [expect.stringContaining('unroll maximum value is 100')]],
  ])('%s', (body, expected) => {
    const found = messages(`begin { ${body} }`).map((message) =>
      message.replace(/^(error at (?:break|return));/, '$1'),
    );
    expect(found).toEqual(expected);
  });

  test('an unrolled body is there as often as it runs', () => {
    const { typed } = checkText('begin { unroll(3) { @ = 1 } }');
    expect(typed!.probes[0]!.body.statements).toMatchObject([{ kind: 'block', statements: [{}, {}, {}] }]);
  });
});

describe('maps and calls', () => {
  test.each<[string, string]>([
    ['@a = 1; @a[1] = 2', '@a used as a map with an explicit key'],
    ['@a[1] = 1; print(@a + 1)', '@a used as a map without an explicit key'],
    ['@a = 1; for ($kv : @a) { }', '@a has no explicit keys (scalar map), and cannot be used for iteration'],
    ['@a[1] = 1; delete(@a)', 'call to delete() with a single argument expects a map without explicit keys'],
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
  ])('%s: %s', (body, expected) => {
    expect(messages(`begin { ${body} }`).join('\n')).toContain(expected);
  });

  test('implicit conversions are casts in the tree', () => {
    const { typed } = checkText('begin { @a[1] = 1; @a[70000] = 300 }');
    const [statement] = typed!.probes[0]!.body.statements;
    expect(statement).toMatchObject({
      target: { key: { kind: 'cast', operand: { kind: 'integer' } } },
      value: { kind: 'cast', operand: { kind: 'integer' } },
    });
  });

  test('every expression that is left has a type, every variable a symbol', () => {
    const { typed } = checkText('begin { $x = 5; if ($x > 3) { @a[$x, comm] = count(); print(@a) } }');
    expect(typed!.variables.size).toBeGreaterThan(2);
    for (const [variable, symbol] of typed!.variables) {
      expect(symbol.name).toBe(variable.name);
      expect(typed!.types.get(variable)).toEqual(symbol.type);
    }
  });
});

describe('configuration', () => {
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
});
