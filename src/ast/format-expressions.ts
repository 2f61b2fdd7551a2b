import { assertNever } from '../source/bug.ts';
import { INDENT, formatPages, narrower } from './format-pages.ts';
import { formatBlock } from './format-statements.ts';
import { escapeString, formatType } from './format-types.ts';
import type { BlockExpression, Expression, If, Ternary, Typeof, TypeExpression } from './nodes.ts';
import { Page } from './page.ts';
import type { Trivia } from './trivia.ts';

/** Kinds that need no parentheses around them, wherever they stand. */
const PLAIN: ReadonlySet<Expression['kind']> = new Set<Expression['kind']>([
  'integer',
  'string',
  'boolean',
  'positional',
  'positional_count',
  'identifier',
  'sizeof',
  'offsetof',
  'typeinfo',
  'typeof',
  'variable',
  'index',
  'tuple_access',
  'map_access',
  'call',
  'map',
  'field',
  'record',
]);

export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<=', '>=', '<', '>']);

/** An expression, in parentheses unless it is plain or `bare`. */
export function formatExpression(node: Expression, trivia: Trivia, width: number, bare = false): Page {
  const page = new Page().inline(trivia.before(node.span.start).all());
  const inside = trivia.before(node.span.end);
  // A tuple brings its parentheses along.
  const isBare = bare || node.kind === 'tuple' || isPlain(node);
  const available = narrower(width, isBare ? 0 : 2);
  if (!isBare) page.text('(');
  if (node.kind === 'block_expression') {
    const block = formatBlock(node, inside, narrower(width, 2));
    if (block.height > 1 || block.width > available) page.text('{').append(block, { indent: INDENT }).text('}');
    else page.text('{ ').append(block).text(' }');
  } else {
    page.append(formatInner(node, inside, available));
  }
  page.inline(inside.all());
  return isBare ? page : page.text(')');
}

function isPlain(node: Expression): boolean {
  return PLAIN.has(node.kind) || (node.kind === 'comptime' && isPlain(node.operand));
}

function formatInner(node: Exclude<Expression, BlockExpression>, trivia: Trivia, width: number): Page {
  const page = new Page();
  const part = (child: Expression, taken = 0, bare = false) =>
    formatExpression(child, trivia, narrower(width, taken), bare);
  /** Comments in front of a closing bracket stay in front of it. */
  const close = (bracket: string) => page.inline(trivia.before(node.span.end).all()).text(bracket);
  switch (node.kind) {
    case 'integer':
      return page.text(node.text ?? String(node.value));
    case 'boolean':
      return page.text(String(node.value));
    case 'string':
      return page.text(`"${escapeString(node.value)}"`);
    case 'positional':
      return page.text(`$${node.index}`);
    case 'positional_count':
      return page.text('$#');
    case 'identifier':
      return page.text(node.name);
    case 'variable':
      return page.text(`$${node.name}`);
    case 'map':
      return page.text(`@${node.name}`);
    case 'map_access': {
      // Only here a tuple goes without its parentheses: @m[1, 2].
      const { key } = node;
      const keys = key.kind === 'tuple' && key.elements.length > 1 ? key.elements : [key];
      const list = formatList(keys, ', ', trivia, narrower(width, INDENT), true);
      const isLong = node.map.name.length + 1 + list.width + 2 > width;
      page.text(`@${node.map.name}[`).append(list, { indent: isLong ? INDENT : 0 });
      return close(']');
    }
    case 'call': {
      const list = formatList(node.args, ', ', trivia, narrower(width, node.name.length + 2), true);
      page.text(`${node.name}(`).append(list, { indent: list.width > width ? INDENT : 0 });
      return close(')');
    }
    case 'unary': {
      const operand = part(node.operand, node.operator.length);
      return node.postfix ? page.append(operand).text(node.operator) : page.text(node.operator).append(operand);
    }
    case 'binary':
      return formatList(chain(node, node.operator), ` ${node.operator} `, trivia, width);
    case 'ternary':
      return formatTernary(node, trivia, width);
    case 'if':
      return formatIf(node, trivia, width);
    case 'field':
      return page.append(part(node.base, node.field.length + 1, isPlain(node.base))).text(`.${node.field}`);
    case 'tuple_access':
      return page.append(part(node.base, String(node.index).length + 1)).text(`.${node.index}`);
    case 'index': {
      const base = part(node.base, 1);
      const index = part(node.index, INDENT, true);
      const isLong = base.width + index.width + 2 > width;
      page
        .append(base)
        .text('[')
        .append(index, { indent: isLong ? INDENT : 0 });
      return close(']');
    }
    case 'cast': {
      page
        .text('(')
        .append(formatDeclaredType(node.type, trivia, width))
        .text(')');
      return page.append(part(node.operand, page.width, isPlain(node.operand)));
    }
    case 'tuple': {
      const { elements } = node;
      const list = formatList(elements, ', ', trivia, narrower(width, INDENT), true);
      if (elements.length === 1) list.text(',');
      page.text('(').append(list);
      return close(')');
    }
    case 'record': {
      const fields = node.fields.map(({ name, value }) =>
        new Page().text(`${name}=`).append(part(value, name.length + 1)),
      );
      const list = formatPages(fields, ', ', narrower(width, INDENT));
      page.text('(').append(list, { indent: list.height > 1 ? INDENT : 0 });
      return close(')');
    }
    case 'address_of':
      return page.text('&').append(part(node.operand, 1));
    case 'sizeof':
    case 'typeinfo':
      page.text(`${node.kind}(`).append(formatTypeArgument(node.operand, trivia, width));
      return close(')');
    case 'offsetof':
      page
        .text('offsetof(')
        .append(formatTypeArgument(node.operand, trivia, width))
        .text(`, ${node.fields.join('.')}`);
      return close(')');
    case 'typeof':
      page.text('typeof(').append(formatTypeArgument(node.operand, trivia, width));
      return close(')');
    case 'comptime':
      return page.text('comptime ').append(part(node.operand, 9));
    default:
      return assertNever(node);
  }
}

/** `a && b && c` needs no parentheses between equal logical operators. */
function chain(node: Expression, operator: string): Expression[] {
  if (node.kind !== 'binary' || node.operator !== operator) return [node];
  const isLogical = operator === '&&' || operator === '||';
  if (!isLogical) return [node.left, node.right];
  return [...chain(node.left, operator), ...chain(node.right, operator)];
}

function formatTernary({ condition, then, otherwise }: Ternary, trivia: Trivia, width: number): Page {
  const first = formatExpression(condition, trivia, width);
  const other = () => formatExpression(otherwise, trivia, narrower(width, 2));
  if (then === undefined) return first.text(' ?: ').append(other());
  const second = formatExpression(then, trivia, narrower(width, 2));
  const third = other();
  if (first.width + second.width + third.width + 8 > width) {
    return first.breakLine().text('? ').append(second).breakLine().text(': ').append(third);
  }
  return first.text(' ? ').append(second).text(' : ').append(third);
}

function formatIf(node: If, trivia: Trivia, width: number): Page {
  const branches: { readonly condition: Page; readonly body: Page }[] = [];
  let last: Page | undefined;
  for (let branch: If | undefined = node; branch !== undefined;) {
    const { then, otherwise }: If = branch;
    const inHead = trivia.before(then.span.start);
    const condition = formatExpression(
      branch.condition,
      inHead,
      narrower(width, 5),
      branch.condition.kind === 'comptime',
    );
    condition.inline(inHead.all());
    branches.push({ condition, body: formatBlock(then, trivia, narrower(width, INDENT)) });
    if (otherwise?.kind === 'block_expression') last = formatBlock(otherwise, trivia, narrower(width, INDENT));
    branch = otherwise?.kind === 'if' ? otherwise : undefined;
  }
  const bodies = [...branches.map(({ body }) => body), ...(last === undefined ? [] : [last])];
  const total = branches.reduce((sum, { condition, body }) => sum + condition.width + body.width + 8, 0);
  const isStatement = node.then.result === undefined || node.otherwise === undefined;
  const isTall = branches.length > 1 || [...bodies, ...branches.map((b) => b.condition)].some((p) => p.height > 1);
  const isOneLine = !isStatement && !isTall && total <= width;

  const page = new Page();
  const append = (head: string, body: Page): void => {
    if (isOneLine) page.text(`${head} { `).append(body).text(' }');
    else page.text(`${head} {`).append(body, { indent: INDENT }).text('}');
  };
  branches.forEach(({ condition, body }, i) => {
    page.text(i > 0 ? ' else if ' : 'if ').append(condition);
    append('', body);
  });
  if (last !== undefined) append(' else', last);
  return page;
}

/** What a variable is declared as; `typeof(int8)` is written `int8`. */
export function formatDeclaredType(type: TypeExpression | Typeof, trivia: Trivia, width: number): Page {
  if (type.kind === 'type') return new Page().text(formatType(type));
  if (type.operand.kind === 'type') return new Page().text(formatType(type.operand));
  return formatExpression(type, trivia, width);
}

function formatTypeArgument(operand: Expression | TypeExpression, trivia: Trivia, width: number): Page {
  if (operand.kind === 'type') return new Page().text(formatType(operand));
  if (operand.kind === 'typeof') return formatTypeArgument(operand.operand, trivia, width);
  const page = formatExpression(operand, trivia, width, true);
  // `typeof(x[0])` would be read as an array type.
  return isIndexedWord(operand) ? new Page().text('(').append(page).text(')') : page;
}

function isIndexedWord(node: Expression): boolean {
  return node.kind === 'index' && (node.base.kind === 'identifier' || isIndexedWord(node.base));
}

function formatList(
  items: readonly (Expression | TypeExpression)[],
  separator: string,
  trivia: Trivia,
  width: number,
  bare = false,
): Page {
  const pages = items.map((item, i) => {
    if (item.kind === 'type') return new Page().text(formatType(item));
    const isComparison = item.kind === 'binary' && COMPARISONS.has(item.operator);
    const available = i < items.length - 1 ? narrower(width, 1) : width;
    return formatExpression(item, trivia, available, bare || isComparison);
  });
  return formatPages(pages, separator, width);
}
