import { beginSearch, newer, older } from './history.ts';
import { requestCompletion, commonBeginning, put } from './completion.ts';
import { detach, leave, setSpeed, SPEEDS, stepOnce, togglePause } from './commands.ts';
import { EDITS, isOnFirstLine, isOnLastLine, newline, edit, type EditName } from './editor.ts';
import { step, type Model, type Step } from './model.ts';
import { closePane, openPane, scrollBy } from './open-pane.ts';
import { PANE_NAMES, paneRow } from './panes.ts';
import { edited, submit } from './submit.ts';

export interface KeyRow {
  readonly keys: readonly string[];
  /** What :help says; rows without it are other names of one that has it. */
  readonly help?: string;
  /** How :help writes the keys. */
  readonly label?: string;
  readonly when?: (model: Model) => boolean;
  readonly run: (model: Model) => Step;
}

const isEmpty = ({ editor }: Model): boolean => editor.text === '';
const isRunning = ({ attached }: Model): boolean => attached.length > 0;
const isWatching = (model: Model): boolean => isEmpty(model) && isRunning(model);
const isChoosing = ({ completion }: Model): boolean => completion?.selected !== undefined;
/** Lines that a page key scrolls. */
const page = ({ rows }: Model): number => Math.max(1, Math.floor(rows / 2));

function doing(name: EditName): (model: Model) => Step {
  return (model) => edited(model, EDITS[name](model.editor));
}

function choose(model: Model, by: 1 | -1): Step {
  const { completion } = model;
  if (completion === undefined) return step(model);
  const { items, selected } = completion;
  const next =
    selected === undefined ? (by === 1 ? 0 : items.length - 1) : (selected + by + items.length) % items.length;
  const chosen = put(model, completion, items[next]!.text);
  return step({ ...chosen, notes: [], completion: { ...completion, selected: next } });
}

/** What Tab does: as much as is certain, then one possibility after the other. */
function completeWord(model: Model): Step {
  const { completion, editor } = model;
  if (completion === undefined) {
    const asked = requestCompletion({ ...model, version: model.version + 1 }, true);
    return step(asked.model, ...asked.effects);
  }
  if (completion.selected !== undefined) return choose(model, 1);
  const typed = editor.text.slice(completion.from, editor.cursor);
  // What is not shown may begin otherwise.
  const common = completion.count > completion.items.length ? typed : commonBeginning(completion.items);
  if (common.length <= typed.length) return choose(model, 1);
  return edited(model, put(model, completion, common).editor);
}

function cancel(model: Model): Step {
  const { completion } = model;
  if (completion?.selected !== undefined) {
    const editor = edit(model.editor, completion.text, completion.cursor);
    return step({ ...model, editor, completion: undefined });
  }
  if (completion !== undefined) return step({ ...model, completion: undefined });
  if (model.pane !== undefined) return closePane(model);
  return step({ ...model, scroll: 0 });
}

function interrupt(model: Model): Step {
  if (isRunning(model))
    return detach(
      model,
      model.attached.map(({ name }) => name),
    );
  if (!isEmpty(model)) return edited(model, edit(model.editor, '', 0));
  return step({ ...model, message: 'Ctrl-D or :quit leaves' });
}

function changeSpeed(model: Model, by: 1 | -1): Step {
  const faster = SPEEDS.find((factor) => factor > model.speed);
  const slower = SPEEDS.findLast((factor) => factor < model.speed);
  return setSpeed(model, (by === 1 ? faster : slower) ?? model.speed);
}

const browse = (model: Model, to: Model): Step => (to === model ? step(model) : edited(to, to.editor));
const inBlankLine = ({ editor: { text, cursor } }: Model): boolean =>
  cursor > 0 && /(?:^|\n) *$/.test(text.slice(0, cursor)) && text.includes('\n');

/** Every key once: the first row that has it, and whose time it is, counts. */
export const KEYMAP: readonly KeyRow[] = [
  { keys: ['enter'], when: isChoosing, run: (model) => edited(model, model.editor) },
  {
    keys: ['enter'],
    label: 'Enter',
    help: 'run a finished script, or begin a new line',
    run: (model) => submit(model, false),
  },
  {
    keys: ['alt-enter'],
    label: 'Alt-Enter',
    help: 'begin a new line anywhere',
    run: (model) => edited(model, newline(model.editor)),
  },
  {
    keys: ['ctrl-x'],
    label: 'Ctrl-X',
    help: 'run the script, wherever the cursor is',
    run: (model) => submit(model, true),
  },
  { keys: ['tab'], when: inBlankLine, run: (model) => edited(model, EDITS.indent(model.editor)) },
  { keys: ['tab'], label: 'Tab', help: 'complete; again for the next possibility', run: completeWord },
  { keys: ['shift-tab'], run: (model) => choose(model, -1) },
  { keys: ['down'], when: isChoosing, run: (model) => choose(model, 1) },
  { keys: ['up'], when: isChoosing, run: (model) => choose(model, -1) },
  { keys: ['ctrl-c'], label: 'Ctrl-C', help: 'end what runs, or else empty the editor', run: interrupt },
  { keys: ['ctrl-d'], when: isEmpty, label: 'Ctrl-D', help: 'leave', run: leave },
  { keys: ['escape', 'ctrl-g'], label: 'Esc', help: 'close the list, then the pane', run: cancel },
  { keys: [' '], when: isWatching, label: 'Space', help: 'pause the machine, or go on', run: togglePause },
  { keys: ['n'], when: isWatching, label: 'n', help: 'step: run until a probe fires', run: stepOnce },
  { keys: ['+', '='], when: isWatching, label: '+ -', help: 'faster, slower', run: (model) => changeSpeed(model, 1) },
  { keys: ['-'], when: isWatching, run: (model) => changeSpeed(model, -1) },
  {
    keys: ['up', 'ctrl-p'],
    when: ({ editor }) => isOnFirstLine(editor),
    label: 'Up Down',
    help: 'earlier and later scripts',
    run: (model) => browse(model, older(model)),
  },
  { keys: ['down', 'ctrl-n'], when: ({ editor }) => isOnLastLine(editor), run: (model) => browse(model, newer(model)) },
  { keys: ['ctrl-r'], label: 'Ctrl-R', help: 'search earlier scripts', run: (model) => step(beginSearch(model)) },
  {
    keys: ['page-up'],
    label: 'PgUp PgDn',
    help: 'scroll the pane, or the transcript',
    run: (model) => step(scrollBy(model, -page(model))),
  },
  { keys: ['page-down'], run: (model) => step(scrollBy(model, page(model))) },
  ...PANE_NAMES.flatMap((name): readonly KeyRow[] => {
    const { key, help } = paneRow(name);
    return key === undefined
      ? []
      : [{ keys: [key], label: key.toUpperCase(), help, run: (model) => openPane(model, name) }];
  }),
  { keys: ['up'], run: doing('up') },
  { keys: ['down'], run: doing('down') },
  { keys: ['left', 'ctrl-b'], run: doing('left') },
  { keys: ['right', 'ctrl-f'], run: doing('right') },
  { keys: ['home', 'ctrl-a'], label: 'Ctrl-A Ctrl-E', help: 'begin and end of the line', run: doing('lineStart') },
  { keys: ['end', 'ctrl-e'], run: doing('lineEnd') },
  {
    keys: ['alt-b', 'ctrl-left', 'alt-left'],
    label: 'Alt-B Alt-F',
    help: 'a word back, a word on',
    run: doing('wordLeft'),
  },
  { keys: ['alt-f', 'ctrl-right', 'alt-right'], run: doing('wordRight') },
  { keys: ['backspace'], run: doing('backspace') },
  { keys: ['delete', 'ctrl-d'], run: doing('delete') },
  {
    keys: ['ctrl-w', 'alt-backspace'],
    label: 'Ctrl-W Ctrl-K Ctrl-U',
    help: 'cut a word, the rest of the line, its beginning',
    run: doing('cutWord'),
  },
  { keys: ['ctrl-k'], run: doing('cutToEnd') },
  { keys: ['ctrl-u'], run: doing('cutToStart') },
  { keys: ['ctrl-y'], label: 'Ctrl-Y', help: 'paste what was cut', run: doing('paste') },
  { keys: ['ctrl-_', 'ctrl-z'], label: 'Ctrl-Z', help: 'undo', run: doing('undo') },
  { keys: ['ctrl-l'], label: 'Ctrl-L', help: 'draw the screen anew', run: (model) => step(model, { kind: 'redraw' }) },
];

export function keyRow(model: Model, key: string): KeyRow | undefined {
  return KEYMAP.find(({ keys, when }) => keys.includes(key) && (when === undefined || when(model)));
}
