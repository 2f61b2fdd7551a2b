import type { Call } from '../../ast/nodes.ts';
import { isAggregation } from '../../lang/aggregations.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { FUNCTIONS, type FunctionRow, type LoweredByHand, isFunction } from '../../lang/functions.ts';
import { bug } from '../../source/bug.ts';
import { expressionAt } from './arguments.ts';
import { lowerBuiltin } from './builtins.ts';
import type { Lowerer } from './lowerer.ts';
import { MAP_CALLS } from './map-calls.ts';
import { type Operand, scalar } from './operand.ts';
import { OUTPUT_CALLS } from './output-calls.ts';
import { callSubprogram } from './subprograms.ts';
import { TASK_CALLS } from './task-calls.ts';
import { TEXT_CALLS } from './text-calls.ts';
import { VALUE_CALLS } from './value-calls.ts';

/** Makes the code of one call. */
export type Lowering = (l: Lowerer, node: Call) => Operand;

const LOWERINGS: Record<LoweredByHand, Lowering> = {
  ...OUTPUT_CALLS,
  ...MAP_CALLS,
  ...TEXT_CALLS,
  ...VALUE_CALLS,
  ...TASK_CALLS,
};

export function lowerCall(l: Lowerer, node: Call): Operand {
  if (!isFunction(node.name)) {
    if (isBuiltin(node.name)) return lowerBuiltin(l, node, node.name);
    return callSubprogram(l, node);
  }
  const row: FunctionRow = FUNCTIONS[node.name];
  if (row.constant === true) return bug(`${node.name}() is folded before code generation`);
  if (row.helper !== undefined)
    return scalar(l.b.call(row.helper, ...node.args.map((_, index) => l.value(expressionAt(node, index)))));
  if (isAggregation(node.name)) return bug(`${node.name}() outside an assignment`);
  return LOWERINGS[node.name as LoweredByHand](l, node);
}
