import type { Expression, Node } from '../ast/nodes.ts';
import type { Span } from '../source/source.ts';

type SpanFieldOf<N> = N extends Node ? { [K in keyof N]-?: N[K] extends Span | undefined ? K : never }[keyof N] : never;

/** The fields of nodes that are places, not children. */
const SPAN_FIELDS = {
  span: true,
  nameSpan: true,
  fieldSpan: true,
  operatorSpan: true,
  operationSpan: true,
  declarationSpan: true,
  predicateSpan: true,
} satisfies Record<SpanFieldOf<Node>, true>;
const SPANS: ReadonlySet<string> = new Set(Object.keys(SPAN_FIELDS));

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

/** Children are expressions where the parent says so: narrows what a rewriter returns for them. */
export function asExpression(node: Node): Expression {
  return node as Expression;
}

// On every pass's path, for every node: no array or object is made before something changed.
function mapProperties<T extends object>(object: T, visit: (child: Node) => Node): T {
  let changed: T | undefined;
  for (const key in object) {
    const value = object[key];
    if (typeof value !== 'object' || value === null || SPANS.has(key)) continue;
    const mapped = mapValue(value, visit);
    if (mapped !== value) (changed ??= { ...object })[key] = mapped;
  }
  return changed ?? object;
}

function mapValue<V extends object>(value: V, visit: (child: Node) => Node): V {
  // Parts of a node, such as a record's fields, are plain objects without a kind.
  if (!Array.isArray(value))
    return 'kind' in value ? (visit(value as unknown as Node) as unknown as V) : mapProperties(value, visit);
  const items: readonly unknown[] = value;
  let changed: unknown[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (typeof item !== 'object' || item === null) continue;
    const mapped = mapValue(item, visit);
    if (mapped !== item) (changed ??= [...items])[index] = mapped;
  }
  return (changed as V | undefined) ?? value;
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
