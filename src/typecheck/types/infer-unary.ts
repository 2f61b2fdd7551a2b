import type { Unary } from '../../ast/nodes.ts';
import { typeName } from '../../lang/type-name.ts';
import { BOOL, INT64, UINT64 } from '../../lang/types.ts';
import { error } from '../messages.ts';
import { mapValueTyping, variableTyping } from './assign.ts';
import type { Inference } from './infer.ts';
import { isInteger, isSigned, typing } from './typing.ts';
import type { Typing } from './typing.ts';
import { inferExpression } from './infer-expression.ts';

function steppedTyping(value: Typing, decrement: boolean): Typing {
  return typing(isSigned(value.type) || decrement ? INT64 : UINT64);
}

/** Operators of one operand; `++` and `--` also assign. */
export function inferUnary(inference: Inference, node: Unary): void {
  const { operand, operator } = node;
  const steps = operator === '++' || operator === '--';
  if (steps && (operand.kind === 'variable' || operand.kind === 'map_access' || operand.kind === 'map')) {
    inferExpression(inference, operand);
    inferStep(inference, node);
    return;
  }
  inferExpression(inference, operand);
  if (steps) {
    const text = `The ${operator} operator must be applied to a map or variable`;
    inference.context.report(error('step-operand', node.span, text));
  }
  inference.rule(node, [operand], ([found]) => unaryTyping(inference, node, found!));
}

/** `@a++`, `$x--`: an expression that is also an assignment. */
function inferStep(inference: Inference, node: Unary): void {
  const { operand } = node;
  const decrement = node.operator === '--';
  if (operand.kind === 'variable') {
    const slot = inference.declare(operand);
    inference.rule(slot, [node], ([value]) => {
      if (inference.sized.has(slot)) return undefined;
      const current = inference.resolver.get(slot);
      if (current?.type.kind === 'pointer') return current;
      return variableTyping(inference, slot, value!, node);
    });
    inference.rule(node, [operand], ([value]) => {
      const current = inference.resolver.get(slot);
      if (inference.sized.has(slot) || current?.type.kind === 'pointer') return current;
      return steppedTyping(value!, decrement);
    });
    return;
  }
  if (operand.kind !== 'map' && operand.kind !== 'map_access') return;
  const map = operand.kind === 'map' ? operand.name : operand.map.name;
  const slot = inference.map(map).value;
  inference.rule(slot, [node], ([value]) => {
    const current = inference.resolver.get(slot);
    return current?.type.kind === 'pointer' ? current : mapValueTyping(inference, map, value!, node);
  });
  inference.rule(node, [operand], ([value]) => steppedTyping(value!, decrement));
}

function unaryTyping(inference: Inference, node: Unary, operand: Typing): Typing | undefined {
  const { type } = operand;
  const dereference = node.operator === '*';
  const readable = type.kind === 'pointer' || operand.context === true;
  const valid = type.kind === 'bool' ? node.operator === '!' : isInteger(type) || (readable && dereference);
  if (!valid) {
    const text = `The ${node.operator} operator can not be used on expressions of type '${typeName(type)}'`;
    inference.context.report(error('invalid-operand', node.span, text));
    return undefined;
  }
  if (node.operator === '!') return typing(BOOL);
  if (!dereference) return typing(isSigned(type) ? INT64 : UINT64);
  if (type.kind === 'pointer') {
    const context = operand.context === true ? { context: true } : {};
    const internal = operand.internal === true ? { internal: true } : {};
    return { type: type.to, space: operand.space, ...context, ...internal };
  }
  // `*args` means `args`, for old scripts.
  return type.kind === 'c_struct' ? operand : typing(UINT64);
}
