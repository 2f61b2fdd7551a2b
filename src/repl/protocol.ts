import type { LiveProgramView, OutputStream } from '../pipeline/live-machine.ts';
import type { AbiName, DebugStage } from '../pipeline/settings.ts';
import type { TimelineView } from '../pipeline/timeline.ts';

/*
 * What the terminal's side of the REPL and its engine say to each other. The engine compiles and runs the machine, in
 * another thread where there is one, so all of this is plain data that can be copied.
 */

export interface MachineSettings {
  /** A built-in scenario, or the file that `yaml` is the text of. */
  readonly scenario: string;
  readonly yaml: string | undefined;
  readonly seed: number;
  readonly cpus: number | undefined;
  readonly arch: AbiName | undefined;
}

/** A mistake in a text, by offsets into it. */
export interface Note {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hints: readonly string[];
  /** Absent where no place is to blame. */
  readonly place?: { readonly start: number; readonly end: number };
}

/** What checking found out about names. */
export interface Facts {
  readonly variables: Readonly<Record<string, string>>;
  readonly maps: Readonly<Record<string, string>>;
}

export interface CompletionItem {
  readonly text: string;
  /** What it is, in a few words. */
  readonly detail: string;
}

export interface Completions {
  /** Where the completed word begins. */
  readonly from: number;
  readonly items: readonly CompletionItem[];
  /** How many there are; `items` may hold fewer. */
  readonly count: number;
}

/** What a pane can show of the machine. */
export type MachinePane = 'interrupts' | 'timeline';

export type EngineRequest =
  | { readonly kind: 'machine'; readonly settings: MachineSettings }
  | { readonly kind: 'check'; readonly id: number; readonly text: string }
  | { readonly kind: 'complete'; readonly id: number; readonly text: string; readonly cursor: number }
  | { readonly kind: 'describe'; readonly attachPoint: string }
  | { readonly kind: 'stage'; readonly stage: DebugStage; readonly text: string }
  | { readonly kind: 'run'; readonly text: string; readonly durationNs: number | undefined }
  | { readonly kind: 'detach'; readonly name: string }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Up to the next time a probe fires. */
  | { readonly kind: 'step' }
  /** Virtual seconds a second; Infinity for as fast as can be. */
  | { readonly kind: 'speed'; readonly factor: number }
  | { readonly kind: 'watch'; readonly pane: MachinePane | undefined }
  | { readonly kind: 'columns'; readonly ns: number };

/** The machine as it is now. */
export interface Frame {
  readonly elapsedNs: number;
  readonly programs: readonly LiveProgramView[];
  readonly interrupts?: string;
  readonly timeline?: TimelineView;
}

export type EngineEvent =
  | { readonly kind: 'machine-made'; readonly settings: MachineSettings; readonly cpus: number }
  /** A scenario's file is not in order. */
  | { readonly kind: 'machine-refused'; readonly rendered: string }
  | { readonly kind: 'checked'; readonly id: number; readonly notes: readonly Note[]; readonly facts?: Facts }
  | ({ readonly kind: 'completions'; readonly id: number } & Completions)
  | { readonly kind: 'described'; readonly attachPoint: string; readonly text: string }
  | {
      readonly kind: 'stage-shown';
      readonly stage: DebugStage;
      readonly text: string;
      readonly shown: string | undefined;
    }
  | { readonly kind: 'attached'; readonly name: string; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string; readonly notes: readonly Note[]; readonly rendered: string }
  | { readonly kind: 'output'; readonly name: string; readonly stream: OutputStream; readonly text: string }
  | { readonly kind: 'ended'; readonly name: string; readonly exitCode: number; readonly elapsedNs: number }
  | { readonly kind: 'stepped'; readonly fired: boolean }
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'broken'; readonly message: string };
