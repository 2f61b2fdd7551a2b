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
type SpanField = keyof typeof SPAN_FIELDS;
const SPANS: ReadonlySet<string> & Iterable<SpanField> = new Set(Object.keys(SPAN_FIELDS) as SpanField[]);

/** Whether a field holds nodes: one, several, or in plain objects such as a record's fields. */
type HoldsNodes<V> = V extends Node
  ? true
  : V extends readonly (infer Item)[]
    ? HoldsNodes<Item>
    : V extends Span
      ? never
      : V extends object
        ? V[keyof V] extends infer Part
          ? Part extends Node
            ? true
            : never
          : never
        : never;
type ChildFieldOf<N> = { [K in keyof N]-?: [HoldsNodes<NonNullable<N[K]>>] extends [never] ? never : K }[keyof N];

/** The fields of each kind of node that hold its children, in source order. */
const CHILD_FIELDS: { readonly [K in Node['kind']]: Record<ChildFieldOf<Extract<Node, { kind: K }>>, true> } = {
  program: {
    cStatements: true,
    imports: true,
    config: true,
    mapDeclarations: true,
    macros: true,
    subprograms: true,
    probes: true,
  },
  c_statement: {},
  import: {},
  config: { assignments: true },
  config_assignment: {},
  map_declaration: { map: true },
  macro: { parameters: true, body: true },
  macro_parameter: {},
  subprogram: { parameters: true, returns: true, body: true },
  probe: { attachPoints: true, predicate: true, body: true },
  attach_point: {},
  expression_statement: { expression: true },
  assignment: { target: true, value: true },
  discard: {},
  variable_declaration: { variable: true, type: true, value: true },
  unroll: { count: true, body: true },
  while: { condition: true, body: true },
  for: { variable: true, iterable: true, body: true },
  range: { start: true, end: true },
  jump: { value: true },
  block: { statements: true },
  integer: {},
  boolean: {},
  string: {},
  positional: {},
  positional_count: {},
  identifier: {},
  variable: {},
  map: {},
  map_access: { map: true, key: true },
  call: { args: true },
  unary: { operand: true },
  binary: { left: true, right: true },
  ternary: { condition: true, then: true, otherwise: true },
  if: { condition: true, then: true, otherwise: true },
  field: { base: true },
  index: { base: true, index: true },
  tuple_access: { base: true },
  cast: { type: true, operand: true },
  tuple: { elements: true },
  record: { fields: true },
  address_of: { operand: true },
  sizeof: { operand: true },
  offsetof: { operand: true },
  typeof: { operand: true },
  typeinfo: { operand: true },
  comptime: { operand: true },
  block_expression: { statements: true, result: true },
  type: { elements: true },
};
const FIELDS = Object.fromEntries(
  Object.entries(CHILD_FIELDS).map(([kind, fields]) => [kind, Object.keys(fields)]),
) as unknown as { readonly [K in Node['kind']]: readonly (keyof Node)[] };

// Not `in`, which engines answer slowly for objects of many shapes.
const isNode = (value: object): value is Node => (value as Partial<Node>).kind !== undefined;

/** A copy of `node` whose children are `visit`'s results; `node` itself when none changed. */
export function rewriteChildren<N extends Node>(node: N, visit: (child: Node) => Node): N {
  return rewriteFields(node, FIELDS[node.kind], visit);
}

/** As rewriteChildren, but every object is new: no node is shared with the original. */
export function cloneTree<N extends Node>(node: N): N {
  const copy = (child: Node): Node => ({ ...rewriteChildren(child, copy) });
  return { ...rewriteChildren(node, copy) };
}

/** Calls `visit` for each direct child, in source order. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  const fields = FIELDS[node.kind];
  for (let index = 0; index < fields.length; index += 1) visitValue(node[fields[index]!], visit);
}

function visitValue(value: unknown, visit: (child: Node) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) for (const item of value) visitValue(item, visit);
  else if (isNode(value)) visit(value);
  else for (const part of partsOf(value)) visitValue(value[part], visit);
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

const partsOf = <T extends object>(value: T): (keyof T & string)[] =>
  (Object.keys(value) as (keyof T & string)[]).filter((key) => !SPANS.has(key));

// On every pass's path, for every node, half of them leaves: no array, object or iterator is made before something changed.
function rewriteFields<T extends object>(object: T, fields: readonly (keyof T)[], visit: (child: Node) => Node): T {
  let changed: T | undefined;
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index]!;
    const value = object[field];
    if (typeof value !== 'object' || value === null) continue;
    const rewritten = rewriteValue(value, visit);
    if (rewritten !== value) (changed ??= { ...object })[field] = rewritten;
  }
  return changed ?? object;
}

function rewriteValue<V extends object>(value: V, visit: (child: Node) => Node): V {
  if (!Array.isArray(value)) {
    return isNode(value) ? (visit(value) as unknown as V) : rewriteFields(value, partsOf(value), visit);
  }
  const items: readonly unknown[] = value;
  let changed: unknown[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (typeof item !== 'object' || item === null) continue;
    const rewritten = rewriteValue(item, visit);
    if (rewritten !== item) (changed ??= [...items])[index] = rewritten;
  }
  return (changed as V | undefined) ?? value;
}

/** A copy whose every node says that it came out of `from`: a macro call, or an expression that was put elsewhere. */
export function relocate<N extends Node>(node: N, from: Span): N {
  const rewritten = rewriteChildren(node, (child) => relocate(child, from));
  const copy = rewritten === node ? { ...node } : rewritten;
  const spans = copy as { -readonly [K in SpanField]?: Span };
  for (const field of SPANS) {
    const span = spans[field];
    // As bpftrace keeps it: where the node came from before is forgotten.
    if (span !== undefined) spans[field] = { ...span, expandedFrom: from };
  }
  return copy;
}
