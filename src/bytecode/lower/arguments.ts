import type { Call, Expression } from '../../ast/nodes.ts';
import { bug } from '../../source/bug.ts';

/** An argument that is there and is no type. */
export function expressionAt(node: Call, index: number): Expression {
  return optional(node, index) ?? bug(`${node.name}() lacks argument ${index}`);
}

/** An argument that need not be there. */
export function optional(node: Call, index: number): Expression | undefined {
  const found = node.args[index];
  return found === undefined || found.kind === 'type' ? undefined : found;
}

/** The text of an argument that is a literal. */
export function text(node: Call, index: number): string | undefined {
  const found = node.args[index];
  return found?.kind === 'string' ? found.value : undefined;
}
