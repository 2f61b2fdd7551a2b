import { isRead } from '../../block/flags.ts';
import type { Allowance, ThrottleQueue } from '../../block/io-groups.ts';
import type { Bio } from '../../block/request.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { ANY_CPU, createDelayedWork, queueDelayedWork } from '../kernel/workqueue.ts';
import type { DelayedWork } from '../kernel/workqueue.ts';
import { SECOND } from '../../time/units.ts';

/** block/blk-throttle.c: bios of control groups with limits wait for their turn. */

/** DFL_THROTL_SLICE_HD: so long a slice lasts in which a group's bytes are counted. */
const SLICE_NS = 100_000_000;

/** Whether what went out would have been allowed in this time. */
function isWithin({ limit, dispatched }: Allowance, ns: number): boolean {
  return limit === Infinity || dispatched <= (ns * limit) / SECOND;
}
/** Nanoseconds from the slice's start until `more` may go out, too; 0: at once. */
function waitOf({ limit, dispatched }: Allowance, more: number, elapsed: number): number {
  const rounded = SLICE_NS * Math.ceil((elapsed + 1) / SLICE_NS);
  if (limit === Infinity || dispatched + more <= (rounded * limit) / SECOND) return 0;
  return Math.max(1, Math.ceil(((dispatched + more) * SECOND) / limit) - elapsed);
}
/** Nanoseconds until a bio is within the limits; 0: it may go. */
function waitFor(m: Machine, queue: ThrottleQueue, size: number): number {
  const { bytes, bios } = queue;
  const elapsed = m.cpu.time - queue.sliceStart;
  // While somebody waits the slice is made longer: a bio may be larger than what one slice allows.
  if (elapsed >= SLICE_NS && queue.waiting.length === 0 && isWithin(bytes, elapsed) && isWithin(bios, elapsed)) {
    queue.sliceStart = m.cpu.time;
    bytes.dispatched = bios.dispatched = 0;
    return waitFor(m, queue, size);
  }
  return Math.max(waitOf(bytes, size, elapsed), waitOf(bios, 1, elapsed));
}
/** throtl_charge_bio() */
function charge({ bytes, bios }: ThrottleQueue, size: number): void {
  bytes.dispatched += size;
  bios.dispatched += 1;
}

/** What sends a bio on once it may go. */
type Send = (m: Machine, bio: Bio) => void;
type Dispatcher = DelayedWork & { readonly queue: ThrottleQueue; readonly send: Send };

const dispatchWork = kernelFunction('blk_throtl_dispatch_work_fn', 60, (m, work: Dispatcher): void => {
  const { queue, send } = work;
  for (let [bio] = queue.waiting; bio !== undefined; [bio] = queue.waiting) {
    const wait = waitFor(m, queue, bio.bytes);
    if (wait > 0) {
      queueDelayedWork(m, work, wait);
      return;
    }
    charge(queue, bio.bytes);
    queue.waiting.shift();
    send(m, bio);
  }
});
function dispatcherOf(m: Machine, queue: ThrottleQueue, send: Send): DelayedWork {
  queue.work ??= Object.assign(createDelayedWork(m, m.workqueues.unbound, ANY_CPU, dispatchWork), { queue, send });
  return queue.work;
}

const innerBlkThrotlBio = kernelFunction('__blk_throtl_bio', 90, (m, bio: Bio & { readonly send: Send }): boolean => {
  const queue = isRead(bio.flags) ? bio.group.read : bio.group.write;
  const wait = waitFor(m, queue, bio.bytes);
  if (wait === 0 && queue.waiting.length === 0) {
    charge(queue, bio.bytes);
    return false;
  }
  queue.waiting.push(bio);
  if (queue.waiting.length === 1) queueDelayedWork(m, dispatcherOf(m, queue, bio.send), wait);
  return true;
});
export const isLimited = ({ bytes, bios }: ThrottleQueue): boolean =>
  bytes.limit !== Infinity || bios.limit !== Infinity;
/** Whether a bio has to wait until `send` takes it; groups without limits are not asked. */
export function blkThrotlBio(m: Machine, bio: Bio, send: Send): boolean {
  const queue = isRead(bio.flags) ? bio.group.read : bio.group.write;
  if (!isLimited(queue) && queue.waiting.length === 0) return false;
  return innerBlkThrotlBio(m, Object.assign(bio, { send }));
}
