import { expect, test } from 'vitest';
import { expandCMacros, readPreamble } from '../../src/typecheck/preamble.ts';
import { runPasses } from './run-pass.ts';

const PASSES = [readPreamble, expandCMacros];

test.each([
  ['#define N 5', 'N', '5'],
  ['#define N (2 + 3)', 'N', '2 + 3'],
  ['#define N 5\n#define M N', 'M', 'N'],
  ['#define N 5\n#define M (N + 1)', 'M', '5 + 1'],
  ['#define NAME "x"', 'NAME', '"x"'],
  // As in bpftrace: the text is that of the tokens, and a definition is remembered whatever becomes of it.
  ['#define F(x) x', 'F', '(x)x'],
  ['#define N 5 5', 'N', '55'],
  ['#define N 5\n#undef N', 'N', '5'],
  ['#ifdef BPFTRACE_HAVE_BTF\n#define N 1\n#else\n#define N 2\n#endif', 'N', '1'],
])('after %s, %s is %s', (definitions, word, expected) => {
  const { text, messages } = runPasses(`${definitions}\nbegin { print(${word}); }`, PASSES);
  expect(messages).toEqual([]);
  expect(/print\((.*)\);/.exec(text)?.[1]).toBe(expected);
});

test('types and enumerators of the preamble are defined, above those of the machine', () => {
  const { context } = runPasses('struct task_struct { int own; };\nenum color { RED = 3, BLUE };\nbegin { }', [
    readPreamble,
  ]);
  expect(context.definitions.types.struct('task_struct')?.members.map(({ name }) => name)).toEqual(['own']);
  expect(context.definitions.enumerators.get('BLUE')?.value).toBe(4n);
});

test('a script without a preamble keeps the definitions as they are', () => {
  const { context } = runPasses('begin { }', [readPreamble]);
  expect(context.definitions.macros.size).toBe(0);
});

test.each([
  ['#define A (B + 1)\n#define B (A + 1)', 'A', 'error: Macro recursion: A->B'],
  ['#define A 5 +', 'A', 'error: unable to expand macro as an expression: 5+'],
])('%s is no expression', (definitions, word, message) => {
  expect(runPasses(`${definitions}\nbegin { print(${word}); }`, PASSES).messages).toEqual([message]);
});

test('what clang refuses, it refuses in its own words', () => {
  const [message] = runPasses('#include <nosuch.h>\nbegin { }', [readPreamble]).messages;
  expect(message).toMatch(/^error: definitions\.h:2:10: fatal error: 'nosuch\.h' file not found\n/);
  expect(message).toMatch(/\nClang parse error$/);
});
