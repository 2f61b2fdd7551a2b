import type { Machine } from '../machine.ts';

/** A device of the machine with its driver: `start` is the driver's probe function. Scenarios list them. */
export interface DeviceSpec {
  readonly name: string;
  start(m: Machine): void;
}

/** Calls `action` at `firstNs` after now, then `count - 1` times more, `gapNs` apart. */
export function schedulePulses(
  m: Machine,
  firstNs: number,
  count: number,
  gapNs: number,
  action: (timeNs: number) => void,
): void {
  let left = count;
  const fire = (timeNs: number): void => {
    left -= 1;
    if (left > 0) m.schedule(timeNs + gapNs, () => fire(timeNs + gapNs));
    action(timeNs);
  };
  const start = m.now() + firstNs;
  m.schedule(start, () => fire(start));
}
