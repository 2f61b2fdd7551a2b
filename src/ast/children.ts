import type { Span } from '../source/source.ts';
import type { Node } from './nodes.ts';

type NodeOf<K extends Node['kind']> = Extract<Node, { kind: K }>;

/** The fields that hold nodes. */
const CHILD_FIELDS = {
  program: ['cStatements', 'imports', 'config', 'mapDeclarations', 'macros', 'subprograms', 'probes'],
  c_statement: [],
  import: [],
  config: ['assignments'],
  config_assignment: [],
  map_declaration: ['map'],
  macro: ['parameters', 'body'],
  macro_parameter: [],
  subprogram: ['parameters', 'returns', 'body'],
  probe: ['attachPoints', 'predicate', 'body'],
  attach_point: [],
  expression_statement: ['expression'],
  assignment: ['target', 'value'],
  discard: [],
  variable_declaration: ['variable', 'type', 'value'],
  unroll: ['count', 'body'],
  while: ['condition', 'body'],
  for: ['variable', 'iterable', 'body'],
  range: ['start', 'end'],
  jump: ['value'],
  block: ['statements'],
  integer: [],
  boolean: [],
  string: [],
  positional: [],
  positional_count: [],
  identifier: [],
  variable: [],
  map: [],
  map_access: ['map', 'key'],
  call: ['args'],
  unary: ['operand'],
  binary: ['left', 'right'],
  ternary: ['condition', 'then', 'otherwise'],
  if: ['condition', 'then', 'otherwise'],
  field: ['base'],
  index: ['base', 'index'],
  tuple_access: ['base'],
  cast: ['type', 'operand'],
  tuple: ['elements'],
  record: ['fields'],
  address_of: ['operand'],
  sizeof: ['operand'],
  offsetof: ['operand'],
  typeof: ['operand'],
  typeinfo: ['operand'],
  comptime: ['operand'],
  block_expression: ['statements', 'result'],
  type: ['elements'],
} as const satisfies { readonly [K in Node['kind']]: readonly (keyof NodeOf<K>)[] };

/** What a field of CHILD_FIELDS may hold: nodes, lists of them, and rows such as a record's `{ name, value }`. */
type Held = Node | Row | readonly Held[] | undefined;
type Row = { readonly span: Span; readonly [field: string]: unknown };

const isNode = (value: object): value is Node => 'kind' in value;

/** The nodes directly below a node, field by field. */
export function children(node: Node): readonly Node[] {
  const found: Node[] = [];
  mapChildren(node, (child) => {
    found.push(child);
    return child;
  });
  return found;
}

/** Calls `visit` for a node and all below it, the node first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of children(node)) walk(child, visit);
}

/** A copy of the node with each child replaced. `replace` owes a node that may stand where the child stood. */
export function mapChildren<N extends Node>(node: N, replace: (child: Node) => Node): N {
  const copy: Record<string, unknown> = { ...node };
  for (const field of CHILD_FIELDS[node.kind]) {
    if (copy[field] !== undefined) copy[field] = mapHeld(copy[field] as Held, replace);
  }
  return copy as unknown as N;
}

function mapHeld(held: Held, replace: (child: Node) => Node): Held {
  if (held === undefined) return undefined;
  if (isList(held)) return held.map((element) => mapHeld(element, replace));
  if (isNode(held)) return replace(held);
  const entries = Object.entries(held).map(([name, value]) => {
    const isChild = typeof value === 'object' && value !== null && isNode(value);
    return [name, isChild ? replace(value) : value];
  });
  return Object.fromEntries(entries) as Row;
}

function isList(held: NonNullable<Held>): held is readonly Held[] {
  return Array.isArray(held);
}

/** A copy in which no node is shared with the original, as side maps keyed by node need; spans may be rewritten. */
export function clone<N extends Node>(node: N, place: (span: Span) => Span = (span) => span): N {
  const copy = mapChildren(node, (child) => clone(child, place));
  return { ...copy, span: place(node.span) };
}
