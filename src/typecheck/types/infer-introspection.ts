import type { Expression, Offsetof, TypeExpression } from '../../ast/nodes.ts';
import { KIND_NAMES, typeName } from '../../lang/type-name.ts';
import { UINT64 } from '../../lang/types.ts';
import type { Type } from '../../lang/types.ts';
import { error } from '../messages.ts';
import type { Inference } from './infer.ts';
import { offsetPath } from './offsets.ts';
import { resolveTypeExpression } from './type-expression.ts';
import { inferExpression } from './infer-expression.ts';

/** The operand of sizeof and its kin: a type, or an expression that is only looked at. */
export function inferIntrospection(inference: Inference, operand: Expression | TypeExpression): void {
  if (operand.kind === 'type') {
    const type = resolveTypeExpression(operand, inference.context);
    if (type !== undefined) inference.seed(operand, type);
    return;
  }
  inference.introspection += 1;
  if (operand.kind === 'map' && inference.context.maps.scalar.get(operand.name) === false) {
    // The type of a map with keys is the type of its keys.
    inference.resolver.same(inference.mapUse(operand).key, operand);
  } else {
    inferExpression(inference, operand);
  }
  inference.introspection -= 1;
}

/** Whether `offsetof` names members that are there; reports those that are not. */
export function hasFields(inference: Inference, node: Offsetof, type: Type): boolean {
  const found = offsetPath(type, node.fields, inference.context);
  if (typeof found !== 'string') return true;
  inference.context.report(error('offsetof', node.span, found));
  return false;
}

/** What `typeinfo(x)` yields. */
export function typeinfoType(type: Type): Type {
  const text = (value: string): Type => ({ kind: 'string', size: value.length + 1 });
  return {
    kind: 'record',
    fields: [
      { name: 'btf_id', type: UINT64 },
      { name: 'base_type', type: text(KIND_NAMES[type.kind]) },
      { name: 'full_type', type: text(typeName(type)) },
    ],
  };
}
