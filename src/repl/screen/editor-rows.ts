import { classify, type ClassifiedToken, type TokenClass } from '../../pipeline/highlight.ts';
import { bracketsAt, isWhole, matchBrackets } from '../model/brackets.ts';
import type { Model } from '../model/model.ts';
import type { Note } from '../protocol.ts';
import { fit, letterWidth, rowOf, span, widthOf, type Row, type Span, type Style } from './row.ts';

/** Columns of the prompt. */
export const PROMPT_WIDTH = 2;

const STYLE_OF: Record<TokenClass, Style> = {
  probe: 'probe',
  keyword: 'keyword',
  builtin: 'builtin',
  function: 'function',
  word: 'plain',
  field: 'field',
  variable: 'variable',
  map: 'map',
  number: 'number',
  string: 'string',
  operator: 'plain',
  bracket: 'plain',
  punctuation: 'plain',
  comment: 'comment',
  definition: 'definition',
  unknown: 'error',
};

export interface EditorRows {
  readonly rows: readonly Row[];
  /** Where the cursor stands in them. */
  readonly cursor: { readonly row: number; readonly column: number };
}

/** The text with its colours, line by line, cut where the terminal ends, with mistakes under what they are about. */
export function editorRows(model: Model, columns: number): EditorRows {
  const { text, cursor } = model.editor;
  const width = Math.max(8, columns - PROMPT_WIDTH);
  const styles = styleLetters(text, cursor);
  const notes = visibleNotes(model);
  const rows: Row[] = [];
  let at = { row: 0, column: PROMPT_WIDTH };
  let start = 0;
  text.split('\n').forEach((line, index) => {
    const cuts = cutLine(line, width);
    const lineEnd = start + line.length;
    cuts.forEach((from, i) => {
      const to = cuts[i + 1] ?? line.length;
      const isLast = i === cuts.length - 1;
      const [begin, end] = [start + from, start + to];
      if (cursor >= begin && (cursor < end || (isLast && cursor <= end)))
        at = { row: rows.length, column: PROMPT_WIDTH + widthOf(text.slice(begin, cursor)) };
      rows.push([
        i > 0 ? span(' '.repeat(PROMPT_WIDTH)) : prompt(model, index === 0),
        ...styledSpans(text, styles, begin, end),
      ]);
      const marks = markRow(notes, text, begin, end, isLast);
      if (marks !== undefined) rows.push(marks);
    });
    for (const note of notes)
      if (note.place.start >= start && note.place.start <= lineEnd) rows.push(...noteRows(note, columns));
    start = lineEnd + 1;
  });
  for (const note of model.notes) if (note.place === undefined) rows.push(...noteRows(note, columns));
  return { rows, cursor: at };
}

function prompt({ attached }: Model, isFirst: boolean): Span {
  return isFirst ? span(attached.length > 0 ? '» ' : '> ', 'prompt') : span('. ', 'dim');
}

type PlacedNote = Note & Required<Pick<Note, 'place'>>;

/** An unfinished script's end is no mistake yet. */
function visibleNotes({ notes, editor: { text } }: Model): readonly PlacedNote[] {
  const end = text.trimEnd().length;
  const isUnfinished = !isWhole(text);
  return notes.filter(
    (note): note is PlacedNote =>
      note.place !== undefined && note.place.start <= text.length && !(isUnfinished && note.place.end >= end),
  );
}

/** Where a line is cut: offsets at which its rows begin. */
function cutLine(line: string, width: number): readonly number[] {
  const cuts = [0];
  let column = 0;
  let offset = 0;
  for (const letter of line) {
    column += letterWidth(letter);
    if (column > width) {
      cuts.push(offset);
      column = letterWidth(letter);
    }
    offset += letter.length;
  }
  // Room for the cursor behind a full row.
  if (column === width) cuts.push(line.length);
  return cuts;
}

function styleLetters(text: string, cursor: number): readonly (ClassifiedToken & { readonly style: Style })[] {
  const tokens = classify(text);
  const brackets = matchBrackets(tokens);
  const partners = bracketsAt(brackets, cursor);
  const isCommand = /^\s*:/.test(text);
  return tokens.map((token) => ({
    ...token,
    style: isCommand
      ? 'keyword'
      : brackets.stray.has(token.start)
        ? 'error'
        : partners.includes(token.start)
          ? 'partner'
          : STYLE_OF[token.class],
  }));
}

function styledSpans(
  text: string,
  tokens: readonly (ClassifiedToken & { readonly style: Style })[],
  begin: number,
  end: number,
): readonly Span[] {
  const spans: Span[] = [];
  let at = begin;
  for (let i = firstEndingBehind(tokens, begin); i < tokens.length && tokens[i]!.start < end; i++) {
    const token = tokens[i]!;
    const from = Math.max(token.start, begin);
    const to = Math.min(token.end, end);
    if (from > at) spans.push(span(text.slice(at, from)));
    spans.push(span(text.slice(from, to), token.style));
    at = to;
  }
  if (at < end) spans.push(span(text.slice(at, end)));
  return spans;
}

/** Tokens are in order: the first that does not end before an offset is found by halves. */
function firstEndingBehind(tokens: readonly ClassifiedToken[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `~~~~` under what notes are about. */
function markRow(
  notes: readonly PlacedNote[],
  text: string,
  begin: number,
  end: number,
  isLast: boolean,
): Row | undefined {
  const spans: Span[] = [span(' '.repeat(PROMPT_WIDTH))];
  let column = 0;
  for (const { place, severity } of notes.toSorted((a, b) => a.place.start - b.place.start)) {
    const from = Math.max(place.start, begin);
    const to = Math.max(Math.min(place.end, end), from);
    const isHere = place.start < end ? to > from || place.start === place.end : isLast && place.start === end;
    if (!isHere || place.end < begin) continue;
    const left = widthOf(text.slice(begin, from));
    if (left < column) continue;
    const length = Math.max(1, widthOf(text.slice(from, to)));
    spans.push(span(' '.repeat(left - column)), span('~'.repeat(length), severity));
    column = left + length;
  }
  return column === 0 ? undefined : spans;
}

function noteRows({ severity, message, hints }: Note, columns: number): readonly Row[] {
  const room = columns - PROMPT_WIDTH;
  const indent = ' '.repeat(PROMPT_WIDTH);
  return [
    ...message.split('\n').map((line) => rowOf(indent + fit(line, room), severity)),
    ...hints.map((hint) => rowOf(indent + fit(`hint: ${hint}`, room), 'note')),
  ];
}
