import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_TYPES } from '../../../src/btf/type-set.ts';
import { parseCPreamble } from '../../../src/typecheck/c/preamble.ts';

const lastLine = (text: string) =>
  parseCPreamble({ statements: [{ text }], types: NO_TYPES })
    .diagnostics[0]?.message.split('\n')
    .at(-1);
const firstLine = (text: string) =>
  parseCPreamble({ statements: [{ text }], types: NO_TYPES }).diagnostics[0]?.message.split('\n')[0];

const WORDS = [
  ...'struct union enum typedef int char unsigned const x y s t 1 0x10 8 { } ( ) [ ] ; , : * = ? + - ! # ## ... "a" __attribute__ packed aligned sizeof'.split(
    ' ',
  ),
  ...[
    '\n',
    '\n#define x',
    '\n#define x(y)',
    '\n#if',
    '\n#ifdef x',
    '\n#else',
    '\n#endif',
    '\n#undef x',
    '\n#include',
    '<stdint.h>',
    '\\\n',
    '/*',
    '*/',
    '//',
    "'c'",
    '\u00a0',
  ],
];

test('any sequence of C words gives definitions or one diagnostic', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }), (words) => {
      const { types, diagnostics } = parseCPreamble({ statements: [{ text: words.join(' ') }], types: NO_TYPES });
      expect(diagnostics.length).toBeLessThanOrEqual(1);
      for (const name of types.names('struct')) expect(types.struct(name)!.size).toBeGreaterThanOrEqual(0);
    }),
    { seed: 7, numRuns: 3000 },
  );
});

test('macros that double each time are refused instead of filling the memory', () => {
  const lines = Array.from({ length: 60 }, (_, i) => `#define A${i} A${i + 1} A${i + 1}`);
  expect(lastLine(`${lines.join('\n')}\nint A0;`)).toBe('Clang parse error');
  expect(lastLine(`${lines.join('\n')}\n#if A0\n#endif`)).toBe('Clang parse error');
});

test.each([
  ['brackets', `int x[${'('.repeat(100_000)}1];`],
  ['macro calls', `#define F(x) x\nint y = ${'F('.repeat(100_000)}1`],
  ['conditions', `#if ${'('.repeat(100_000)}\n#endif`],
])('%s nested without end are refused in the words of clang', (_, text) => {
  expect(firstLine(text)).toMatch(/: fatal error: bracket nesting level exceeded maximum of 256$/);
});

test.each([
  `enum { A = ${'-'.repeat(50_000)}1 };`,
  `#if ${'1 ? '.repeat(50_000)}\n#endif`,
  `enum { A = ${'(int)'.repeat(50_000)}1 };`,
])('operators without end are an error (%#)', (text) => {
  expect(lastLine(text)).toBe('Clang parse error');
});

test('a comment may be long', () => {
  const { types } = parseCPreamble({
    statements: [{ text: `/* ${'struct a { int x; };\n'.repeat(1000)} */ struct s { int a; };` }],
    types: NO_TYPES,
  });
  expect([...types.names('struct')]).toEqual(['s']);
});
