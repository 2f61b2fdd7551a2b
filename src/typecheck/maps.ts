import type { Call, MapRef, Node, Program, TypeExpression, Expression } from '../ast/nodes.ts';
import { isAggregation } from '../lang/aggregations.ts';
import { functionRow, takesMap } from '../lang/functions.ts';
import type { Pass, PassContext } from './context.ts';
import { error } from './messages.ts';
import { forEachChild, walk } from './rewrite.ts';
import { aggregationOf } from './types/infer-aggregation.ts';

/** Which maps have keys: the first use decides, later ones must agree. Also: aggregations are only assigned to maps. */
export const checkMapUses: Pass = {
  name: 'maps',
  run(program: Program, context: PassContext): Program {
    // What only asks for a type does not decide: it is looked at when everything else has been.
    const deferred: (Expression | TypeExpression)[] = [];
    const visit = (node: Node): void => visitUse(node, context, visit, deferred);
    const tops = [...program.subprograms, ...program.probes];
    for (const top of tops) forEachChild(top, visit);
    for (const operand of deferred) {
      const keyed = operand.kind === 'map' && context.maps.scalar.get(operand.name) === false;
      if (!keyed && operand.kind !== 'type') visitUse(operand, context, visit, []);
    }
    for (const top of tops) {
      forEachChild(top, (child) => checkAggregations(child, context));
      walk(top, (node) => checkMapFunction(node, context));
    }
    return program;
  },
};

function visitUse(
  node: Node,
  context: PassContext,
  visit: (node: Node) => void,
  deferred: (Expression | TypeExpression)[],
): void {
  switch (node.kind) {
    case 'map':
      use(node, true, context.maps.badScalar, context);
      return;
    case 'map_access':
      use(node.map, false, context.maps.badKeyed, context);
      visit(node.key);
      return;
    case 'address_of':
      if (node.operand.kind !== 'map') visit(node.operand);
      return;
    case 'sizeof':
    case 'offsetof':
    case 'typeof':
    case 'typeinfo':
      deferred.push(node.operand);
      return;
    case 'for':
      if (node.iterable.kind === 'map') use(node.iterable, false, context.maps.badIterator, context);
      else visit(node.iterable);
      visit(node.body);
      return;
    case 'call':
      visitCall(node, context, visit);
      return;
    default:
      forEachChild(node, visit);
  }
}

function visitCall(node: Call, context: PassContext, visit: (node: Node) => void): void {
  const [first, ...rest] = node.args;
  if (first?.kind === 'map' && takesMap(node.name)) {
    if (node.name === 'is_scalar' && rest.length > 0) {
      const text = `is_scalar() requires 1 argument (${node.args.length} provided)`;
      context.report(error('is-scalar', node.span, text));
    }
    const facts = context.maps.scalar;
    // Functions that take a key do not decide either, but they say themselves when there is none.
    if (wantsKeys(node) && !facts.has(first.name)) facts.set(first.name, false);
  } else if (first !== undefined) visit(first);
  for (const argument of rest) visit(argument);
}

function use(map: MapRef, scalar: boolean, bad: Set<MapRef>, context: PassContext): void {
  const known = context.maps.scalar.get(map.name);
  if (known === undefined) context.maps.scalar.set(map.name, scalar);
  else if (known !== scalar) bad.add(map);
}

function wantsKeys(node: Call): boolean {
  const from = functionRow(node.name)?.keyedFrom;
  return from !== undefined && node.args.length >= from;
}

/** What messages call a function that wants a map with keys, where it is not `name()`. */
const CALLED: Readonly<Record<string, string>> = { find: 'find', delete: 'delete() with two arguments' };

/** Functions that want keys, and the one that wants none. */
function checkMapFunction(node: Node, context: PassContext): void {
  if (node.kind !== 'call' || node.args[0]?.kind !== 'map') return;
  const scalar = context.maps.scalar.get(node.args[0].name);
  const report = (message: string): void => context.report(error('map-function', node.span, message));
  if (scalar === true && wantsKeys(node)) {
    report(`call to ${CALLED[node.name] ?? `${node.name}()`} expects a map with explicit keys (non-scalar map)`);
  } else if (scalar === false && node.args.length <= (functionRow(node.name)?.scalarUpTo ?? 0)) {
    const text = 'a map without explicit keys (scalar map)';
    report(`call to ${node.name}() with a single argument expects ${text}`);
  }
}

function checkAggregations(node: Node, context: PassContext): void {
  let assigned: Node | undefined;
  if (node.kind === 'assignment' && (node.target.kind === 'map' || node.target.kind === 'map_access')) {
    assigned = aggregationOf(node.value);
  }
  const visit = (child: Node): void => {
    if (child.kind === 'call' && isAggregation(child.name) && child !== assigned) {
      const text = `${child.name}() must be assigned directly to a map`;
      context.report(error('aggregation-place', child.span, text));
    }
    if (child.kind === 'assignment') checkAggregations(child, context);
    else forEachChild(child, visit);
  };
  if (node.kind === 'call') visit(node);
  else forEachChild(node, visit);
}
