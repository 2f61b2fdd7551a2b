import { isWhole } from './brackets.ts';
import { runCommand } from './commands.ts';
import { requestCompletion } from './completion.ts';
import { EMPTY_EDITOR, newline, type Editor } from './editor.ts';
import { attachPointAt } from './hint.ts';
import { remember } from './history.ts';
import { ask, step, type Effect, type Model, type Step } from './model.ts';
import { refreshPane } from './open-pane.ts';

const isCommand = (text: string): boolean => /^\s*:/.test(text);

/** The model with another text or cursor, and everything that is to be asked about it. */
export function edited(model: Model, editor: Editor): Step {
  const isSameText = editor.text === model.editor.text;
  const next: Model = {
    ...model,
    editor,
    version: model.version + 1,
    notes: isSameText ? model.notes : editor.text.trim() === '' ? [] : shifted(model, editor),
  };
  const completed = isSameText
    ? { model: { ...next, completion: undefined }, effects: [] }
    : requestCompletion(next, false);
  return step(completed.model, ...questions(completed.model, isSameText), ...completed.effects);
}

function questions(model: Model, isSameText: boolean): readonly Effect[] {
  const { editor, version, described } = model;
  if (editor.text.trim() === '' || isCommand(editor.text)) return [];
  const attachPoint = attachPointAt(model);
  return [
    // The answer is dropped when the text has changed again; a moved cursor only needs the new number.
    ...(isSameText && model.checked === editor.text ? [] : [ask({ kind: 'check', id: version, text: editor.text })]),
    ...(attachPoint === undefined || attachPoint in described ? [] : [ask({ kind: 'describe', attachPoint })]),
    ...(isSameText ? [] : refreshPane(model)),
  ];
}

/** Mistakes stay where they are while the text around them changes, until the next check says more. */
function shifted({ notes, editor: before }: Model, after: Editor): Model['notes'] {
  const grown = after.text.length - before.text.length;
  const at = Math.min(before.cursor, after.cursor);
  return notes.flatMap((note) => {
    const { place } = note;
    if (place === undefined || place.end <= at) return [note];
    // What is being changed may be right already.
    if (place.start < Math.max(before.cursor, after.cursor)) return [];
    return [{ ...note, place: { start: place.start + grown, end: place.end + grown } }];
  });
}

/** What Enter does: runs what is finished, and else begins a new line. */
export function submit(model: Model, isForced: boolean): Step {
  const { editor, durationNs } = model;
  const { text, cursor } = editor;
  if (text.trim() === '') return step(model);
  const isAtEnd = text.slice(cursor).trim() === '';
  if (!isForced && !(isWhole(text) && isAtEnd)) return edited(model, newline(editor));
  if (!isCommand(text)) return step({ ...model, completion: undefined }, ask({ kind: 'run', text, durationNs }));
  const emptied: Model = {
    ...model,
    editor: { ...EMPTY_EDITOR, clipboard: editor.clipboard },
    version: model.version + 1,
    completion: undefined,
    notes: [],
    history: remember(model.history, text.trim()),
  };
  const { model: next, effects } = runCommand(emptied, text);
  return step(next, { kind: 'remember', entry: text.trim() }, ...effects);
}
