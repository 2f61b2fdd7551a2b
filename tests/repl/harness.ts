import { Engine } from '../../src/repl/engine/engine.ts';
import { Repl, type HostEffect } from '../../src/repl/loop.ts';
import { KeyDecoder } from '../../src/repl/model/keys.ts';
import { initialModel, type InitialOptions, type Model } from '../../src/repl/model/model.ts';
import type { EngineEvent, MachineSettings } from '../../src/repl/protocol.ts';

export const SETTINGS: MachineSettings = {
  scenario: 'server',
  yaml: undefined,
  seed: 1,
  cpus: undefined,
  arch: undefined,
};

export const INITIAL: InitialOptions = {
  columns: 80,
  rows: 24,
  isColored: true,
  settings: SETTINGS,
  durationNs: undefined,
  speed: 1,
  history: [],
};

export interface TestRepl {
  readonly model: () => Model;
  /** What was asked of the host. */
  readonly effects: readonly HostEffect[];
  readonly events: readonly EngineEvent[];
  /** Sends what a keyboard would: `\r`, `\t`, escape sequences. */
  readonly type: (keys: string) => void;
  /** Lets so much time pass on the wall. */
  readonly wait: (seconds: number) => void;
}

/** The whole REPL but its terminal: keys go in, the clock is ours, the machine runs in between. */
export function createTestRepl(options: Partial<InitialOptions> = {}): TestRepl {
  let now = 0;
  const effects: HostEffect[] = [];
  const events: EngineEvent[] = [];
  const decoder = new KeyDecoder();
  const first = initialModel({ ...INITIAL, ...options });
  const engine = new Engine({
    settings: first.settings,
    engine: 'interp',
    unsafe: false,
    env: {},
    // A clock that stands still within a turn: how far the machine gets does not depend on this computer.
    clock: () => now,
    post(event) {
      events.push(event);
      repl.answer(event);
    },
  });
  const repl: Repl = new Repl(first, {
    send: (request) => engine.handle(request),
    changed: () => undefined,
    perform: (effect) => void effects.push(effect),
  });
  engine.handle({ kind: 'machine', settings: first.settings });
  return {
    model: () => repl.model,
    effects,
    events,
    type(keys) {
      for (const key of [...decoder.push(keys), ...decoder.flush()]) repl.dispatch(key);
    },
    wait(seconds) {
      const from = now;
      for (let tick = 1; tick <= Math.round(seconds * 10) && engine.isRunning; tick++) {
        now = from + tick / 10;
        engine.turn();
      }
    },
  };
}

/** The text of what a script printed in a transcript. */
export function outputOf(model: Model): string {
  return model.transcript
    .filter(({ kind }) => kind === 'output')
    .map(({ text }) => `${text}\n`)
    .join('');
}
