import type { Expression, Node, Statement } from '../ast/nodes.ts';
import type { Span } from '../source/source.ts';

const SPANS: ReadonlySet<string> = new Set(['span', 'nameSpan', 'fieldSpan', 'operatorSpan']);

/** A copy of `node` whose children are `visit`'s results; `node` itself when none changed. */
export function rewriteChildren<N extends Node>(node: N, visit: (child: Node) => Node): N {
  return mapProperties(node, visit);
}

/** As rewriteChildren, but every object is new: no node is shared with the original. */
export function cloneTree<N extends Node>(node: N): N {
  const copy = (child: Node): Node => ({ ...mapProperties(child, copy) });
  return { ...mapProperties(node, copy) };
}

/** Calls `visit` for each direct child, in source order. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  rewriteChildren(node, (child) => {
    visit(child);
    return child;
  });
}

/** Calls `visit` for the node and everything below it, parents first; `visit` returning false skips what is below. */
export function walk(node: Node, visit: (node: Node) => boolean | void): void {
  if (visit(node) === false) return;
  forEachChild(node, (child) => walk(child, visit));
}

/** Children are expressions or statements where the parent says so: narrows what a rewriter returns for them. */
export function asExpression(node: Node): Expression {
  return node as Expression;
}

export function asStatement(node: Node): Statement {
  return node as Statement;
}

function mapProperties<T extends object>(object: T, visit: (child: Node) => Node): T {
  let changed: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== 'object' || value === null || SPANS.has(key)) continue;
    const mapped = mapValue(value, visit);
    if (mapped !== value) changed = { ...(changed ?? object), [key]: mapped };
  }
  return (changed as T | undefined) ?? object;
}

function mapValue(value: object, visit: (child: Node) => Node): object {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const mapped = items.map((item) => (typeof item === 'object' && item !== null ? mapValue(item, visit) : item));
    return mapped.some((item, index) => item !== items[index]) ? mapped : value;
  }
  // Parts of a node, such as a record's fields, are plain objects without a kind.
  return 'kind' in value ? visit(value as Node) : mapProperties(value, visit);
}

/** A copy whose every node says that it came out of `from`: a macro call, or an expression that was put elsewhere. */
export function relocate<N extends Node>(node: N, from: Span): N {
  const move = (child: Node): Node => moveSpans({ ...mapProperties(child, move) }, from);
  return moveSpans({ ...mapProperties(node, move) }, from);
}

function moveSpans<T extends object>(node: T, from: Span): T {
  const entries = Object.entries(node);
  return Object.fromEntries(
    entries.map(([key, value]: [string, unknown]) => [key, SPANS.has(key) ? moveSpan(value as Span, from) : value]),
  ) as T;
}

function moveSpan(span: Span, from: Span): Span {
  const { expandedFrom } = span;
  return { ...span, expandedFrom: expandedFrom === undefined ? from : moveSpan(expandedFrom, from) };
}
