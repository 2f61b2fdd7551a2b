import { expect, test } from 'vitest';
import { children, clone, walk } from '../../src/ast/children.ts';
import type { Node } from '../../src/ast/nodes.ts';
import { parse } from '../../src/parser/parse.ts';
import { createSource } from '../../src/source/source.ts';

const program = parse(
  createSource('t.bt', 'fn f($a : int32) : int64 { return (x=$a, y=1).x; } begin /pid/ { @m[1, 2] = f(3) ?: 4; }'),
).program!;

const kinds = (root: Node): string[] => {
  const found: string[] = [];
  walk(root, (node) => found.push(node.kind));
  return found;
};

test('children reach into lists, records and parameters', () => {
  expect(kinds(program.subprograms[0]!)).toEqual([
    ...['subprogram', 'variable', 'type', 'type', 'block', 'jump', 'field', 'record', 'variable', 'integer'],
  ]);
  expect(children(program.probes[0]!).map((node) => node.kind)).toEqual(['attach_point', 'identifier', 'block']);
});

test('a clone is equal, shares no node, and may lie elsewhere', () => {
  const copy = clone(program);
  expect(copy).toEqual(program);
  const originals = new Set<Node>();
  walk(program, (node) => originals.add(node));
  walk(copy, (node) => expect(originals.has(node)).toBe(false));
  const moved = clone(program, (span) => ({ ...span, expandedFrom: program.span }));
  walk(moved, (node) => expect(node.span.expandedFrom).toBe(program.span));
});
