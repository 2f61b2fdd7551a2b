import type { IndexAccess } from '../../ast/nodes.ts';
import { typeName } from '../../lang/type-name.ts';
import { intType } from '../../lang/types.ts';
import type { Type } from '../../lang/types.ts';
import { error } from '../messages.ts';
import type { Inference } from './infer.ts';
import type { Typing } from './typing.ts';
import { inferExpression } from './infer-expression.ts';

/** `base[index]`. */
export function inferIndex(inference: Inference, node: IndexAccess): void {
  inferExpression(inference, node.base);
  inferExpression(inference, node.index);
  inference.rule(node, [node.base], ([found]) => {
    const base = found!;
    const element = elementType(inference, node, base);
    if (element === undefined) return undefined;
    const internal = element.kind !== 'pointer' && base.type.kind !== 'pointer' && base.internal === true;
    return { type: element, space: base.space, ...(internal ? { internal } : {}) };
  });
}

function elementType(inference: Inference, node: IndexAccess, base: Typing): Type | undefined {
  switch (base.type.kind) {
    case 'array':
      return base.type.element;
    case 'pointer':
      return base.type.to;
    case 'string':
      return intType(1, true);
    case 'tuple': {
      if (node.index.kind !== 'integer') return undefined;
      const element = base.type.elements[Number(node.index.value)];
      if (element !== undefined) return element;
      const text = `Invalid tuple index: ${node.index.value}. Found ${base.type.elements.length} elements in tuple.`;
      inference.context.report(error('tuple-index', node.span, text));
      return undefined;
    }
    default: {
      const text = `The array index operator [] can only be used on arrays, pointers, and tuples, found ${typeName(base.type)}.`;
      inference.context.report(error('not-indexable', node.span, text));
      return undefined;
    }
  }
}
