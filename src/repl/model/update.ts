import { EMPTY_EDITOR, edit, insert } from './editor.ts';
import { updateByEngine } from './engine-events.ts';
import { acceptSearch, cancelSearch, searchFor, searchOn } from './history.ts';
import { remake } from './commands.ts';
import { keyRow } from './keymap.ts';
import type { Key } from './keys.ts';
import { step, type Model, type ReplEvent, type Step } from './model.ts';
import { edited } from './submit.ts';

/** The REPL: what is, and what happens, make what is next and what is to be done about it. */
export function update(model: Model, event: ReplEvent): Step {
  switch (event.kind) {
    case 'text':
    case 'key':
    case 'paste':
      return updateByKey({ ...model, message: '' }, event);
    case 'resize':
      return step({ ...model, columns: event.columns, rows: event.rows });
    case 'engine':
      return updateByEngine(model, event.event);
    case 'loaded':
      return edited(model, edit({ ...EMPTY_EDITOR, undo: model.editor.undo }, event.text, event.text.length));
    case 'scenario-loaded':
      return remake(model, { scenario: event.path, yaml: event.yaml });
    case 'done':
    case 'failed':
      return step({ ...model, message: event.message });
  }
}

function updateByKey(model: Model, key: Key): Step {
  if (model.search !== undefined) return updateSearch(model, model.search.query, key);
  if (key.kind === 'paste') return edited(model, insert(model.editor, key.text));
  const row = keyRow(model, key.kind === 'key' ? key.name : key.text);
  if (row !== undefined) return row.run(model);
  if (key.kind === 'text' && key.text.length > 1 && keyRow(model, key.text[0]!) !== undefined)
    return eachLetter(model, key.text);
  return key.kind === 'text' ? edited(model, insert(model.editor, key.text)) : step(model);
}

/** Letters that are keys here, pressed faster than they were read. */
function eachLetter(model: Model, text: string): Step {
  const [first, ...rest] = text;
  const { model: next, effects } = updateByKey(model, { kind: 'text', text: first! });
  if (rest.length === 0) return { model: next, effects };
  const after = updateByKey(next, { kind: 'text', text: rest.join('') });
  return step(after.model, ...effects, ...after.effects);
}

/** While earlier scripts are searched, letters belong to the query; any other key takes what was found. */
function updateSearch(model: Model, query: string, key: Key): Step {
  if (key.kind !== 'key') return step(searchFor(model, query + key.text));
  switch (key.name) {
    case 'ctrl-r':
      return step(searchOn(model));
    case 'backspace':
      return step(searchFor(model, query.slice(0, -1)));
    case 'escape':
    case 'ctrl-g':
    case 'ctrl-c':
      return step(cancelSearch(model));
    default: {
      const found = acceptSearch(model);
      return edited(found, found.editor);
    }
  }
}
