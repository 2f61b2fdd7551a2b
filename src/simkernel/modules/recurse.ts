import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { KernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { createKthread } from '../functions/kernel/kthread.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import { enqueueAtBoot } from '../tasks/process.ts';

const MODULE = { module: 'recurse' };

/** Follows a chain of links as deep as it goes, one call for each; this one leads back to its beginning. */
const recurseFollow: KernelFunction<[depth: number], number> = kernelFunction(
  'recurse_follow',
  90,
  (m, depth: number): number => recurseFollow(m, depth + 1),
  MODULE,
);
const recurseThread = kernelFunction(
  'recurse_thread',
  40,
  (m, afterMs: number): Result => {
    const slept = msleep(m, afterMs);
    return slept instanceof Pending ? slept.then(() => recurseFollow(m, 0)) : recurseFollow(m, 0);
  },
  MODULE,
);

/** A kernel thread that calls itself until its stack is used up. */
export function endlessRecursion(afterMs: number): DeviceSpec {
  return {
    name: 'recurse',
    start(m) {
      const thread = createKthread(m, 'recurse', (m.lastPid += 1), null, () => recurseThread(m, afterMs));
      enqueueAtBoot(m, thread, m.cpus - 1);
    },
  };
}
