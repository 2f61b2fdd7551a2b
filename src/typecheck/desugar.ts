import type { Assignment, BinaryOperator, Expression, Node, Program } from '../ast/nodes.ts';
import { isBuiltin } from '../lang/builtins.ts';
import type { Pass } from './context.ts';
import { cloneTree, rewriteChildren } from './rewrite.ts';

/** `a += b` is `a = a + b`; `pid()` is `pid`. */
export const desugar: Pass = {
  name: 'desugar',
  run(program: Program): Program {
    return rewriteChildren(program, rewrite);
  },
};

function rewrite(node: Node): Node {
  const rewritten = rewriteChildren(node, rewrite);
  if (rewritten.kind === 'assignment') return rewritten.operator === '=' ? rewritten : expandCompound(rewritten);
  if (rewritten.kind === 'call' && rewritten.args.length === 0 && isBuiltin(rewritten.name)) {
    return { kind: 'identifier', span: rewritten.span, name: rewritten.name };
  }
  return rewritten;
}

function expandCompound(node: Assignment): Assignment {
  if (node.target.kind === 'discard') return node;
  const operator = node.operator.slice(0, -1) as BinaryOperator;
  const left: Expression = cloneTree(node.target);
  const value: Expression = {
    kind: 'binary',
    span: node.span,
    operator,
    left,
    right: node.value,
    operatorSpan: node.span,
  };
  return { ...node, operator: '=', value };
}
