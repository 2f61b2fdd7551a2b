import type { BooleanLiteral, Expression, IntegerLiteral, Node, StringLiteral } from '../ast/nodes.ts';

export function integerNode(value: bigint, span: Node['span']): IntegerLiteral {
  return { kind: 'integer', span, value };
}

export function booleanNode(value: boolean, span: Node['span']): BooleanLiteral {
  return { kind: 'boolean', span, value };
}

export function stringNode(value: string, span: Node['span']): StringLiteral {
  return { kind: 'string', span, value };
}

/** Whether the expression is known while compiling; tuples and records of literals count. */
export function isLiteral(node: Expression): boolean {
  switch (node.kind) {
    case 'integer':
    case 'boolean':
    case 'string':
      return true;
    case 'tuple':
      return node.elements.every(isLiteral);
    case 'record':
      return node.fields.every((field) => isLiteral(field.value));
    default:
      return false;
  }
}

/** Whether a literal counts as true; undefined for what is not a literal with a truth. */
export function literalTruth(node: Expression): boolean {
  switch (node.kind) {
    case 'integer':
      return node.value !== 0n;
    case 'string':
      return node.value !== '';
    case 'boolean':
      return node.value;
    default:
      return false;
  }
}
