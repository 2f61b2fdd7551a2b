import type { Assignment, BinaryOperator, Call, Expression, Node, Program } from '../ast/nodes.ts';
import { isBuiltin, publicName } from '../lang/builtins.ts';
import { isFunction } from '../lang/functions.ts';
import type { Pass } from './context.ts';
import { cloneTree, rewriteChildren } from './rewrite.ts';

/** `a += b` is `a = a + b`; `pid()` is `pid`; `delete(@m[k])` is `delete(@m, k)`. */
export const desugar: Pass = {
  name: 'desugar',
  run(program: Program): Program {
    return rewriteChildren(program, desugarTree);
  },
};

export function desugarTree(node: Node): Node {
  const rewritten = rewriteChildren(node, desugarTree);
  if (rewritten.kind === 'assignment') return rewritten.operator === '=' ? rewritten : expandCompound(rewritten);
  if (rewritten.kind === 'identifier' && rewritten.name !== known(rewritten.name)) {
    return { ...rewritten, name: known(rewritten.name) };
  }
  if (rewritten.kind === 'call' && rewritten.args.length === 0 && isBuiltin(known(rewritten.name))) {
    return { kind: 'identifier', span: rewritten.span, name: known(rewritten.name) };
  }
  if (rewritten.kind === 'call' && rewritten.name !== known(rewritten.name)) {
    return { ...rewritten, name: known(rewritten.name) };
  }
  if (rewritten.kind === 'call' && rewritten.name === 'delete') return expandDelete(rewritten);
  return rewritten;
}

function known(name: string): string {
  const open = publicName(name);
  return isBuiltin(open) || isFunction(open) ? open : name;
}

/** The syntax before 0.22. */
function expandDelete(node: Call): Call {
  const [access] = node.args;
  if (access?.kind !== 'map_access' || node.args.length !== 1) return node;
  return { ...node, args: [access.map, access.key] };
}

function expandCompound(node: Assignment): Assignment {
  if (node.target.kind === 'discard') return node;
  const operator = node.operator.slice(0, -1) as BinaryOperator;
  const left: Expression = cloneTree(node.target);
  const value: Expression = {
    kind: 'binary',
    span: node.operationSpan ?? node.span,
    operator,
    left,
    right: node.value,
    operatorSpan: node.operationSpan ?? node.span,
  };
  return { ...node, operator: '=', value };
}
