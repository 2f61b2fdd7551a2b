/** A text that spans point into: a script file, `-e` text (named `stdin`), or a shipped standard-library file. */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** The offset at which each line starts; line 1 is index 0. */
  readonly lineStarts: readonly number[];
}

export function createSource(name: string, text: string): Source {
  const lineStarts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) lineStarts.push(i + 1);
  return { name, text, lineStarts };
}

/** Half-open range of UTF-16 offsets in one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  /** For text that came out of a macro: where the macro was called. */
  readonly expandedFrom?: Span;
}

export interface Position {
  /** Counted from 1, as in bpftrace's messages. */
  readonly line: number;
  /** Counted from 1, in characters. */
  readonly column: number;
}

export function positionAt(source: Source, offset: number): Position {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (source.lineStarts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - source.lineStarts[low]! + 1 };
}

/** The text of a line (counted from 1) without its newline. */
export function lineText(source: Source, line: number): string {
  const start = source.lineStarts[line - 1];
  if (start === undefined) return '';
  const next = source.lineStarts[line];
  return source.text.slice(start, next === undefined ? undefined : next - 1);
}

export function spanText(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}
