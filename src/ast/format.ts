import { assertNever } from '../source/bug.ts';
import type { Span } from '../source/source.ts';
import { formatDeclaredType, formatExpression } from './format-expressions.ts';
import { INDENT, formatPages } from './format-pages.ts';
import { formatBlock } from './format-statements.ts';
import { escapeString } from './format-types.ts';
import type { Config, CStatement, Import, Macro, MapDeclaration, Probe, Program, Subprogram } from './nodes.ts';
import { Page } from './page.ts';
import { readTrivia } from './trivia.ts';
import type { Trivia } from './trivia.ts';

const WIDTH = 90;

/** A script in bpftrace's own layout (`--fmt`), with its comments; formatting the result may still move one in an odd place. */
export function format(program: Program, comments: readonly Span[]): string {
  return layOut(program, readTrivia(program, comments));
}

/** The same with what is to stand between the nodes. */
export function layOut(program: Program, trivia: Trivia): string {
  const page = new Page();
  if (program.header !== undefined) page.text(program.header.trimEnd()).breakLine();
  const roots = [
    ...(program.config === undefined ? [] : [program.config]),
    ...program.imports,
    ...program.cStatements,
    ...program.mapDeclarations,
    ...program.subprograms,
    ...program.probes,
    ...program.macros,
  ];
  for (const root of roots.toSorted((a, b) => a.span.start - b.span.start)) {
    page.between(trivia.before(root.span.start).all(), 0);
    page.append(formatRoot(root, trivia)).breakLine();
  }
  return page.between(trivia.all(), 0).print();
}

type Root = Config | Import | CStatement | MapDeclaration | Subprogram | Probe | Macro;

function formatRoot(root: Root, trivia: Trivia): Page {
  switch (root.kind) {
    case 'c_statement':
      return new Page().text(root.text);
    case 'import':
      return new Page().text(`import "${root.name}";`);
    case 'map_declaration':
      return new Page().text(`let @${root.map.name} = ${root.type}(${root.maxEntries});`);
    case 'config':
      return formatConfig(root, trivia);
    case 'probe':
      return formatProbe(root, trivia);
    case 'macro':
      return formatMacro(root, trivia);
    case 'subprogram':
      return formatSubprogram(root, trivia);
    default:
      return assertNever(root);
  }
}

function formatConfig(config: Config, trivia: Trivia): Page {
  const body = new Page();
  config.assignments.forEach(({ name, value, span }, i) => {
    if (i > 0) body.breakLine();
    body.between(trivia.before(span.start).all(), 0).text(`${name} = ${configValue(value)};`);
  });
  body.inline(trivia.before(config.span.end).all());
  return new Page().text('config = {').append(body, { indent: INDENT }).text('}');
}

function configValue(value: string | bigint | boolean): string {
  if (typeof value !== 'string') return String(value);
  return /^[A-Za-z_]\w*$/.test(value) ? value : `"${escapeString(value)}"`;
}

function formatProbe(probe: Probe, trivia: Trivia): Page {
  const page = new Page();
  probe.attachPoints.forEach((attachPoint, i) => {
    page.inline(trivia.before(attachPoint.span.start).all());
    page.text(`${attachPoint.text}${i < probe.attachPoints.length - 1 ? ',' : ''}`).breakLine();
  });
  if (probe.predicate !== undefined) {
    page.inline(trivia.before(probe.predicate.span.start).all()).text('/');
    page
      .append(formatExpression(probe.predicate, trivia, WIDTH, true))
      .text('/')
      .breakLine();
  }
  page.inline(trivia.before(probe.body.span.start).all()).text('{');
  return page.append(formatBlock(probe.body, trivia, WIDTH - INDENT), { indent: INDENT }).text('}');
}

function formatMacro(macro: Macro, trivia: Trivia): Page {
  const sigils = { variable: '$', map: '@', expression: '', type: '' } as const;
  const parameters = macro.parameters.map(({ mode, name }) => `${sigils[mode]}${name}`);
  const page = new Page().text(`macro ${macro.name}(${parameters.join(', ')})`);
  page.between(trivia.before(macro.body.span.start).all(), 1).text('{');
  return page.append(formatBlock(macro.body, trivia, WIDTH - INDENT), { indent: INDENT }).text('}');
}

function formatSubprogram(node: Subprogram, trivia: Trivia): Page {
  const before = trivia.before(node.body.span.start).all();
  const parameters = node.parameters.map(({ variable, type }) =>
    new Page().text(`$${variable.name} : `).append(formatDeclaredType(type, trivia, WIDTH)),
  );
  const list = formatPages(parameters, ', ', WIDTH - (node.name.length + 5));
  const returns = formatDeclaredType(node.returns, trivia, WIDTH);
  const isLong = list.height > 1 || list.width + returns.width + 12 > WIDTH;
  const page = new Page().text(`fn ${node.name}(`).append(list, { indent: isLong ? INDENT : 0 });
  page.text(') : ').append(returns).inline(before).breakLine().text('{');
  return page.append(formatBlock(node.body, trivia, WIDTH - INDENT), { indent: INDENT }).text('}');
}
