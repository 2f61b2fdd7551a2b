/** The text that is being written, and where. */
export interface Editor {
  readonly text: string;
  /** Offset into the text. */
  readonly cursor: number;
  /** Earlier states, the last last. */
  readonly undo: readonly { readonly text: string; readonly cursor: number }[];
  /** What was cut last. */
  readonly clipboard: string;
}

export const EMPTY_EDITOR: Editor = { text: '', cursor: 0, undo: [], clipboard: '' };

const MOST_UNDO = 200;
const INDENT = '  ';

/** With another text, to be undone as one step. */
export function edit(editor: Editor, text: string, cursor: number): Editor {
  if (text === editor.text) return { ...editor, cursor };
  const undo = [...editor.undo, { text: editor.text, cursor: editor.cursor }].slice(-MOST_UNDO);
  return { ...editor, text, cursor, undo };
}

export function moveTo(editor: Editor, cursor: number): Editor {
  return { ...editor, cursor: Math.max(0, Math.min(editor.text.length, cursor)) };
}

export function insert(editor: Editor, text: string): Editor {
  const { cursor } = editor;
  // A brace that closes a block stands under what opened it.
  if (text === '}' && /^ +$/.test(lineBefore(editor))) {
    const start = Math.max(lineStart(editor), cursor - INDENT.length);
    return edit(editor, editor.text.slice(0, start) + text + editor.text.slice(cursor), start + 1);
  }
  return edit(editor, editor.text.slice(0, cursor) + text + editor.text.slice(cursor), cursor + text.length);
}

/** A new line, as far in as its block. */
export function newline(editor: Editor): Editor {
  const before = lineBefore(editor);
  const indent = /^ */.exec(before)![0] + (/\{\s*$/.test(before) ? INDENT : '');
  return insert(editor, `\n${indent}`);
}

const lineStart = ({ text, cursor }: Editor): number => text.lastIndexOf('\n', cursor - 1) + 1;
const lineBefore = (editor: Editor): string => editor.text.slice(lineStart(editor), editor.cursor);
function lineEnd({ text, cursor }: Editor): number {
  const end = text.indexOf('\n', cursor);
  return end < 0 ? text.length : end;
}

const isLowSurrogate = (text: string, at: number): boolean => /[\uDC00-\uDFFF]/.test(text[at] ?? '');
function previous({ text, cursor }: Editor): number {
  return Math.max(0, cursor - (isLowSurrogate(text, cursor - 1) ? 2 : 1));
}
function next({ text, cursor }: Editor): number {
  return Math.min(text.length, cursor + (isLowSurrogate(text, cursor + 1) ? 2 : 1));
}
function wordLeft({ text, cursor }: Editor): number {
  return /(?:\w+|[^\w\s]+)?\s*$/.exec(text.slice(0, cursor))!.index;
}
function wordRight({ text, cursor }: Editor): number {
  return cursor + /^\s*(?:\w+|[^\w\s]+)?/.exec(text.slice(cursor))![0].length;
}

export const isOnFirstLine = (editor: Editor): boolean => lineStart(editor) === 0;
export const isOnLastLine = (editor: Editor): boolean => lineEnd(editor) === editor.text.length;

function vertically(editor: Editor, target: number): Editor {
  const column = editor.cursor - lineStart(editor);
  const end = lineEnd({ ...editor, cursor: target });
  return moveTo(editor, Math.min(target + column, end));
}

function cut(editor: Editor, start: number, end: number): Editor {
  if (start === end) return editor;
  const clipboard = editor.text.slice(start, end);
  return { ...edit(editor, editor.text.slice(0, start) + editor.text.slice(end), start), clipboard };
}

function erase(editor: Editor, start: number, end: number): Editor {
  return edit(editor, editor.text.slice(0, start) + editor.text.slice(end), start);
}

/** What keys do to the text and its cursor. */
export const EDITS = {
  left: (editor) => moveTo(editor, previous(editor)),
  right: (editor) => moveTo(editor, next(editor)),
  up: (editor) => vertically(editor, lineStart({ ...editor, cursor: Math.max(0, lineStart(editor) - 1) })),
  down: (editor) => vertically(editor, lineEnd(editor) + 1),
  wordLeft: (editor) => moveTo(editor, wordLeft(editor)),
  wordRight: (editor) => moveTo(editor, wordRight(editor)),
  lineStart: (editor) => moveTo(editor, lineStart(editor)),
  lineEnd: (editor) => moveTo(editor, lineEnd(editor)),
  backspace: (editor) => erase(editor, previous(editor), editor.cursor),
  delete: (editor) => erase(editor, editor.cursor, next(editor)),
  cutWord: (editor) => cut(editor, wordLeft(editor), editor.cursor),
  /** The rest of the line; at its end, the line break. */
  cutToEnd: (editor) => cut(editor, editor.cursor, Math.max(lineEnd(editor), next(editor))),
  cutToStart: (editor) => cut(editor, lineStart(editor), editor.cursor),
  indent: (editor) => insert(editor, INDENT),
  paste: (editor) => insert(editor, editor.clipboard),
  undo(editor) {
    const last = editor.undo.at(-1);
    return last === undefined ? editor : { ...editor, ...last, undo: editor.undo.slice(0, -1) };
  },
} as const satisfies Record<string, (editor: Editor) => Editor>;
export type EditName = keyof typeof EDITS;
