import type { Effect, Model, ReplEvent } from './model/model.ts';
import { update } from './model/update.ts';
import type { EngineEvent, EngineRequest } from './protocol.ts';

/** What is done outside of the engine. */
export type HostEffect = Exclude<Effect, { readonly kind: 'engine' }>;

export interface ReplHost {
  readonly perform: (effect: HostEffect, dispatch: (event: ReplEvent) => void) => void;
  readonly send: (request: EngineRequest) => void;
  /** The model is another. */
  readonly changed: (model: Model) => void;
}

/** Requests of which only the newest counts, with the event that answers each. */
const LATEST = { check: 'checked', complete: 'completions', stage: 'stage-shown' } as const satisfies Partial<
  Record<EngineRequest['kind'], EngineEvent['kind']>
>;
type LatestKind = keyof typeof LATEST;
const isLatestKind = (kind: string): kind is LatestKind => Object.hasOwn(LATEST, kind);

/** Joins the pure model to a world: events go in, effects come out. */
export class Repl {
  #model: Model;
  readonly #host: ReplHost;
  /** Asked and not answered yet, with what is to be asked next. */
  readonly #asked = new Map<LatestKind, EngineRequest | undefined>();

  constructor(model: Model, host: ReplHost) {
    this.#model = model;
    this.#host = host;
  }

  get model(): Model {
    return this.#model;
  }

  readonly dispatch = (event: ReplEvent): void => {
    const { model, effects } = update(this.#model, event);
    const isOther = model !== this.#model;
    this.#model = model;
    for (const effect of effects) {
      if (effect.kind === 'engine') this.#send(effect.request);
      else this.#host.perform(effect, this.dispatch);
    }
    if (isOther) this.#host.changed(this.#model);
  };

  /** What the engine said. */
  readonly answer = (event: EngineEvent): void => {
    for (const [kind, next] of this.#asked) {
      if (event.kind !== LATEST[kind] && event.kind !== 'broken') continue;
      this.#asked.delete(kind);
      if (next !== undefined && event.kind !== 'broken') this.#send(next);
    }
    this.dispatch({ kind: 'engine', event });
  };

  #send(request: EngineRequest): void {
    const { kind } = request;
    if (isLatestKind(kind)) {
      const isBusy = this.#asked.has(kind);
      this.#asked.set(kind, isBusy ? request : undefined);
      if (isBusy) return;
    }
    this.#host.send(request);
  }
}
