import type { Expression, If, Ternary } from '../../ast/nodes.ts';
import { typeName } from '../../lang/type-name.ts';
import { error } from '../messages.ts';
import type { Inference } from './infer.ts';
import { promote } from './typing.ts';
import { inferExpression } from './infer-expression.ts';

/** `if` and `?:`: the type is what holds the values of both branches. */
export function inferConditional(inference: Inference, node: If | Ternary): void {
  if (node.condition.kind === 'comptime') {
    // Neither branch is looked at before the condition is known: one of them may not even type.
    inferExpression(inference, node.condition);
    return;
  }
  inferExpression(inference, node.condition);
  const branches: Expression[] = [];
  if (node.then !== undefined) branches.push(node.then);
  else if (node.kind === 'ternary') branches.push(node.condition);
  if (node.otherwise !== undefined) branches.push(node.otherwise);
  for (const branch of branches) if (branch !== node.condition) inferExpression(inference, branch);
  branches.forEach((branch, index) => {
    inference.rule(node, [branch], ([found]) => {
      const current = inference.resolver.get(node);
      const promoted = promote(current, found!);
      if (promoted !== undefined) return promoted;
      const [left, right] = index === 0 ? [found!, current!] : [current!, found!];
      const text =
        'Branches must return the same type or compatible types: ' +
        `have '${typeName(left.type)}' and '${typeName(right.type)}'`;
      inference.context.report(error('branch-mismatch', node.span, text));
      return undefined;
    });
  });
}
