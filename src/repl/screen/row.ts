/** What a piece of the screen is; the view knows what that looks like. */
export type Style =
  | 'plain'
  | 'dim'
  | 'strong'
  | 'title'
  | 'prompt'
  | 'selected'
  | 'error'
  | 'warning'
  | 'note'
  | 'probe'
  | 'keyword'
  | 'builtin'
  | 'function'
  | 'field'
  | 'variable'
  | 'map'
  | 'number'
  | 'string'
  | 'comment'
  | 'definition'
  | 'partner'
  | 'bar'
  | 'user'
  | 'kernel'
  | 'irq'
  | 'softirq'
  | 'iowait'
  | 'current';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** A line of the screen. */
export type Row = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });
export const rowOf = (text: string, style: Style = 'plain'): Row => (text === '' ? [] : [span(text, style)]);

function rowWidth(row: Row): number {
  return row.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** Letters that take two cells: East Asian wide ones and emoji, by their blocks. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /^\p{Mark}$/u;

export function letterWidth(letter: string): number {
  if (letter < '\u0300') return 1;
  return WIDE.test(letter) ? 2 : COMBINING.test(letter) ? 0 : 1;
}

export function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width;
}

/** As much of a text as fits. */
function cutText(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const letter of text) {
    width += letterWidth(letter);
    if (width > columns) break;
    end += letter.length;
  }
  return text.slice(0, end);
}

/** At most so wide; what is cut off leaves an ellipsis. */
export function fit(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${cutText(text, Math.max(0, columns - 1))}${columns > 0 ? '…' : ''}`;
}

export function fitRow(row: Row, columns: number): Row {
  if (rowWidth(row) <= columns) return row;
  const fitted: Span[] = [];
  let left = columns - 1;
  for (const { text, style } of row) {
    const part = cutText(text, left);
    if (part !== '') fitted.push({ text: part, style });
    left -= widthOf(part);
    if (part !== text) break;
  }
  return columns > 0 ? [...fitted, span('…', 'dim')] : [];
}

/** As wide as asked for. */
export function padRow(row: Row, columns: number): Row {
  const fitted = fitRow(row, columns);
  const missing = columns - rowWidth(fitted);
  return missing > 0 ? [...fitted, span(' '.repeat(missing))] : fitted;
}

/** One row with something at either end; what is on the left gives way. */
export function spread(left: Row, right: Row, columns: number): Row {
  const width = rowWidth(right);
  return width >= columns ? fitRow(right, columns) : [...padRow(left, columns - width), ...right];
}

/** Cuts a text into pieces of a width. */
export function wrap(text: string, columns: number): readonly string[] {
  const pieces: string[] = [];
  let rest = text;
  while (widthOf(rest) > columns) {
    const piece = cutText(rest, Math.max(columns, 2));
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...pieces, rest];
}

/** Whole numbers as people read them. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
