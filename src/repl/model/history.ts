import { moveTo, edit, type Editor } from './editor.ts';
import type { History, Model, Search } from './model.ts';

export const MOST_ENTRIES = 1000;

/** With an entry at its end, once. */
export function remember(history: History, entry: string): History {
  const entries = [...history.entries.filter((one) => one !== entry), entry].slice(-MOST_ENTRIES);
  return { entries, at: undefined, draft: '' };
}

const showing = (editor: Editor, text: string): Editor => moveTo(edit(editor, text, text.length), text.length);

/** One entry back; the same model when there is none. */
export function older(model: Model): Model {
  const { entries, at, draft } = model.history;
  const to = (at ?? entries.length) - 1;
  if (to < 0) return model;
  const history = { entries, at: to, draft: at === undefined ? model.editor.text : draft };
  return { ...model, history, editor: showing(model.editor, entries[to]!) };
}

/** One entry forward, and behind the last what was being written. */
export function newer(model: Model): Model {
  const { entries, at, draft } = model.history;
  if (at === undefined) return model;
  const to = at + 1 < entries.length ? at + 1 : undefined;
  return {
    ...model,
    history: { entries, at: to, draft },
    editor: showing(model.editor, to === undefined ? draft : entries[to]!),
  };
}

/** The newest entry before an index that contains the text. */
function findOlder({ entries }: History, query: string, before: number): number | undefined {
  const index = entries.slice(0, Math.max(0, before)).findLastIndex((entry) => entry.includes(query));
  return index < 0 ? undefined : index;
}

export function beginSearch(model: Model): Model {
  return { ...model, completion: undefined, search: { query: '', found: undefined, before: model.editor } };
}

/** Looks for another text, from the newest entry on. */
export function searchFor(model: Model, query: string): Model {
  return withSearch(model, query, query === '' ? undefined : findOlder(model.history, query, Infinity));
}

/** The next older entry with the same text; the one that is shown when there is none. */
export function searchOn(model: Model): Model {
  const { search, history } = model;
  if (search === undefined || search.query === '') return model;
  const found = findOlder(history, search.query, search.found ?? history.entries.length);
  return withSearch(model, search.query, found ?? search.found);
}

function withSearch(model: Model, query: string, found: number | undefined): Model {
  const { search, history } = model;
  if (search === undefined) return model;
  const next: Search = { ...search, query, found };
  const text = found === undefined ? search.before.text : history.entries[found]!;
  const at = found === undefined ? search.before.cursor : text.indexOf(query) + query.length;
  return { ...model, search: next, editor: { ...search.before, text, cursor: at } };
}

/** Takes what was found, to be edited. */
export function acceptSearch(model: Model): Model {
  const { search, editor } = model;
  if (search === undefined) return model;
  return { ...model, search: undefined, editor: edit(search.before, editor.text, editor.text.length) };
}

export function cancelSearch(model: Model): Model {
  return model.search === undefined ? model : { ...model, search: undefined, editor: model.search.before };
}
