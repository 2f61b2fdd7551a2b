import type { Expression, If, Node, Probe, Program, Ternary } from '../ast/nodes.ts';
import { literalBytes, literalOfBytes } from '../lang/literal-bytes.ts';
import type { Pass, PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { parseInteger } from './integer-text.ts';
import { foldBinary } from './fold-binary.ts';
import { booleanNode, integerNode, isLiteral, literalTruth, stringNode } from './literals.ts';
import { rewriteChildren } from './rewrite.ts';

/** Evaluates what consists of literals, and puts in the positional parameters. */
export const foldLiterals: Pass = {
  name: 'fold',
  run: (program: Program, context: PassContext): Program => foldTree(program, context),
};

/** Folds a node and everything below it. */
export function foldTree<N extends Node>(node: N, context: PassContext): N {
  return fold(node, context) as N;
}

function fold(node: Node, context: PassContext): Node {
  // str($1) is the parameter's text, whatever it looks like.
  const prepared = node.kind === 'call' && node.name === 'str' ? keepText(node, context) : node;
  const visit = (child: Node): Node => fold(child, context);
  // `$1 ?: x` means `$1 ? $1 : x`: bpftrace folds the parameter, and warns of an empty one, in both places.
  if (node.kind === 'ternary' && node.then === undefined && node.condition.kind === 'positional')
    positional(node.condition, context);
  // The branches of an `if` stay blocks.
  const visitBranch = (child: Node): Node =>
    child.kind === 'block_expression' ? dropEmptyStatements(rewriteChildren(child, visit)) : visit(child);
  const folded =
    prepared.kind === 'if' || prepared.kind === 'ternary'
      ? foldBranchesFirst(prepared, prepared.kind === 'if' ? visitBranch : visit)
      : prepared.kind === 'probe'
        ? foldBodyFirst(prepared, visit)
        : rewriteChildren(prepared, visit);
  if (prepared.kind === 'if' || prepared.kind === 'ternary') {
    if (prepared.condition.kind === 'comptime') return foldComptimeIf(folded as If | Ternary);
  }
  switch (folded.kind) {
    case 'unary':
      return foldUnary(folded, context);
    case 'binary':
      return foldBinary(folded, context);
    case 'positional':
      return positional(folded, context);
    case 'positional_count':
      return integerNode(BigInt(context.positional.length), folded.span);
    case 'call':
      return folded.name === 'str' ? foldStr(folded) : folded;
    case 'if':
    case 'ternary':
      return foldConditional(folded);
    case 'comptime':
      if (isLiteral(folded.operand)) return folded.operand;
      return folded.operand.kind === 'comptime' ? folded.operand : folded;
    case 'index':
      return foldIndex(folded);
    case 'tuple_access':
      if (folded.base.kind !== 'tuple' || !isLiteral(folded.base)) return folded;
      return folded.base.elements[folded.index] ?? folded;
    case 'field': {
      if (folded.base.kind !== 'record' || !isLiteral(folded.base)) return folded;
      return folded.base.fields.find((field) => field.name === folded.field)?.value ?? folded;
    }
    case 'block_expression':
      return foldBlock(folded);
    case 'block':
      return dropEmptyStatements(folded);
    case 'probe':
      return foldPredicate(folded);
    default:
      return folded;
  }
}

/** The order of messages: those about a condition come after those about what it decides. */
function foldBranchesFirst<N extends If | Ternary>(node: N, visit: (child: Node) => Node): N {
  const { condition } = node;
  const folded = rewriteChildren(node, (child) => (child === condition ? child : visit(child)));
  const decided = visit(condition) as Expression;
  return decided === condition ? folded : { ...folded, condition: decided };
}

function foldBodyFirst(node: Probe, visit: (child: Node) => Node): Probe {
  const { predicate } = node;
  const folded = rewriteChildren(node, (child) => (child === predicate ? child : visit(child)));
  if (predicate === undefined) return folded;
  const decided = visit(predicate) as Expression;
  return decided === predicate ? folded : { ...folded, predicate: decided };
}

/** The predicate is the condition of an `if` around the body. */
function foldPredicate(node: Probe): Probe {
  const { predicate } = node;
  if (predicate === undefined || predicate.kind === 'boolean' || !hasTruth(predicate)) return node;
  return { ...node, predicate: booleanNode(literalTruth(predicate), predicate.span) };
}

function hasTruth(node: Expression): boolean {
  return node.kind === 'integer' || node.kind === 'string' || node.kind === 'boolean';
}

function keepText(node: Extract<Node, { kind: 'call' }>, context: PassContext): Node {
  const [first, ...rest] = node.args;
  const text = (parameter: Expression): Expression =>
    parameter.kind === 'positional'
      ? stringNode(context.positional[parameter.index - 1] ?? '', parameter.span)
      : parameter;
  if (first?.kind === 'positional') return { ...node, args: [text(first), ...rest] };
  if (first?.kind !== 'binary' || first.operator !== '+') return node;
  return { ...node, args: [{ ...first, left: text(first.left) }, ...rest] };
}

function foldStr(node: Extract<Node, { kind: 'call' }>): Node {
  const [first, length] = node.args;
  if (first?.kind !== 'integer' && first?.kind !== 'string') return node;
  const text = String(first.value);
  if (length === undefined) return stringNode(text, node.span);
  if (length.kind !== 'integer' || length.value < 0n) return node;
  return stringNode(literalOfBytes(literalBytes(text).slice(0, Number(length.value))), node.span);
}

function positional(node: Extract<Node, { kind: 'positional' }>, context: PassContext): Expression {
  const text = context.positional[node.index - 1] ?? '';
  if (text === '') {
    const message = `Positional parameter $${node.index} is empty or not provided. `;
    context.report(warning('empty-parameter', node.span, message));
    return integerNode(0n, node.span);
  }
  const value = parseInteger(text);
  return value === undefined ? stringNode(text, node.span) : integerNode(value, node.span);
}

const MOST_NEGATIVE = 1n << 63n;

function foldUnary(node: Extract<Node, { kind: 'unary' }>, context: PassContext): Node {
  const { operand, operator, span } = node;
  if (operand.kind === 'boolean') return operator === '!' ? booleanNode(!operand.value, span) : node;
  if (operand.kind !== 'integer') return node;
  switch (operator) {
    case '~':
      return integerNode(BigInt.asUintN(64, ~operand.value), span);
    case '!':
      return booleanNode(operand.value === 0n, span);
    case '-':
      if (operand.value > MOST_NEGATIVE) {
        context.report(error('underflow', span, 'negative value will underflow'));
        return node;
      }
      return operand.value === 0n ? operand : integerNode(-operand.value, span);
    default:
      return node;
  }
}

/** Of `if comptime` only the branch that is taken remains. */
function foldComptimeIf(node: If | Ternary): Node {
  const { condition } = node;
  if (!isLiteral(condition)) return node;
  const taken = literalTruth(condition) ? (node.then ?? condition) : node.otherwise;
  if (taken === undefined) return { kind: 'block_expression', span: node.span, statements: [] };
  return taken.kind === 'block_expression' ? foldBlock(taken) : taken;
}

function foldConditional(node: If | Ternary): Node {
  const { condition } = node;
  if (condition.kind === 'comptime' || !isLiteral(condition) || condition.kind === 'tuple') return node;
  if (condition.kind === 'record') return node;
  const truth = literalTruth(condition);
  const then = node.then;
  const otherwise = node.otherwise;
  const yes = then === undefined ? undefined : literalOf(then);
  const no = otherwise === undefined ? undefined : literalOf(otherwise);
  if (yes !== undefined && no !== undefined) return truth ? yes : no;
  if (condition.kind === 'boolean' || (node.kind === 'ternary' && node.then === undefined)) return node;
  return { ...node, condition: booleanNode(truth, condition.span) };
}

function literalOf(node: Expression): Expression | undefined {
  if (node.kind !== 'block_expression') return isLiteral(node) ? node : undefined;
  if (node.statements.length > 0 || node.result === undefined) return undefined;
  return isLiteral(node.result) ? node.result : undefined;
}

function foldIndex(node: Extract<Node, { kind: 'index' }>): Node {
  if (node.base.kind !== 'string' || node.index.kind !== 'integer') return node;
  const bytes = literalBytes(node.base.value);
  if (node.index.value < 0n || node.index.value > BigInt(bytes.length)) return node;
  // The NUL at the end counts, and a char has a sign.
  const character = BigInt.asIntN(8, BigInt(bytes[Number(node.index.value)] ?? 0));
  return integerNode(BigInt.asUintN(64, character), node.span);
}

function foldBlock(node: Extract<Node, { kind: 'block_expression' }>): Node {
  const { result } = node;
  if (node.statements.length === 0 && result !== undefined) {
    if (isLiteral(result) || result.kind === 'tuple') return result;
  }
  return dropEmptyStatements(node);
}

/** What a folded `if comptime` without a taken branch leaves behind. */
function dropEmptyStatements<N extends Extract<Node, { kind: 'block' | 'block_expression' }>>(node: N): N {
  const kept = node.statements.filter((statement) => {
    if (statement.kind !== 'expression_statement') return true;
    const { expression } = statement;
    return !isEmptyBlock(expression);
  });
  return kept.length === node.statements.length ? node : { ...node, statements: kept };
}

function isEmptyBlock(node: Expression): boolean {
  return node.kind === 'block_expression' && node.statements.length === 0 && node.result === undefined;
}
