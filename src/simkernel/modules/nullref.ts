import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { readKernelWord } from '../functions/x86/kernel-access.ts';
import { createKthread } from '../functions/kernel/kthread.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import type { KernelObject } from '../memory/arena.ts';
import { enqueueAtBoot } from '../tasks/process.ts';

/** Offset of the member that it reads through a pointer which nobody has set. */
const MEMBER_OFFSET = 0x28;

const nullrefLookup = kernelFunction(
  'nullref_lookup',
  60,
  (m, table: KernelObject | null): number => readKernelWord(m, (table?.address ?? 0) + MEMBER_OFFSET),
  { module: 'nullref' },
);
const nullrefThread = kernelFunction(
  'nullref_thread',
  40,
  (m, afterMs: number): Result => {
    const slept = msleep(m, afterMs);
    return slept instanceof Pending ? slept.then(() => nullrefLookup(m, null)) : nullrefLookup(m, null);
  },
  { module: 'nullref' },
);

/** A kernel thread that follows a NULL pointer: an oops, and it is no more. */
export function nullPointer(afterMs: number): DeviceSpec {
  return {
    name: 'nullref',
    start(m) {
      const thread = createKthread(m, 'nullref', (m.lastPid += 1), null, () => nullrefThread(m, afterMs));
      enqueueAtBoot(m, thread, m.cpus - 1);
    },
  };
}
