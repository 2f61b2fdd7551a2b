import type { Completions, EngineEvent, EngineRequest, Facts, Frame, MachineSettings, Note } from '../protocol.ts';
import { EMPTY_EDITOR, type Editor } from './editor.ts';
import type { Key } from './keys.ts';
import type { PaneName } from './panes.ts';

/** What a line of the transcript is. */
export type LineKind = 'input' | 'output' | 'error' | 'warning' | 'note';

export interface TranscriptLine {
  readonly kind: LineKind;
  readonly text: string;
  /** Whose output it is, where several scripts are attached. */
  readonly program?: string;
  /** What comes next goes on in this line. */
  readonly isOpen?: true;
}

export interface Pane {
  readonly name: PaneName;
  /** What it shows, when that is text that the engine made. */
  readonly text: string;
  /** The script that the text was made from. */
  readonly script: string;
  /** Lines above the first that is shown. */
  readonly scroll: number;
}

export interface Search {
  readonly query: string;
  /** Index of the entry that was found; undefined for none. */
  readonly found: number | undefined;
  /** What was there before the search. */
  readonly before: Editor;
}

export interface History {
  readonly entries: readonly string[];
  /** The entry that is shown; undefined while something new is written. */
  readonly at: number | undefined;
  readonly draft: string;
}

export interface OpenCompletion extends Completions {
  /** The item that Tab has put in place; undefined before the first Tab. */
  readonly selected: number | undefined;
  /** The text that it was found for, without what Tab put in. */
  readonly text: string;
  readonly cursor: number;
}

/** A script that is attached. */
export interface Attached {
  readonly name: string;
  readonly text: string;
  readonly startedNs: number;
}

/** Everything that the REPL knows. */
export interface Model {
  readonly columns: number;
  readonly rows: number;
  /** False under NO_COLOR: what colours say must be said otherwise. */
  readonly isColored: boolean;
  readonly editor: Editor;
  /** Counts changes of text and cursor: answers to older questions are dropped. */
  readonly version: number;
  readonly history: History;
  readonly search: Search | undefined;
  readonly completion: OpenCompletion | undefined;
  /** Mistakes of `checked`. */
  readonly notes: readonly Note[];
  readonly checked: string;
  readonly facts: Facts | undefined;
  /** Parameters by attach point, as far as they were asked for. */
  readonly described: Readonly<Record<string, string>>;
  readonly transcript: readonly TranscriptLine[];
  /** Lines below the last that is shown. */
  readonly scroll: number;
  readonly pane: Pane | undefined;
  readonly settings: MachineSettings;
  /** Undefined until the machine is there. */
  readonly cpus: number | undefined;
  /** Virtual time after which a script is detached; the scenario's length when undefined. */
  readonly durationNs: number | undefined;
  readonly speed: number;
  readonly isPaused: boolean;
  readonly attached: readonly Attached[];
  readonly frame: Frame | undefined;
  /** The script that was run last, and how long it ran when that was stopped. */
  readonly last: { readonly text: string; readonly ranNs: number | undefined } | undefined;
  /** A sentence at the bottom until the next key. */
  readonly message: string;
  readonly isLeaving: boolean;
}

export type ReplEvent =
  | Key
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'engine'; readonly event: EngineEvent }
  /** What a file effect led to. */
  | { readonly kind: 'loaded'; readonly path: string; readonly text: string }
  | { readonly kind: 'scenario-loaded'; readonly path: string; readonly yaml: string }
  | { readonly kind: 'done'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** What is to be done about the world; update() only says so. */
export type Effect =
  | { readonly kind: 'engine'; readonly request: EngineRequest }
  | { readonly kind: 'remember'; readonly entry: string }
  | { readonly kind: 'load' | 'load-scenario'; readonly path: string }
  | { readonly kind: 'save'; readonly path: string; readonly text: string }
  /** Records a script with what it prints as a golden case. */
  | { readonly kind: 'golden'; readonly name: string; readonly text: string }
  | { readonly kind: 'redraw' }
  | { readonly kind: 'quit' };

export interface Step {
  readonly model: Model;
  readonly effects: readonly Effect[];
}

export const step = (model: Model, ...effects: readonly Effect[]): Step => ({ model, effects });
export const ask = (request: EngineRequest): Effect => ({ kind: 'engine', request });

export interface InitialOptions {
  readonly columns: number;
  readonly rows: number;
  readonly isColored: boolean;
  readonly settings: MachineSettings;
  readonly durationNs: number | undefined;
  readonly speed: number;
  readonly history: readonly string[];
}

export function initialModel({ history, ...options }: InitialOptions): Model {
  return {
    ...options,
    editor: EMPTY_EDITOR,
    version: 0,
    cpus: undefined,
    history: { entries: history, at: undefined, draft: '' },
    search: undefined,
    completion: undefined,
    notes: [],
    checked: '',
    facts: undefined,
    described: {},
    transcript: [],
    scroll: 0,
    pane: undefined,
    isPaused: false,
    attached: [],
    frame: undefined,
    last: undefined,
    message: '',
    isLeaving: false,
  };
}
