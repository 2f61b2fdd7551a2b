import type { Span } from '../source/source.ts';
import type { Program } from './nodes.ts';

/** A line of a comment, or one blank line. */
export interface Trivium {
  readonly offset: number;
  readonly comment?: string;
}

/** What stands between the nodes, in order; each piece is handed out once, to the node that asks first. */
export class Trivia {
  private pieces: readonly Trivium[];

  constructor(pieces: readonly Trivium[]) {
    this.pieces = pieces;
  }

  /** Takes everything that starts at or before an offset. */
  before(offset: number): Trivia {
    const count = this.pieces.findIndex((piece) => piece.offset > offset);
    const taken = count === -1 ? this.pieces : this.pieces.slice(0, count);
    this.pieces = count === -1 ? [] : this.pieces.slice(count);
    return new Trivia(taken);
  }

  /** Takes the rest. */
  all(): readonly Trivium[] {
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }
}

/** Reads comments and blank lines; the line breaks that end a statement, a block or a comment count for nothing. */
export function readTrivia(program: Program, comments: readonly Span[]): Trivia {
  const { text } = program.span.source;
  // Line breaks in here are not layout: C text with the newline that ends it, and the `#!` line.
  const opaque = [
    { start: 0, end: program.header?.length ?? 0 },
    ...program.cStatements.map(({ span }) => ({
      start: span.start,
      end: span.end + (text[span.start] === '#' ? 1 : 0),
    })),
    ...comments,
  ];
  const pieces: Trivium[] = comments.flatMap((span) => commentLines(text.slice(span.start, span.end), span.start));
  const commentEnds = new Set(comments.map((span) => span.end));
  for (let offset = text.indexOf('\n'); offset !== -1; offset = text.indexOf('\n', offset + 1)) {
    if (opaque.some(({ start, end }) => start <= offset && offset < end)) continue;
    let before = offset;
    while (before > 0 && /[ \t\r]/.test(text[before - 1]!)) before--;
    const endsSomething = commentEnds.has(before) || /[;{}]/.test(text[before - 1] ?? '');
    if (!endsSomething) pieces.push({ offset });
  }
  return new Trivia(pieces.toSorted((a, b) => a.offset - b.offset));
}

function commentLines(comment: string, offset: number): Trivium[] {
  const body = comment.startsWith('//') ? comment.slice(2) : comment.slice(2).replace(/\*\/$/, '');
  const lines = body.split('\n').map((line, i) => ({
    offset: offset + 2 + i,
    comment: (i === 0 ? line.replace(/^ /, '') : line.replace(/^[ \t\r]*\**(?: |$)?/, '')).trimEnd(),
  }));
  if (comment.startsWith('//')) return lines;
  // The lines of `/*` and `*/` themselves say nothing.
  return lines.filter((line, i) => line.comment !== '' || (i > 0 && i < lines.length - 1));
}
