import { completionContext } from '../complete/context.ts';
import { rank } from '../complete/rank.ts';
import type { Completions } from '../protocol.ts';
import { COMMAND_NAMES, commandRow } from './commands.ts';
import { edit } from './editor.ts';
import type { Effect, Model, OpenCompletion } from './model.ts';
import { ask } from './model.ts';

/** Letters behind which a list is welcome before anything is typed. */
const INVITING = /[:.>@$]$/;

/** Asks for what could stand at the cursor, or knows it: commands are completed here. */
export function requestCompletion(
  model: Model,
  isExplicit: boolean,
): { readonly model: Model; readonly effects: readonly Effect[] } {
  const { text, cursor } = model.editor;
  const closed = { ...model, completion: undefined };
  const context = completionContext(text, cursor);
  if (context.kind === 'none') return { model: closed, effects: [] };
  if (context.kind === 'command')
    return { model: { ...model, completion: open(model, commandCompletions(model, context)) }, effects: [] };
  const typed = text.slice(context.from, cursor);
  if (!isExplicit && typed === '' && !INVITING.test(text.slice(0, cursor))) return { model: closed, effects: [] };
  return { model: closed, effects: [ask({ kind: 'complete', id: model.version, text, cursor })] };
}

function commandCompletions(
  model: Model,
  { words, from }: { readonly words: readonly string[]; readonly from: number },
): Completions {
  const [first = '', ...rest] = words;
  if (rest.length === 0) {
    const all = COMMAND_NAMES.map((name) => ({ text: `:${name}`, detail: () => commandRow(name).help }));
    return rank(all, first, from);
  }
  const name = COMMAND_NAMES.find((one) => `:${one}` === first);
  const choices = name === undefined ? [] : (commandRow(name).choices?.(model) ?? []);
  return rank(
    choices.map((text) => ({ text, detail: () => '' })),
    rest.join(' '),
    from,
  );
}

/** The list to show: nothing when the word is complete as it is. */
export function open({ editor }: Model, found: Completions): OpenCompletion | undefined {
  const typed = editor.text.slice(found.from, editor.cursor);
  if (found.count === 0 || (found.count === 1 && found.items[0]!.text === typed)) return undefined;
  return { ...found, selected: undefined, text: editor.text, cursor: editor.cursor };
}

/** The beginning that all items share. */
export function commonBeginning(items: readonly { readonly text: string }[]): string {
  const [first = { text: '' }, ...others] = items;
  let length = first.text.length;
  for (const { text } of others) while (!text.startsWith(first.text.slice(0, length))) length--;
  return first.text.slice(0, length);
}

/** Puts an item in place of what was typed. */
export function put(model: Model, completion: OpenCompletion, text: string): Model {
  const { from, cursor, text: base } = completion;
  const whole = base.slice(0, from) + text + base.slice(cursor);
  return { ...model, editor: edit({ ...model.editor, text: base, cursor }, whole, from + text.length) };
}
