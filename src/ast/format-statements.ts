import { assertNever } from '../source/bug.ts';
import { COMPARISONS, formatDeclaredType, formatExpression } from './format-expressions.ts';
import { INDENT, narrower } from './format-pages.ts';
import type { Assignment, Block, BlockExpression, Expression, Range, Statement } from './nodes.ts';
import { Page } from './page.ts';
import { Trivia } from './trivia.ts';

/** The statements of a block without its braces. */
export function formatBlock(block: Block | BlockExpression, trivia: Trivia, width: number): Page {
  const page = new Page();
  block.statements.forEach((statement, i) => {
    if (i > 0) page.breakLine();
    const leading = trivia.before(statementStart(statement)).all();
    page.append(new Page().between(leading, 0).append(formatStatement(statement, trivia, width)));
  });
  const rest = trivia.before(block.span.end);
  if (block.kind === 'block_expression' && block.result !== undefined) {
    const leading = rest.before(block.result.span.start).all();
    const result = formatExpression(block.result, rest, width, true);
    page.between(leading, page.height > 0 ? 1 : 0).append(result);
  }
  return page.inline(rest.all());
}

/** A last expression that became a statement has the span of its whole block. */
function statementStart(statement: Statement): number {
  return statement.kind === 'expression_statement' ? statement.expression.span.start : statement.span.start;
}

function formatStatement(statement: Statement, trivia: Trivia, width: number): Page {
  const page = new Page();
  switch (statement.kind) {
    case 'expression_statement': {
      const { expression } = statement;
      page.append(formatExpression(expression, trivia, width, true));
      return expression.kind === 'if' || expression.kind === 'block_expression' ? page : page.text(';');
    }
    case 'assignment':
      return formatAssignment(statement, trivia, width);
    case 'variable_declaration': {
      page.text(`let $${statement.variable.name}`);
      if (statement.type !== undefined) page.text(' : ').append(formatDeclaredType(statement.type, trivia, width));
      if (statement.value === undefined) return page.text(';');
      return appendValue(page.text(' = '), statement.value, trivia, width).text(';');
    }
    case 'import':
      return page.text(`import "${statement.name}";`);
    case 'unroll':
      page
        .text('unroll (')
        .append(formatExpression(statement.count, trivia, narrower(width, 11)))
        .text(') {');
      return appendBody(page, statement.body, trivia, width);
    case 'while':
      page
        .text('while ')
        .append(formatExpression(statement.condition, trivia, narrower(width, 8)))
        .text(' {');
      return appendBody(page, statement.body, trivia, width);
    case 'for': {
      const { variable, iterable, body } = statement;
      page.text(`for $${variable.name} : `);
      page.append(
        iterable.kind === 'map' ? new Page().text(`@${iterable.name}`) : formatRange(iterable, trivia, width),
      );
      return appendBody(page.text(' {'), body, trivia, width);
    }
    case 'jump':
      if (statement.value === undefined) return page.text(`${statement.jump};`);
      return page
        .text('return ')
        .append(formatExpression(statement.value, trivia, narrower(width, 8)))
        .text(';');
    case 'block':
      return appendBody(page.text('{'), statement, trivia, width);
    default:
      return assertNever(statement);
  }
}

function appendBody(page: Page, body: Block, trivia: Trivia, width: number): Page {
  page.inline(trivia.before(body.span.start).all());
  return page.append(formatBlock(body, trivia, narrower(width, INDENT)), { indent: INDENT }).text('}');
}

function formatRange({ start, end }: Range, trivia: Trivia, width: number): Page {
  const bound = (expression: Expression): Page => {
    const page = formatExpression(expression, trivia, width, true);
    const isLiteral = ['integer', 'string', 'boolean'].includes(expression.kind);
    return isLiteral ? page : new Page().text('(').append(page).text(')');
  };
  return bound(start).text('..').append(bound(end));
}

function formatAssignment(node: Assignment, trivia: Trivia, width: number): Page {
  const { target, value } = node;
  if (target.kind === 'discard') {
    return new Page()
      .text('_ = ')
      .append(formatExpression(value, trivia, width, true))
      .text(';');
  }
  const page = formatExpression(target, trivia, width);
  // `$x = $x + 1` is written as `$x += 1`.
  const isStep = node.operator === '=' && value.kind === 'binary' && canAssign(value.operator);
  if (isStep && spelling(value.left) === spelling(target)) {
    return appendValue(page.text(` ${value.operator}= `), value.right, trivia, width).text(';');
  }
  return appendValue(page.text(` ${node.operator} `), value, trivia, width).text(';');
}

function canAssign(operator: string): boolean {
  return !COMPARISONS.has(operator) && operator !== '&&' && operator !== '||';
}

function spelling(expression: Expression): string {
  return formatExpression(expression, new Trivia([]), Infinity).print();
}

function appendValue(page: Page, value: Expression, trivia: Trivia, width: number): Page {
  const formatted = formatExpression(value, trivia, narrower(width, page.width), true);
  return page.append(formatted, { align: value.kind !== 'block_expression' && value.kind !== 'if' });
}
