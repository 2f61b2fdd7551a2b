const NS_PER_SECOND = 1_000_000_000;
/** What the machine falls behind by more than this is not caught up with: it would look like a jump. */
const MOST_LAG_SECONDS = 0.25;

/** How far virtual time may run at a moment of real time. */
export class Pace {
  readonly #clock: () => number;
  #factor = 1;
  #isPaused = false;
  /** A moment of real time and the virtual time that belongs to it. */
  #seconds: number;
  #ns = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.#seconds = clock();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }
  pause(): void {
    this.#isPaused = true;
  }
  resume(elapsedNs: number): void {
    this.#isPaused = false;
    this.#anchor(elapsedNs);
  }
  setFactor(factor: number, elapsedNs: number): void {
    this.#factor = factor;
    this.#anchor(elapsedNs);
  }

  /** Virtual nanoseconds that the machine is behind. */
  due(elapsedNs: number): number {
    if (this.#factor === Infinity) return NS_PER_SECOND;
    const most = MOST_LAG_SECONDS * this.#factor * NS_PER_SECOND;
    const behind = this.#ns + (this.#clock() - this.#seconds) * this.#factor * NS_PER_SECOND - elapsedNs;
    if (behind <= most) return behind;
    this.#anchor(elapsedNs);
    this.#seconds -= MOST_LAG_SECONDS;
    return most;
  }

  #anchor(elapsedNs: number): void {
    this.#ns = elapsedNs;
    this.#seconds = this.#clock();
  }
}
