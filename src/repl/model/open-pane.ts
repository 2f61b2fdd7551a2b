import { ask, step, type Effect, type Model, type Step } from './model.ts';
import { paneRow, type PaneName } from './panes.ts';

/** The script that stages are shown of: the one that is written, or else the one that ran last. */
function paneScript({ editor, last }: Model): string {
  return editor.text.trim() === '' || /^\s*:/.test(editor.text) ? (last?.text ?? '') : editor.text;
}

/** Opens a pane; the same again closes it. */
export function openPane(model: Model, name: PaneName): Step {
  if (model.pane?.name === name) return closePane(model);
  const { machine } = paneRow(name);
  const opened: Model = { ...model, pane: { name, text: '', script: '', scroll: 0 } };
  return step(opened, ask({ kind: 'watch', pane: machine }), ...refreshPane(opened));
}

export function closePane(model: Model): Step {
  return step({ ...model, pane: undefined }, ask({ kind: 'watch', pane: undefined }));
}

/** Asks for what the pane shows of a stage, when the script is another. */
export function refreshPane(model: Model): readonly Effect[] {
  const { pane } = model;
  const stage = pane && paneRow(pane.name).stage;
  const text = paneScript(model);
  if (pane === undefined || stage === undefined || text === '' || text === pane.script) return [];
  return [ask({ kind: 'stage', stage, text })];
}

/** Scrolls the pane, or the transcript when there is none. */
export function scrollBy(model: Model, lines: number): Model {
  const { pane } = model;
  if (pane === undefined)
    return { ...model, scroll: Math.max(0, Math.min(model.transcript.length, model.scroll - lines)) };
  const most = Math.max(0, pane.text.split('\n').length - 1);
  return { ...model, pane: { ...pane, scroll: Math.max(0, Math.min(most, pane.scroll + lines)) } };
}
