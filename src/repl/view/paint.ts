/** What stands on the terminal. */
export interface Painted {
  readonly lines: readonly string[];
}

const at = (row: number, column: number): string => `\u001b[${row + 1};${column + 1}H`;
const ERASE_REST = '\u001b[K';
const RESET = '\u001b[0m';
const BEGIN_UPDATE = '\u001b[?2026h\u001b[?25l';
const END_UPDATE = '\u001b[?25h\u001b[?2026l';

/** What to write so that the terminal shows other lines: only those that differ, at once, then the cursor. */
export function paint(
  before: Painted | undefined,
  lines: readonly string[],
  cursor: { readonly row: number; readonly column: number },
): string {
  const changed = lines.flatMap((line, row) =>
    before?.lines[row] === line ? [] : [at(row, 0) + RESET + line + RESET + ERASE_REST],
  );
  return BEGIN_UPDATE + changed.join('') + at(cursor.row, cursor.column) + END_UPDATE;
}
