import { positionAt, type Span } from '../source/source.ts';

/** As much of a construct as a heading over its instructions needs: they follow at once. */
const MOST = 100;

/** `3:14: @calls[comm] = count()`: place and text of a construct, of long ones the beginning. */
export function constructText({ source, start, end }: Span): string {
  const { line, column } = positionAt(source, start);
  const [first = '', ...more] = source.text.slice(start, end).split('\n');
  const isCut = more.length > 0 || first.length > MOST;
  return `${line}:${column}: ${first.slice(0, MOST).trimEnd()}${isCut ? ' ...' : ''}`;
}
