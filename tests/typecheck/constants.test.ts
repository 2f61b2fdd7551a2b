import { expect, test } from 'vitest';
import { parseAttachPoints } from '../../src/typecheck/attach-points.ts';
import { foldConstants } from '../../src/typecheck/constants.ts';
import type { PassContext } from '../../src/typecheck/context.ts';
import { runPasses } from './run-pass.ts';

const PASSES = [parseAttachPoints, foldConstants];

/** What stands in a print() after the pass. */
function folded(probe: string, expression: string, given: Partial<PassContext> = {}): string {
  const { text } = runPasses(`${probe} { print(${expression}); }`, PASSES, given);
  return /print\((.*)\);/.exec(text)?.[1] ?? text;
}

test.each([
  ['kprobe:vfs_read', 'probe', '"kprobe:vfs_read"'],
  ['k:vfs_read', 'probetype', '"kprobe"'],
  ['begin', 'probetype', '"special"'],
  ['begin', 'ncpus', '(uint64)4'],
  ['begin', 'cpid', '(uint64)0'],
  ['begin', '__builtin_arch', '"x86_64"'],
  ['begin', '__builtin_safe_mode', 'true'],
  ['begin', 'usermode', '1'],
  ['fentry:vfs_read', 'usermode', '0'],
  ['kprobe:vfs_read', 'usermode', 'usermode'],
  ['begin', 'is_literal("a")', 'true'],
  ['begin', 'is_literal(pid)', 'false'],
  ['begin', 'kfunc_exist("bpf_map_sum_elem_count")', 'false'],
  ['begin', 'kaddr("jiffies")', '18446744071595622400'],
  ['begin', 'kaddr(@name)', 'kaddr(@name)'],
  ['begin', 'config.max_strlen', '1024'],
  ['begin', 'pid', 'pid'],
])('%s { print(%s) } prints %s', (probe, expression, expected) => {
  const shown = folded(probe, expression);
  // The whole configuration is a record, of which one field is asked for.
  if (expression.startsWith('config.')) expect(shown).toContain(`max_strlen=${expected}`);
  else expect(shown).toBe(expected);
});

test('the child of -c has a PID, and --unsafe shows', () => {
  expect(folded('begin', 'cpid', { childPid: 77 })).toBe('(uint64)77');
  expect(folded('begin', '__builtin_safe_mode', { unsafe: true })).toBe('false');
});

test.each([
  ['fn f(): void { print(probe); }', 'error: probe can only be used inside of a probe.'],
  ['begin { signal("SIGNOTHING"); }', 'error: Invalid string for signal: SIGNOTHING'],
  ['begin { signal(0); }', 'error: signal() accepts a string literal or an integer between 1 and 64 (inclusive)'],
  ['begin { print(kaddr("nowhere")); }', 'error: Failed to resolve kernel symbol: nowhere'],
  ['begin { print(kfunc_exist(1)); }', 'error: kfunc_exist() accepts a string literal only'],
])('%s is refused', (text, message) => {
  expect(runPasses(text, PASSES).messages).toEqual([message]);
});

test('a signal by its name is its number', () => {
  expect(runPasses('begin { signal("KILL"); signal_thread("SIGUSR1"); }', PASSES).text).toContain(
    'signal(9); signal_thread(10);',
  );
});
