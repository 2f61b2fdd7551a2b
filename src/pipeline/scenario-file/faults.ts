import type { FaultSpec } from '../../simkernel/scenarios/faults.ts';
import { duration, part } from './quantities.ts';
import { listOf, mapped, oneKeyOf, record, required, text, wholeNumber } from './schema.ts';
import type { Shape } from './schema.ts';

const MOST_PID = 4_194_304;
const LAST_SIGNAL = 64;

/** What can go wrong: a row is the key in the file and the shape of its value. */
const FAULTS = {
  'disk-errors': mapped(
    record('disk errors', {
      disk: required(text),
      at: required(duration),
      for: required(duration),
      part: required(part),
    }),
    ({ disk, at, for: forNs, part: share }): FaultSpec => ({ kind: 'disk-errors', disk, atNs: at, forNs, part: share }),
  ),
  'slow-disk': mapped(
    record('a slow disk', {
      disk: required(text),
      at: required(duration),
      for: required(duration),
      factor: required(wholeNumber(2, 1_000)),
    }),
    ({ disk, at, for: forNs, factor }): FaultSpec => ({ kind: 'slow-disk', disk, atNs: at, forNs, factor }),
  ),
  signal: mapped(
    record('a signal', {
      pid: required(wholeNumber(2, MOST_PID)),
      at: required(duration),
      signal: required(wholeNumber(1, LAST_SIGNAL)),
    }),
    ({ pid, at, signal }): FaultSpec => ({ kind: 'signal', pid, atNs: at, signal }),
  ),
} as const satisfies Readonly<Record<string, Shape<FaultSpec>>>;

export const faults: Shape<readonly FaultSpec[]> = listOf(oneKeyOf('a fault', FAULTS), 'faults');
