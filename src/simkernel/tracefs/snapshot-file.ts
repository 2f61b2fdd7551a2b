import { EBUSY } from '../errno.ts';
import type { TraceArray } from './trace-array.ts';
import { number } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';
import { traceText } from './trace-text.ts';

/** What is shown instead of records, in the kernel's words. */
const COMMANDS = `# echo 0 > snapshot : Clears and frees snapshot buffer
# echo 1 > snapshot : Allocates snapshot buffer, if not already allocated.
#                      Takes a snapshot of the main buffer.
# echo 2 > snapshot : Clears snapshot buffer (but does not allocate or free)
#                      (Doesn't have to be '2' works with any number that
#                       is not a '0' or '1')
`;
const stateText = (state: string): string =>
  `# tracer: nop\n#\n#\n# * Snapshot is ${state} *\n#\n# Snapshot commands:\n${COMMANDS}`;

function writeSnapshot(array: TraceArray, value: number): void {
  if (value === 0) array.freeSnapshot();
  else if (value === 1) array.takeSnapshot();
  else for (const ring of array.snapshotRings ?? []) ring.clear();
}

/** A second set of buffers, into which the records so far can be put away. */
export const snapshotFile: TraceFile = {
  mode: 0o640,
  read(array) {
    const rings = array.snapshotRings;
    if (rings === null) return stateText('freed');
    return rings.every(({ count }) => count === 0) ? stateText('allocated') : traceText(array, rings);
  },
  write(array, text) {
    if (array.conditionalSnapshot !== null || array.tracer?.showsLongest === true) return -EBUSY;
    return number(text, 0, (value) => writeSnapshot(array, value));
  },
};
