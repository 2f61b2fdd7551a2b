import type { Block, Expression, Jump, Node, Probe, Program, Statement, Subprogram, Variable } from '../ast/nodes.ts';
import type { Pass, PassContext } from './context.ts';
import { integerNode } from './literals.ts';
import { error } from './messages.ts';
import { rewriteChildren } from './rewrite.ts';

/** As bpftrace names them. */
const RETURN_VALUE = '__return_value';
const HAS_RETURNED = '__return_value_set';

/**
 * A loop's body becomes a callback, from which `return` cannot leave the probe: it sets a variable and breaks, and
 * behind the loop the variable is looked at.
 */
export const returnFromLoops: Pass = {
  name: 'return from loops',
  run(program: Program, context: PassContext): Program {
    return {
      ...program,
      subprograms: program.subprograms.map((subprogram) => rewriteTop(subprogram, context)),
      probes: program.probes.map((probe) => rewriteTop(probe, context)),
    };
  },
};

interface State {
  depth: number;
  /** Whether the returns in loops have values; undefined: there are none. */
  hasValue: boolean | undefined;
}

function rewriteTop<Top extends Probe | Subprogram>(top: Top, context: PassContext): Top {
  const state: State = { depth: 0, hasValue: undefined };
  const body = rewriteNode(top.body, state, context) as Block;
  if (state.hasValue === undefined) return top;
  const { span } = top;
  const declarations: Statement[] = [assign(HAS_RETURNED, integerNode(0n, span), span)];
  if (state.hasValue) {
    declarations.push({ kind: 'variable_declaration', span, variable: variable(RETURN_VALUE, span) });
  }
  return { ...top, body: { ...body, statements: [...declarations, ...body.statements] } };
}

function rewriteNode(node: Node, state: State, context: PassContext): Node {
  const isLoop = node.kind === 'for' || node.kind === 'while';
  if (isLoop) state.depth += 1;
  const rewritten = rewriteChildren(node, (child) => rewriteNode(child, state, context));
  if (isLoop) state.depth -= 1;
  if (isLoop && state.hasValue !== undefined) return leaveLoop(rewritten as Statement, state);
  if (rewritten.kind === 'jump' && rewritten.jump === 'return' && state.depth > 0) {
    return breakWithValue(rewritten, state, context);
  }
  return rewritten;
}

function leaveLoop(loop: Statement, state: State): Block {
  const { span } = loop;
  const jump: Jump =
    state.depth > 0
      ? { kind: 'jump', span, jump: 'break' }
      : { kind: 'jump', span, jump: 'return', ...(state.hasValue ? { value: variable(RETURN_VALUE, span) } : {}) };
  const check: Statement = {
    kind: 'expression_statement',
    span,
    expression: {
      kind: 'if',
      span,
      condition: variable(HAS_RETURNED, span),
      then: { kind: 'block_expression', span, statements: [jump] },
    },
  };
  return { kind: 'block', span, statements: [loop, check] };
}

function breakWithValue(node: Jump, state: State, context: PassContext): Statement {
  const { span, value } = node;
  const hasValue = value !== undefined;
  if (state.hasValue !== undefined && state.hasValue !== hasValue) {
    context.report(error('inconsistent-return', span, 'Return value used in loop is inconsistent'));
    return node;
  }
  state.hasValue = hasValue;
  const statements: Statement[] = value === undefined ? [] : [assign(RETURN_VALUE, value, span)];
  statements.push(assign(HAS_RETURNED, integerNode(1n, span), span), { kind: 'jump', span, jump: 'break' });
  return { kind: 'block', span, statements };
}

function variable(name: string, span: Node['span']): Variable {
  return { kind: 'variable', span, name };
}

function assign(name: string, value: Expression, span: Node['span']): Statement {
  return { kind: 'assignment', span, target: variable(name, span), operator: '=', value };
}
