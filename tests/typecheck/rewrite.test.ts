import { expect, test } from 'vitest';
import type { Node } from '../../src/ast/nodes.ts';
import { parse } from '../../src/parser/parse.ts';
import { createSource } from '../../src/source/source.ts';
import { cloneTree, forEachChild, relocate, rewriteChildren, walk } from '../../src/typecheck/rewrite.ts';

const program = parse(
  createSource('t.bt', 'fn f($a : int32) : int64 { return (x=$a, y=1).x; } begin /pid/ { @m[1, 2] = f(3) ?: 4; }'),
).program!;

const kinds = (root: Node): string[] => {
  const found: string[] = [];
  walk(root, (node) => {
    found.push(node.kind);
  });
  return found;
};

const childKinds = (node: Node): string[] => {
  const found: string[] = [];
  forEachChild(node, (child) => found.push(child.kind));
  return found;
};

test('children reach into lists, records and parameters', () => {
  expect(kinds(program.subprograms[0]!)).toEqual([
    ...['subprogram', 'variable', 'type', 'type', 'block', 'jump', 'field', 'record', 'variable', 'integer'],
  ]);
  expect(childKinds(program.probes[0]!)).toEqual(['attach_point', 'identifier', 'block']);
});

test('a node none of whose children changed is itself', () => {
  expect(rewriteChildren(program, (child) => child)).toBe(program);
});

test('a clone is equal and shares no node', () => {
  const copy = cloneTree(program);
  expect(copy).toEqual(program);
  const originals = new Set<Node>();
  walk(program, (node) => {
    originals.add(node);
  });
  walk(copy, (node) => expect(originals.has(node)).toBe(false));
});

test('what is relocated says so in each of its spans', () => {
  const statements = parse(createSource('t.bt', 'begin { let $a : int32 = 1; $a += pid.x; f(2); }')).program!;
  walk(relocate(statements, program.span), (node) => {
    const spans = Object.entries(node).filter(([field]) => /span$/i.test(field));
    for (const [field, span] of spans)
      expect(span, `${field} of ${node.kind}`).toHaveProperty('expandedFrom', program.span);
  });
});
