import type { Expression, Node, Program } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { KIND_NAMES, typeName } from '../../lang/type-name.ts';
import type { PassContext } from '../context.ts';
import { booleanNode, integerNode, isLiteral, literalTruth, stringNode } from '../literals.ts';
import { error } from '../messages.ts';
import { rewriteChildren } from '../rewrite.ts';
import type { Inference } from './infer.ts';
import { complete, offsetPath } from './offsets.ts';

/** Replaces questions about types by their answers, as far as inference knows them; undefined when nothing changed. */
export function answerTypeQuestions(program: Program, inference: Inference, context: PassContext): Program | undefined {
  const visit = (node: Node): Node => {
    const rewritten = rewriteChildren(node, visit);
    return answer(node, rewritten, inference, context);
  };
  const answered = rewriteChildren(program, visit);
  return answered === program ? undefined : answered;
}

function answer(original: Node, node: Node, inference: Inference, context: PassContext): Node {
  switch (original.kind) {
    case 'sizeof':
    case 'offsetof':
    case 'typeinfo': {
      const type = inference.resolver.get(original.operand)?.type;
      if (type === undefined) return node;
      if (original.kind === 'typeinfo') return typeinfo(original, KIND_NAMES[type.kind], typeName(type));
      if (original.kind === 'sizeof') {
        const whole = type.kind === 'c_struct' ? complete(type, context) : type;
        return integerNode(BigInt(sizeOf(whole)), original.span);
      }
      const offset = offsetPath(type, original.fields, context);
      return typeof offset === 'number' ? integerNode(BigInt(offset), original.span) : node;
    }
    case 'index': {
      if (inference.resolver.get(original.base)?.type.kind !== 'tuple' || node.kind !== 'index') return node;
      if (node.index.kind === 'integer') {
        return { kind: 'tuple_access', span: node.span, base: node.base, index: Number(node.index.value) };
      }
      const text = 'Array-style access for tuples only valid for integer literals';
      context.report(error('tuple-index', node.span, text));
      return node;
    }
    case 'cast':
      if (node.kind !== 'cast' || inference.resolver.get(original)?.type.kind !== 'bool') return node;
      if (!isLiteral(node.operand) || node.operand.kind === 'tuple' || node.operand.kind === 'record') return node;
      return booleanNode(literalTruth(node.operand), node.operand.span);
    default:
      return node;
  }
}

/** There is no numbering of types to offer: the id is always 0, as in bpftrace. */
function typeinfo(node: Node, base: string, full: string): Expression {
  const { span } = node;
  return {
    kind: 'record',
    span,
    fields: [
      { name: 'btf_id', value: integerNode(0n, span), span },
      { name: 'base_type', value: stringNode(base, span), span },
      { name: 'full_type', value: stringNode(full, span), span },
    ],
  };
}
