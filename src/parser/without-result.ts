import type { Block, BlockExpression, Expression, If, Statement } from '../ast/nodes.ts';

/** A block whose value nobody takes: its last expression, and those of the branches it consists of, become statements. */
export function withoutResult(block: BlockExpression): Block {
  const { span, statements, result } = block;
  if (result === undefined) return { kind: 'block', statements, span };
  const last: Statement = { kind: 'expression_statement', expression: discarded(result), span };
  return { kind: 'block', statements: [...statements, last], span };
}

function discarded(expression: Expression): Expression {
  switch (expression.kind) {
    case 'block_expression':
      return discardedBlock(expression);
    case 'if':
      return discardedIf(expression);
    case 'ternary': {
      const { then, otherwise } = expression;
      const parts = { otherwise: discarded(otherwise), ...(then === undefined ? {} : { then: discarded(then) }) };
      return { ...expression, ...parts };
    }
    default:
      return expression;
  }
}

function discardedIf(node: If): If {
  const { then, otherwise } = node;
  if (otherwise === undefined) return { ...node, then: discardedBlock(then) };
  const other = otherwise.kind === 'if' ? discardedIf(otherwise) : discardedBlock(otherwise);
  return { ...node, then: discardedBlock(then), otherwise: other };
}

function discardedBlock(block: BlockExpression): BlockExpression {
  const { span } = block;
  const statements = block.statements.map((statement): Statement =>
    statement.kind === 'expression_statement'
      ? { ...statement, expression: discarded(statement.expression) }
      : statement,
  );
  if (block.result === undefined) return { kind: 'block_expression', statements, span };
  const last: Statement = { kind: 'expression_statement', expression: discarded(block.result), span };
  return { kind: 'block_expression', statements: [...statements, last], span };
}
