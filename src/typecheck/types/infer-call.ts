import type { Call, Expression } from '../../ast/nodes.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { FUNCTIONS, isFunction, takesMap, takesMode } from '../../lang/functions.ts';
import type { ComputedFunction, FunctionName, FunctionRow } from '../../lang/functions.ts';
import type { AddressSpace } from '../../lang/types.ts';
import { error } from '../messages.ts';
import { CALL_RESULTS } from './call-results.ts';
import { inferBuiltin } from './infer-builtin.ts';
import { inferExpression } from './infer-expression.ts';
import { inferKeyArgument } from './infer-statement.ts';
import type { Inference } from './infer.ts';
import { probeSpace } from './probe-space.ts';
import { typing } from './typing.ts';

/** Collects the rules of a call and its arguments. */
export function inferCall(inference: Inference, node: Call): void {
  const args = node.args.filter((argument): argument is Expression => argument.kind !== 'type');
  const modes = takesMode(node.name);
  for (const [index, argument] of args.entries()) {
    if (argument.kind === 'identifier' && modes && !isBuiltin(argument.name)) continue;
    // A map as such has no type of its own: `print(@a)` must not ask for one.
    if (index === 0 && argument.kind === 'map' && takesMap(node.name)) inference.mapUse(argument);
    else inferExpression(inference, argument);
  }
  if (isFunction(node.name)) inferFunction(inference, node, node.name, args);
  else if (isBuiltin(node.name) && node.args.length === 0) inferBuiltin(inference, node, node.name);
  else inferSubprogramCall(inference, node);
}

function inferFunction(inference: Inference, node: Call, name: FunctionName, args: readonly Expression[]): void {
  const row: FunctionRow = FUNCTIONS[name];
  const [map] = args;
  const key = args[row.params.findIndex((parameter) => parameter.kind === 'key')];
  if (map?.kind === 'map' && key !== undefined) inferKeyArgument(inference, map, key, node);
  if (isComputed(name)) CALL_RESULTS[name](inference, node, args);
  else if (row.returns !== 'computed') {
    inference.resolver.seed(node, typing(row.returns, resultSpace(inference, row.space)));
  }
}

function isComputed(name: FunctionName): name is ComputedFunction {
  return Object.hasOwn(CALL_RESULTS, name);
}

function resultSpace(inference: Inference, space: FunctionRow['space']): AddressSpace {
  if (space !== 'probe') return space ?? 'none';
  return inference.insideProbe ? probeSpace(inference.attachment?.kind) : 'kernel';
}

function inferSubprogramCall(inference: Inference, node: Call): void {
  const subprogram = inference.subprograms.get(node.name);
  if (subprogram === undefined) {
    inference.context.report(error('unknown-function', node.span, `Unknown function: '${node.name}'`));
    return;
  }
  inference.resolver.same(subprogram.returns, node);
}
