import type { Diagnostic, Severity } from './diagnostic.ts';
import { lineText, positionAt } from './source.ts';
import type { Source, Span } from './source.ts';

export interface RenderOptions {
  /** Red errors and yellow warnings, as bpftrace prints them on a terminal. */
  readonly color?: boolean;
  /** `--no-warnings` sets it to false. */
  readonly warnings?: boolean;
}

const LABELS = { error: 'ERROR: ', warning: 'WARNING: ' } as const satisfies Record<Severity, string>;
const COLORS = { error: '\x1b[31m', warning: '\x1b[33m' } as const satisfies Record<Severity, string>;
const RESET = '\x1b[0m';

/**
 * The text of all messages: what is about the script as a whole first, as bpftrace says it at once, then errors, then
 * warnings, each in the order reported.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  const shown: readonly Severity[] = options.warnings === false ? ['error'] : ['error', 'warning'];
  const isEarly = ({ severity, span }: Diagnostic): boolean => severity === 'warning' && span === undefined;
  const early = diagnostics.filter((diagnostic) => isEarly(diagnostic) && options.warnings !== false);
  return shown
    .flatMap((severity) => diagnostics.filter((each) => each.severity === severity && !isEarly(each)))
    .toSpliced(0, 0, ...early)
    .map((diagnostic) => renderDiagnostic(diagnostic, options))
    .join('');
}

/** The text of one message: the place, the places related to it, the hints, then where macros were called. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const { severity, span } = diagnostic;
  if (diagnostic.verbatim === true) return `${diagnostic.message}\n`;
  const at = (message: string, place: Span | undefined) => renderMessage(severity, message, place, options);
  let text = at(diagnostic.message, span);
  for (const related of diagnostic.related) text += at(related.message, related.span);
  for (const hint of diagnostic.hints) text += `HINT: ${hint}\n`;
  for (let call = span?.expandedFrom; call !== undefined; call = call.expandedFrom) text += at('expanded from', call);
  return text;
}

function renderMessage(severity: Severity, message: string, span: Span | undefined, options: RenderOptions): string {
  const head = renderLine(severity, message, span, options);
  return span === undefined ? head : [head, ...excerpt(span).map((line) => `${line}\n`)].join('');
}

/** The line of a message itself: its place, if it has one, what it is and what it says. */
export function renderLine(
  severity: Severity,
  message: string,
  span: Span | undefined,
  { color }: Pick<RenderOptions, 'color'> = {},
): string {
  const place = span === undefined ? '' : `${renderPlace(span)}: `;
  const line = `${place}${LABELS[severity]}${message.replace(/\n$/, '')}`;
  return color === true ? `${COLORS[severity]}${line}${RESET}\n` : `${line}\n`;
}

/** `FILE:LINE:COLUMN-COLUMN`, or `FILE:LINE-LINE` for what covers several lines. */
export function renderPlace(span: Span): string {
  const start = positionAt(span.source, span.start);
  const end = positionAt(span.source, span.end);
  if (start.line !== end.line) return `${span.source.name}:${start.line}-${end.line}`;
  const columns = [span.start, span.end].map((offset) => byteColumn(span.source, offset));
  return `${span.source.name}:${start.line}:${columns.join('-')}`;
}

/** bpftrace counts columns in bytes of UTF-8. */
function byteColumn(source: Source, offset: number): number {
  const { line } = positionAt(source, offset);
  return 1 + byteLength(source.text.slice(source.lineStarts[line - 1], offset));
}

function byteLength(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

function excerpt(span: Span): string[] {
  const { source } = span;
  if (source.text === '') return [];
  const first = positionAt(source, span.start).line;
  const last = positionAt(source, span.end).line;
  if (first !== last) return Array.from({ length: last - first + 1 }, (_, i) => lineText(source, first + i));

  const line = lineText(source, first);
  const lineStart = source.lineStarts[first - 1]!;
  let marks = '';
  let offset = lineStart;
  for (const character of line) {
    if (offset >= span.end) break;
    const mark = offset < span.start ? ' ' : '~';
    marks += mark.repeat(character === '\t' ? 4 : byteLength(character));
    offset += character.length;
  }
  return [line.replaceAll('\t', '    '), marks];
}
