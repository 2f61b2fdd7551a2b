import { describe, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';
import { judgeLine } from '../../src/pipeline/bpf-jsonl.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';

// Objects of JavaScript answer to these names without having been given them: a table read by a user's word must not.
const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];

/** What a script is refused for, NAME standing for the word and no place in front. */
const REFUSED: readonly (readonly [what: string, script: string, message: string])[] = [
  ['a function', 'begin { NAME(); }', "Unknown function: 'NAME'"],
  ['a builtin', 'begin { print(NAME); }', "Unknown identifier: 'NAME'"],
  ['a type of a cast', 'begin { $x = (NAME)1; }', 'Cannot resolve unknown type "NAME"'],
  ['a type of a declaration', 'begin { let $x: NAME = 1; }', 'Cannot resolve unknown type "NAME"'],
  ['a struct', 'begin { $x = (struct NAME *)1; }', 'Cannot resolve unknown type "struct NAME"'],
  ['a variable', 'begin { print($NAME); }', 'Undefined or undeclared variable: $NAME'],
  ['a map', 'begin { print(@NAME); }', 'Undefined map: @NAME'],
  ['a map type', 'let @a = NAME(10); begin { @a[1] = 1; }', 'Invalid bpf map type: NAME'],
  ['a probe kind', 'NAME:a { }', 'Invalid probe type: NAME'],
  ['a kernel function', 'kprobe:NAME { }', 'No matches for kprobe NAME.'],
  ['a tracepoint', 'tracepoint:NAME:NAME { }', 'No matches for tracepoint NAME:NAME.'],
  ['a unit of time', 'interval:NAME:1 { }', 'NAME is not an accepted unit of time'],
  ['a software event', 'software:NAME:1 { }', 'NAME is not a software probe'],
  ['a hardware event', 'hardware:NAME:1 { }', 'NAME is not a hardware probe'],
  [
    'a field of args',
    'tracepoint:syscalls:sys_enter_read { print(args.NAME); }',
    "Struct/union of type 'struct trace_event_raw_sys_enter_read' does not contain a field named 'NAME'",
  ],
  [
    'a field of a struct',
    'fentry:vfs_read { print(args.file->NAME); }',
    "Struct/union of type 'struct file' does not contain a field named 'NAME'",
  ],
  ['a config key', 'config = { NAME = 1 } begin { }', 'NAME: not a known configuration option'],
  ['a signal', 'begin { signal("NAME"); }', 'Invalid string for signal: NAME'],
  ['a kernel symbol', 'begin { print(kaddr("NAME")); }', 'Failed to resolve kernel symbol: NAME'],
  [
    'a register',
    'kprobe:vfs_read { print(reg("NAME")); }',
    "'NAME' is not a valid register on this architecture (x86_64)",
  ],
  ['an import', 'import "NAME"; begin { }', 'Unable to find suitable path for import'],
  ['a type of C', 'struct a { NAME x; }; begin { }', "unknown type name 'NAME'"],
  ['a header', '#include <NAME>\nbegin { }', "'NAME' file not found"],
];

/** What a command line is refused for. */
const MISUSED: readonly (readonly [what: string, args: readonly string[], message: string])[] = [
  ['a stage', ['-d', 'NAME'], 'ERROR: USAGE: invalid option for -d: NAME'],
  [
    'a scenario',
    ['--scenario', 'NAME'],
    `ERROR: USAGE: --scenario must be one of ${Object.keys(SCENARIOS).join(', ')}, or a YAML file.`,
  ],
  ['an engine', ['--jit', 'NAME'], 'ERROR: USAGE: --jit must be one of auto, js, wasm, interp.'],
  ['an output format', ['-f', 'NAME'], 'ERROR: Invalid output format "NAME"'],
  ['an option', ['--NAME'], "tsbpftrace: unrecognized option '--NAME'"],
];

describe.each(NAMES)('%s', (name) => {
  const fill = (text: string): string => text.replaceAll('NAME', () => name);

  test.each(REFUSED)('is not %s', async (_, script, message) => {
    const { stdout, stderr, exitCode } = await runArguments(['-e', fill(script)]);
    expect(stdout).toBe('');
    expect(stderr.split('\n')[0]!.replace(/^\S+: (?:fatal )?error: /i, '')).toBe(fill(message));
    expect(exitCode).not.toBe(0);
  });

  test.each(MISUSED)('is not %s', async (_, args, message) => {
    const { stderr, exitCode } = await runArguments([...args.map(fill), '-e', 'begin { }']);
    expect([stderr.split('\n')[0], exitCode]).toEqual([fill(message), 1]);
  });

  test('may be the name of whatever a script defines', async () => {
    const script = fill(
      'struct NAME { int NAME; }; macro NAME(x) { x + 1 } ' +
        'begin { $NAME = NAME(3); @NAME = $NAME + sizeof(struct NAME); exit(); }',
    );
    const { stdout, exitCode } = await runArguments(['-q', '-e', script]);
    expect([stdout.trim(), exitCode]).toEqual([fill('@NAME: 8'), 0]);
  });

  test('is neither a helper, a map type nor a program type of raw programs', async () => {
    const run = (assembly: string) => runArguments(['bpf', 'verify', '-'], {}, '.', [fill(assembly)]);
    expect((await run('call NAME\nexit\n')).stderr).toContain(fill("'NAME'"));
    expect((await run('.map m NAME 4 4 4\nr0 = 0\nexit\n')).stderr).toContain(fill("no map type 'NAME'"));
    expect((await run('.type NAME\nr0 = 0\nexit\n')).stderr).toContain(fill("no program type 'NAME'"));
    const judged = (rest: object) => judgeLine(JSON.stringify({ insns: [], ...rest }), 1, undefined).error;
    expect(judged({ maps: [[name, name, 4, 4, 4]] })).toBe(fill('line 1: "maps": no map type "NAME"'));
    expect(judged({ type: name })).toBe(fill("line 1: no program type 'NAME'"));
  });
});
