import { expect, test } from 'vitest';
import { renderMessage } from '../../../src/typecheck/c/messages.ts';
import { preprocess } from '../../../src/typecheck/c/preprocess.ts';

function run(text: string, headers: Readonly<Record<string, string>> = {}) {
  const result = preprocess({
    files: [{ name: 'main.h', text }],
    include: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
    defines: { GIVEN: '7' },
  });
  return { text: result.tokens.map((token) => token.text).join(' '), messages: result.messages.map(renderMessage) };
}

test.each<[string, string, string]>([
  ['an object-like macro is replaced', '#define A 1 + 2\nA', '1 + 2'],
  ['a macro given from outside is known', 'GIVEN', '7'],
  ['a macro may be defined after its use in another', '#define A B\n#define B 2\nA', '2'],
  ['a macro does not expand in itself', '#define A A + B\n#define B A\nA', 'A + A'],
  ['a function-like macro takes arguments', '#define F(x, y) y x\nF(1, (2, 3))', '( 2 , 3 ) 1'],
  ['its name alone is left', '#define F(x) x\nF + 1', 'F + 1'],
  ['a call may span lines', '#define F(x) [x]\nF(\n1\n)', '[ 1 ]'],
  ['arguments are expanded first', '#define ONE 1\n#define F(x) x x\nF(ONE)', '1 1'],
  ['a space makes the macro object-like', '#define F (x) x\nF', '( x ) x'],
  ['# makes a string of the argument as written', '#define ONE 1\n#define S(x) #x\nS(a ONE)', '"a ONE"'],
  ['## joins tokens', '#define J(a, b) a##b\nJ(x, 1) J(0x, ff)', 'x1 0xff'],
  ['## takes its operands as written', '#define ONE 1\n#define J(a, b) a##b\nJ(ONE, 2)', 'ONE2'],
  ['variable arguments keep their commas', '#define F(a, ...) a : __VA_ARGS__\nF(1, 2, 3)', '1 : 2 , 3'],
  ['an undefined macro is left', '#define A 1\n#undef A\nA', 'A'],
  ['a backslash continues a line', '#define A 1 \\\n + 2\nA', '1 + 2'],
  ['comments are blanks', 'a/* x\ny */b // c\nd', 'a b d'],
  ['strings keep what looks like comments', '"/* x */" "a\\"b"', '"/* x */" "a\\"b"'],
  ['#ifdef takes its group', '#define A\n#ifdef A\nyes\n#else\nno\n#endif', 'yes'],
  ['#ifndef takes the other', '#define A\n#ifndef A\nyes\n#else\nno\n#endif', 'no'],
  ['the first true #elif wins', '#define N 2\n#if N == 1\na\n#elif N == 2\nb\n#elif N < 9\nc\n#else\nd\n#endif', 'b'],
  ['a skipped group hides all in it', '#if 0\n#define A 1\n#error no\n#if 1\nx\n#endif\n#endif\nA', 'A'],
  ['defined needs no parentheses', '#define A\n#if defined A && !defined(B)\nyes\n#endif', 'yes'],
  ['an unknown name counts as 0', '#if UNKNOWN\nyes\n#else\nno\n#endif', 'no'],
  [
    '#if knows arithmetic',
    "#if (1 << 4 | 3) == 0x13 && 'a' == 97 && (1 ? 2 : 3) == 2 && -7 / 2 == -3\nyes\n#endif",
    'yes',
  ],
  ['#if expands function-like macros', '#define V(a, b) (a * 10 + b)\n#if V(7, 2) >= 72\nyes\n#endif', 'yes'],
])('%s', (_, input, output) => {
  expect(run(input)).toEqual({ text: output, messages: [] });
});

test('headers are read where they are included, each with its own conditionals', () => {
  const headers = { 'a.h': '#pragma once\n#define A 1\nfrom_a\n', 'b.h': '#include "a.h"\n#include <a.h>\nfrom_b' };
  expect(run('#include <b.h>\n#include "a.h"\nA', headers)).toEqual({ text: 'from_a from_b 1', messages: [] });
});

test('__has_include asks for a header', () => {
  const text = '#if __has_include(<a.h>) && !__has_include("b.h")\nyes\n#endif';
  expect(run(text, { 'a.h': '' }).text).toBe('yes');
});

test.each<[string, string]>([
  ['x\n#include <no/such.h>\n#error later', "main.h:2:10: fatal error: 'no/such.h' file not found"],
  ['#include "no.h"', "main.h:1:10: fatal error: 'no.h' file not found"],
  ['#if 1\nx', 'main.h:1:1: error: unterminated conditional directive'],
  ['#endif', 'main.h:1:1: error: #endif without #if'],
  ['#else', 'main.h:1:1: error: #else without #if'],
  ['#if 1\n#else\n#else\n#endif', 'main.h:3:1: error: #else after #else'],
  ['#error needs  this', 'main.h:1:2: error: needs this'],
  ['#frobnicate', 'main.h:1:2: error: invalid preprocessing directive'],
  ['#define', 'main.h:1:2: error: macro name missing'],
  ['#define 1', 'main.h:1:9: error: macro name must be an identifier'],
  ['#if\n#endif', 'main.h:1:1: error: expected value in expression'],
  ['#if 1 / 0\n#endif', 'main.h:1:7: error: division by zero in preprocessor expression'],
])('%j is reported in the words of clang', (input, message) => {
  expect(run(input).messages).toEqual([message]);
});

test('a macro redefined differently is a warning that says where it was', () => {
  expect(run('#define A 1\n#define A 1\n#define A 2').messages).toEqual([
    "main.h:3:9: warning: 'A' macro redefined [-Wmacro-redefined]",
    'main.h:2:9: note: previous definition is here',
  ]);
});

test('a header that includes itself without end is reported', () => {
  expect(run('#include "a.h"', { 'a.h': '#include "a.h"' }).messages).toEqual([
    'a.h:1:10: fatal error: #include nested too deeply',
  ]);
});
