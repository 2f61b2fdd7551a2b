import { lineText, positionAt, type Span } from '../../source/source.ts';

/** `script.bt:3:7-45`, or only the lines of a span over several: `script.bt:3-5`. */
export function locationText(span: Span): string {
  const { start, end } = edges(span);
  const lines = start.line === end.line ? `${start.line}:${start.column}-${end.column}` : `${start.line}-${end.line}`;
  return `${span.source.name}:${lines}`;
}

/** The line of a span and the marks below it, or all lines of a longer one; each ends in a newline. */
export function contextLines(span: Span): string {
  const { start, end } = edges(span);
  if (start.line !== end.line) {
    let lines = '';
    for (let line = start.line; line <= end.line; line++) lines += `${lineText(span.source, line)}\n`;
    return lines;
  }
  const line = lineText(span.source, start.line);
  let marks = '';
  for (let i = 0; i < Math.min(line.length, end.column - 1); i++) {
    marks += (i < start.column - 1 ? ' ' : '~').repeat(line[i] === '\t' ? TAB_WIDTH : 1);
  }
  return `${line.replaceAll('\t', ' '.repeat(TAB_WIDTH))}\n${marks}\n`;
}

const TAB_WIDTH = 4;

function edges(span: Span) {
  return { start: positionAt(span.source, span.start), end: positionAt(span.source, span.end) };
}

/** The span and, for code out of macros, each place that they were called from. */
export function spanChain(span: Span): readonly Span[] {
  const chain: Span[] = [];
  for (let place: Span | undefined = span; place !== undefined; place = place.expandedFrom) chain.push(place);
  return chain;
}
