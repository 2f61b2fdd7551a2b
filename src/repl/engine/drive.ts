import type { EngineRequest } from '../protocol.ts';
import { Engine, type EngineOptions } from './engine.ts';

/** An engine that runs by itself: between two turns of the machine the host's event loop has its own. */
export class EngineDriver {
  readonly #engine: Engine;
  readonly #post: EngineOptions['post'];
  #isScheduled = false;

  constructor(options: EngineOptions) {
    this.#post = options.post;
    this.#engine = new Engine(options);
  }

  readonly send = (request: EngineRequest): void => {
    this.#guard(() => this.#engine.handle(request));
    this.#schedule(0);
  };

  #schedule(seconds: number): void {
    if (this.#isScheduled || !this.#engine.isRunning) return;
    this.#isScheduled = true;
    const turn = (): void => {
      this.#isScheduled = false;
      let wait = 0;
      this.#guard(() => (wait = this.#engine.turn()));
      this.#schedule(wait);
    };
    if (seconds > 0) setTimeout(turn, seconds * 1000);
    else setImmediate(turn);
  }

  /** A mistake of ours ends what is under way, not the REPL. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#post({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
    }
  }
}
