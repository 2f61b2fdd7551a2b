import type { Block, BlockExpression, Expression, If, Jump, Macro, Node, Program, Statement } from '../ast/nodes.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Span } from '../source/source.ts';
import type { Pass, PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { forEachChild, rewriteChildren } from './rewrite.ts';

/** exit() returns; jumps stand only where they may; what follows a jump is never reached. */
export const checkControlFlow: Pass = {
  name: 'control flow',
  run(program: Program, context: PassContext): Program {
    const returning = rewriteChildren(program, returnAfterExit);
    for (const top of [...returning.subprograms, ...returning.macros, ...returning.probes]) checkJumps(top, context);
    for (const top of [...returning.subprograms, ...returning.probes]) warnUnreachable(top.body, context);
    return {
      ...returning,
      subprograms: returning.subprograms.map((node) => ({ ...node, body: withReturn(node.body) })),
    };
  },
};

function returnAfterExit(node: Node): Node {
  // exit() may stand in a macro, where a return may not: it ends the program by itself.
  if (node.kind === 'macro') return node;
  const rewritten = rewriteChildren(node, returnAfterExit);
  if (rewritten.kind !== 'call' || rewritten.name !== 'exit' || rewritten.args.length > 1) return rewritten;
  const { span } = rewritten;
  const jump: Jump = { kind: 'jump', span, jump: 'return' };
  return {
    kind: 'block_expression',
    span,
    statements: [{ kind: 'expression_statement', span, expression: rewritten }, jump],
  };
}

/** A function returns at its end, and at the end of each branch there; one that owes a value is then told that it does not. */
function withReturn<B extends Block | BlockExpression>(block: B): B {
  if (ends(block, RETURNS, SILENT)) return block;
  const last = block.statements[block.statements.length - 1];
  if (last?.kind !== 'expression_statement') {
    return { ...block, statements: [...block.statements, returnAt(block.span)] };
  }
  const statement = { ...last, expression: returningExpression(last.expression) };
  return { ...block, statements: [...block.statements.slice(0, -1), statement] };
}

function returningExpression(node: Expression): Expression {
  if (node.kind === 'block_expression' && node.result === undefined) return withReturn(node);
  if (node.kind === 'if') {
    const otherwise = node.otherwise ?? emptyBlock({ ...node.span, start: node.span.end });
    return {
      ...node,
      then: withReturn(node.then),
      otherwise: otherwise.kind === 'if' ? (returningExpression(otherwise) as If) : withReturn(otherwise),
    };
  }
  const { span } = node;
  const statements = [{ kind: 'expression_statement', span, expression: node } as const, returnAt(span)];
  return { kind: 'block_expression', span, statements };
}

function returnAt(span: Span): Jump {
  return { kind: 'jump', span, jump: 'return' };
}

function emptyBlock(span: Span): BlockExpression {
  return { kind: 'block_expression', span, statements: [] };
}

type Place = { readonly name: string; readonly forbidden: ReadonlySet<Jump['jump']> };
const PROBE: Place = { name: 'probe', forbidden: new Set(['break', 'continue']) };
const FUNCTION: Place = { name: 'function', forbidden: new Set(['break', 'continue']) };
const MACRO: Place = { name: 'macro', forbidden: new Set(['break', 'continue', 'return']) };
const FOR_LOOP: Place = { name: 'for-loop', forbidden: new Set(['return']) };
const WHILE_LOOP: Place = { name: 'while-loop', forbidden: new Set() };
/** A while loop where a return is not possible, as inside a for loop. */
const INNER_WHILE_LOOP: Place = { name: 'while-loop', forbidden: new Set(['return']) };

function checkJumps(
  top: Program['probes'][number] | Program['subprograms'][number] | Macro,
  context: PassContext,
): void {
  const place = top.kind === 'probe' ? PROBE : top.kind === 'macro' ? MACRO : FUNCTION;
  checkJumpsIn(top.body, place, context);
}

function checkJumpsIn(node: Node, place: Place, context: PassContext): void {
  if (node.kind === 'jump' && place.forbidden.has(node.jump)) {
    const text = `'${node.jump}' statement is not allowed in a ${place.name}`;
    context.report(error('jump-place', node.span, text));
  }
  if (node.kind === 'for') {
    forEachChild(node, (child) => checkJumpsIn(child, child === node.body ? FOR_LOOP : place, context));
    return;
  }
  if (node.kind === 'while') {
    const inner = place.forbidden.has('return') ? INNER_WHILE_LOOP : WHILE_LOOP;
    forEachChild(node, (child) => checkJumpsIn(child, child === node.body ? inner : place, context));
    return;
  }
  forEachChild(node, (child) => checkJumpsIn(child, place, context));
}

type Reports = (diagnostic: Diagnostic) => void;
const SILENT: Reports = () => undefined;

type Jumps = ReadonlySet<Jump['jump']>;
const RETURNS: Jumps = new Set(['return']);
const FOR_JUMPS: Jumps = new Set(['break', 'continue']);
const WHILE_JUMPS: Jumps = new Set(['break', 'continue', 'return']);

/** Warns about the first statement behind a jump, in the body and then in each loop's body; about none twice. */
function warnUnreachable(body: Block, context: PassContext): void {
  const reported = new Set<string>();
  const report: Reports = (diagnostic) => {
    const { span } = diagnostic;
    const place = span === undefined ? '' : `${span.source.name}:${span.start}-${span.end}`;
    if (!reported.has(place)) context.report(diagnostic);
    reported.add(place);
  };
  ends(body, RETURNS, report);
  const loops = (node: Node): void => {
    if (node.kind === 'for') ends(node.body, FOR_JUMPS, report);
    if (node.kind === 'while') ends(node.body, WHILE_JUMPS, report);
    forEachChild(node, loops);
  };
  loops(body);
}

/** Whether control never gets behind the node because of one of these jumps; all that it walks over is looked at. */
function ends(node: Node, jumps: Jumps, report: Reports): boolean {
  const each = (child: Node | undefined): boolean => child !== undefined && ends(child, jumps, report);
  switch (node.kind) {
    case 'jump':
      return jumps.has(node.jump);
    case 'block':
    case 'block_expression':
      return blockEnds(node.statements, node.kind === 'block_expression' ? node.result : undefined, jumps, report);
    case 'if':
    case 'ternary':
      return each(node.condition) || (each(node.then) && each(node.otherwise));
    case 'binary':
      return each(node.left) || each(node.right);
    case 'index':
      return each(node.base) || each(node.index);
    case 'assignment':
      return each(node.target) || each(node.value);
    case 'unroll':
      return each(node.count) || each(node.body);
    case 'expression_statement':
      return each(node.expression);
    case 'map_access':
      return each(node.key);
    case 'unary':
    case 'cast':
      return each(node.operand);
    case 'field':
    case 'tuple_access':
      return each(node.base);
    case 'while':
      return (
        each(node.condition) ||
        (jumps.has('return') && isAlwaysTrue(node.condition) && ends(node.body, RETURNS, report))
      );
    case 'for':
      if (node.iterable.kind === 'range') forEachChild(node.iterable, each);
      return false;
    case 'call':
    case 'tuple':
    case 'record':
      // What an argument or a member does is not followed further, as in bpftrace.
      forEachChild(node, each);
      return false;
    default:
      return false;
  }
}

function isAlwaysTrue(node: Expression): boolean {
  return (node.kind === 'boolean' && node.value) || (node.kind === 'integer' && node.value !== 0n);
}

/** What is unreachable counts as another branch: with it the block only ends if that branch ends too. */
function blockEnds(
  statements: readonly Statement[],
  result: Expression | undefined,
  jumps: Jumps,
  report: Reports,
): boolean {
  const last = statements.findIndex((statement) => ends(statement, jumps, report));
  if (last === -1) return result !== undefined && ends(result, jumps, report);
  const rest = statements.slice(last + 1);
  const [next] = rest;
  if (next !== undefined) report(warning('unreachable', next.span, 'Unreachable statement.'));
  if (result !== undefined) {
    const text = 'Unreachable expression; block type is implicitly none.';
    report(warning('unreachable', result.span, text));
  }
  if (next === undefined && result === undefined) return true;
  return blockEnds(rest, result, jumps, report);
}
