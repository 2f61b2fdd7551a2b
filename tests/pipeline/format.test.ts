import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printAst } from '../../src/ast/print.ts';
import { lex } from '../../src/lexer/lex.ts';
import { parse } from '../../src/parser/parse.ts';
import { formatSource } from '../../src/pipeline/format.ts';
import { createSource } from '../../src/source/source.ts';

const CASES = join(import.meta.dirname, '../cases');
const SEED = 31;
const ROUNDS = 300;

interface Script {
  readonly name: string;
  readonly text: string;
}

const scripts: readonly Script[] = readdirSync(CASES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bt'))
  .map((name) => ({ name, text: readFileSync(join(CASES, name), 'utf8') }))
  .filter(({ text }) => read(text) !== undefined);

/** The program and the words of its comments; nothing of a text that is no script. */
function read(text: string): { readonly program: string; readonly words: readonly string[] } | undefined {
  const { program, comments } = parse(createSource('t.bt', text));
  const words = comments.flatMap(({ start, end }) => text.slice(start, end).match(/\w+/g) ?? []);
  return program && { program: printAst(program), words };
}

const formatted = (text: string): string => formatSource(createSource('t.bt', text)).text!;

/** Formatting keeps the program and the comments, and comes to rest. */
function expectKept(text: string, order: (words: readonly string[]) => readonly string[]): void {
  const once = formatted(text);
  const { program, words } = read(text)!;
  const kept = read(once);
  expect(kept?.program).toBe(program);
  expect(order(kept!.words)).toEqual(order(words));
  expect(formatted(once)).toBe(once);
}

test('every script of the cases stays what it is when formatted, comments in their order, and then stays as it is', () => {
  expect(scripts.length).toBeGreaterThan(300);
  for (const { text } of scripts) expectKept(text, (words) => words);
});

test('a comment in front of any word survives formatting, which then comes to rest', () => {
  const commented = fc
    .tuple(fc.constantFrom(...scripts), fc.array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 1, maxLength: 3 }))
    .map(([{ text }, places]) => withComments(text, places))
    .filter((text) => read(text) !== undefined);
  // Two comments at one word may change places.
  const sorted = (words: readonly string[]): readonly string[] => words.toSorted();
  fc.assert(
    fc.property(commented, (text) => expectKept(text, sorted)),
    { seed: SEED, numRuns: ROUNDS },
  );
});

function withComments(text: string, places: readonly (readonly [place: number, isLine: boolean])[]): string {
  const offsets = lex(text).tokens.map((token) => token.startOffset);
  const insertions = places.map(([place, isLine]) => [offsets[place % offsets.length]!, isLine] as const);
  return insertions
    .toSorted(([a], [b]) => b - a)
    .reduce(
      (commented, [offset, isLine], i) =>
        commented.slice(0, offset) + (isLine ? `// why${i}\n` : `/* why${i} */ `) + commented.slice(offset),
      text,
    );
}
