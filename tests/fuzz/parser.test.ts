import { expect, test } from 'vitest';
import { format } from '../../src/ast/format.ts';
import { printAst } from '../../src/ast/print.ts';
import { parse } from '../../src/parser/parse.ts';
import { hasErrors } from '../../src/source/diagnostic.ts';
import { renderDiagnostics } from '../../src/source/render.ts';
import { createSource } from '../../src/source/source.ts';
import { randomSource, type Random } from './random-source.ts';

const SEED = 27;
const ROUNDS = 1500;

const SCRIPTS = [
  'begin { @a[1, "x"] = count(); $t = (1, (a=2, b="c")); printf("%d\\n", $t.0 + $t.1.a); }',
  'kprobe:vfs_*,uprobe:/bin/sh:"a b" /pid == 1 / 2/ { if $x { 1 } else if (2) { } for ($i : 0..10) { continue; } }',
  '#include <a.h>\nstruct s { int x[4]; } __attribute__((packed));\nconfig = { max_strlen = 64 } import "x"; let @m = hash(1);',
  'macro m($a, @b, c) { let $x : struct s * = (struct s *)$a; $x->y[1]++; -c ?: ~5ms } fn f($a : int8[4]) : int64 { return sizeof($a); }',
  'end { $x <<= 0x1f_f; _ = offsetof(struct s, a.b); &$x; comptime (1e6 - $1) ? "\\x41\\n" : $#; /* c */ } // d',
];
const SNIPPETS = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '"',
  '/',
  '//',
  '/*',
  '$',
  '@',
  '\\',
  '..',
  ';',
  ',',
  '1_',
  '0x',
  'if',
  'for',
  'é',
  '\n',
];

function mutate(text: string, random: Random): string {
  let result = text;
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(result.length + 1);
    const end = Math.min(result.length, at + random(8));
    const other = SCRIPTS[random(SCRIPTS.length)]!;
    const from = random(other.length);
    const piece = [SNIPPETS[random(SNIPPETS.length)]!, '', other.slice(from, from + random(20))][random(3)]!;
    result = result.slice(0, at) + piece + result.slice(end);
  }
  return result;
}

const read = (text: string) => parse(createSource('fuzz', text));

test(`no text crashes the parser: a program or mistakes, never both (seed ${SEED})`, () => {
  const random = randomSource(SEED);
  let programs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const text = mutate(SCRIPTS[round % SCRIPTS.length]!, random);
    const { program, comments, diagnostics } = read(text);
    expect(program === undefined, text).toBe(hasErrors(diagnostics));
    renderDiagnostics(diagnostics);
    if (program === undefined) continue;
    programs++;
    const printed = printAst(program);
    const again = read(printed);
    expect(renderDiagnostics(again.diagnostics), text).toBe('');
    expect(printAst(again.program!), text).toBe(printed);
    format(program, comments);
  }
  expect(programs).toBeGreaterThan(ROUNDS / 20);
});
