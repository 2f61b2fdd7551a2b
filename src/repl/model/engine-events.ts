import type { EngineEvent } from '../protocol.ts';
import { open } from './completion.ts';
import { EMPTY_EDITOR } from './editor.ts';
import { remember } from './history.ts';
import { ask, step, type Model, type Step } from './model.ts';
import { refreshPane } from './open-pane.ts';
import { append, say } from './transcript.ts';

const NS_PER_SECOND = 1e9;
/** Virtual time as people read it. */
const seconds = (ns: number): string => `${(ns / NS_PER_SECOND).toFixed(3)} s`;

type Handlers = {
  readonly [K in EngineEvent['kind']]: (model: Model, event: Extract<EngineEvent, { kind: K }>) => Step;
};

const HANDLERS: Handlers = {
  'machine-made'(model, { settings, cpus }) {
    const made = { ...model, settings, cpus, frame: undefined, attached: [], isPaused: false };
    // The first machine is no news.
    if (JSON.stringify(settings) === JSON.stringify(model.settings)) return step(made);
    return step(say(made, 'note', `machine: ${settings.scenario}, seed ${settings.seed}, ${cpus} CPUs`));
  },
  'machine-refused': (model, { rendered }) => step(say(model, 'error', rendered)),
  checked(model, { id, notes, facts }) {
    if (id !== model.version) return step(model);
    return step({ ...model, notes, checked: model.editor.text, facts: facts ?? model.facts });
  },
  completions(model, { id, from, items, count }) {
    if (id !== model.version) return step(model);
    return step({ ...model, completion: open(model, { from, items, count }) });
  },
  described: (model, { attachPoint, text }) =>
    step({ ...model, described: { ...model.described, [attachPoint]: text } }),
  'stage-shown'(model, { text, shown }) {
    const { pane } = model;
    // A script that is not finished leaves what its last whole version made.
    if (pane === undefined || shown === undefined) return step(model);
    return step({ ...model, pane: { ...pane, text: shown, script: text } });
  },
  attached(model, { name, text }) {
    const shown = say(model, 'input', text);
    const startedNs = model.attached.length === 0 ? 0 : (model.frame?.elapsedNs ?? 0);
    const running: Model = {
      ...shown,
      attached: [...model.attached, { name, text, startedNs }],
      editor: { ...EMPTY_EDITOR, clipboard: model.editor.clipboard },
      version: model.version + 1,
      completion: undefined,
      notes: [],
      history: remember(model.history, text),
      last: { text, ranNs: undefined },
      isPaused: model.attached.length > 0 && model.isPaused,
      scroll: 0,
    };
    return step(running, { kind: 'remember', entry: text }, ...refreshPane(running));
  },
  refused(model, { text, notes, rendered }) {
    if (model.editor.text !== text) return step(say(model, 'error', rendered));
    return step({ ...model, notes, checked: text, message: notes.length === 0 ? rendered.trim() : '' });
  },
  output(model, { name, stream, text }) {
    const kind =
      stream === 'stdout'
        ? 'output'
        : /^(?:\S+: )?WARNING/.test(text)
          ? 'warning'
          : /ERROR/.test(text)
            ? 'error'
            : 'note';
    return step(append(model, kind, text, model.attached.length > 1 ? name : undefined));
  },
  ended(model, { name, exitCode, elapsedNs }) {
    const ended = model.attached.find((one) => one.name === name);
    const ranNs = elapsedNs - (ended?.startedNs ?? 0);
    const attached = model.attached.filter((one) => one.name !== name);
    const code = exitCode === 0 ? '' : ` with exit code ${exitCode}`;
    const said = say(model, 'note', `${name} ended after ${seconds(ranNs)}${code}`);
    const last = model.last?.text === ended?.text && model.last !== undefined ? { ...model.last, ranNs } : model.last;
    return step({ ...said, attached, last, isPaused: attached.length > 0 && model.isPaused });
  },
  stepped: (model, { fired }) => step(fired ? model : { ...model, message: 'no probe fired in 10 s of virtual time' }),
  frame: (model, { frame }) => step({ ...model, frame }),
  broken: (model, { message }) =>
    step(
      say(model, 'error', `BUG: ${message}\nThis is a mistake of tsbpftrace: please report it with the script.`),
      ask({ kind: 'machine', settings: model.settings }),
    ),
};

/** What the engine says changes the model. */
export function updateByEngine(model: Model, event: EngineEvent): Step {
  return (HANDLERS[event.kind] as (model: Model, event: EngineEvent) => Step)(model, event);
}
