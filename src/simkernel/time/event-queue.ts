/** Events of the outside world (devices, the tracer's timers) by virtual time; equal times run in the order of their scheduling. */
export interface EventQueue {
  /** Time of the earliest event, Infinity when there is none. */
  readonly nextTime: number;
  readonly size: number;
  schedule(timeNs: number, action: () => void): void;
  /** Removes the earliest event and runs it. */
  runNext(): void;
}

/** A binary heap over parallel arrays, so that scheduling allocates nothing but the closure. */
export class BinaryEventQueue implements EventQueue {
  nextTime = Infinity;
  size = 0;
  private readonly times: number[] = [];
  private readonly sequences: number[] = [];
  private readonly actions: (() => void)[] = [];
  private sequence = 0;

  schedule(timeNs: number, action: () => void): void {
    const { times, sequences, actions } = this;
    const sequence = this.sequence++;
    let i = this.size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // A later sequence never goes above an equal time.
      if (times[parent]! <= timeNs) break;
      times[i] = times[parent]!;
      sequences[i] = sequences[parent]!;
      actions[i] = actions[parent]!;
      i = parent;
    }
    times[i] = timeNs;
    sequences[i] = sequence;
    actions[i] = action;
    this.nextTime = times[0]!;
  }

  runNext(): void {
    const { times, sequences, actions } = this;
    const action = actions[0]!;
    const last = --this.size;
    const time = times[last]!;
    const sequence = sequences[last]!;
    const moved = actions[last]!;
    // The arrays keep their length: what lies behind `size` is forgotten, and changing it costs more than all the rest.
    actions[last] = forgotten;
    if (last > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= last) break;
        if (child + 1 < last && before(times[child + 1]!, sequences[child + 1]!, times[child]!, sequences[child]!))
          child += 1;
        if (before(time, sequence, times[child]!, sequences[child]!)) break;
        times[i] = times[child]!;
        sequences[i] = sequences[child]!;
        actions[i] = actions[child]!;
        i = child;
      }
      times[i] = time;
      sequences[i] = sequence;
      actions[i] = moved;
    }
    this.nextTime = last > 0 ? times[0]! : Infinity;
    action();
  }
}

const forgotten = (): void => {};

function before(time: number, sequence: number, otherTime: number, otherSequence: number): boolean {
  return time < otherTime || (time === otherTime && sequence < otherSequence);
}
