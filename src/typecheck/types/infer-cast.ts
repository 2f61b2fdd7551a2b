import type { Cast, Node, TypeExpression, Typeof } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import type { Inference } from './infer.ts';
import { probeSpace } from './probe-space.ts';
import { lookUpCType, resolveTypeExpression } from './type-expression.ts';
import { isInteger } from './typing.ts';
import type { Typing } from './typing.ts';
import { inferExpression } from './infer-expression.ts';

/** `(type)operand`. */
export function inferCast(inference: Inference, node: Cast): void {
  inferExpression(inference, node.operand);
  const written: Node = node.type;
  const attachment = inference.attachment;
  const insideProbe = inference.insideProbe;
  const unknown = unknownEnum(node.type, inference);
  if (unknown === undefined) inferWrittenType(inference, node.type);
  else inference.seed(node.type, unknown);
  inference.rule(node, [written, node.operand], ([type, operand]) => {
    const fallback = insideProbe ? probeSpace(attachment?.kind) : 'kernel';
    return castTyping(type!.type, operand!, fallback);
  });
}

/** An enum that is nowhere defined is one without members: the checks say so, at the cast. */
function unknownEnum(node: Cast['type'], inference: Inference): Type | undefined {
  const [keyword, name] = node.kind === 'type' && node.suffixes.length === 0 ? node.name.split(' ') : [];
  if (node.kind !== 'type' || keyword !== 'enum' || name === undefined || inference.context.spelled.has(node.name))
    return undefined;
  if (lookUpCType(`enum ${name}`, inference.context) !== undefined) return undefined;
  return { kind: 'enum', name, enum: { kind: 'enum', name, size: 8, signed: false, values: [] } };
}

/** A type where one is written, also as `typeof(...)`: its node gets the type. */
export function inferWrittenType(inference: Inference, node: TypeExpression | Typeof): Type | undefined {
  if (node.kind === 'typeof') {
    inferExpression(inference, node);
    return undefined;
  }
  const type = resolveTypeExpression(node, inference.context);
  if (type !== undefined) inference.seed(node, type);
  return type;
}

function castTyping(type: Type, operand: Typing, fallback: Typing['space']): Typing {
  let cast = type;
  let internal = false;
  if (cast.kind === 'array') {
    const elementSize = sizeOf(cast.element);
    const size = sizeOf(operand.type);
    // `(int8[])x` takes its length from what is cast.
    if (cast.length === 0 && elementSize !== 0 && size % elementSize === 0) {
      cast = { ...cast, length: size / elementSize };
    }
    internal = isInteger(operand.type) || operand.type.kind === 'bool';
  }
  const context = operand.context === true && !isInteger(cast);
  const space = operand.space === 'none' ? fallback : operand.space;
  return { type: cast, space, ...(context ? { context } : {}), ...(internal ? { internal } : {}) };
}
