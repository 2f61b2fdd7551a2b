import { blkThrotlBio } from './blk-throttle.ts';
import { raiseSoftirq } from '../kernel/softirq-vectors.ts';
import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Disk, DiskStats } from '../../block/disk.ts';
import { isRead, REQ_OP_FLUSH, REQ_OP_MASK, REQ_PREFLUSH, sectorsOf } from '../../block/flags.ts';
import type { Plug } from '../../block/plug.ts';
import {
  createFlush,
  createRequest,
  freeRequest,
  isBackMergeable,
  mergeBack,
  setBioError,
  setFlags,
  startRequest,
} from '../../block/request.ts';
import type { Bio, Request } from '../../block/request.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import {
  blockBioBackmerge,
  blockBioComplete,
  blockBioQueue,
  blockGetRq,
  blockIoDone,
  blockIoStart,
  blockPlug,
  blockRqComplete,
  blockRqError,
  blockRqInsert,
  blockRqIssue,
  blockUnplug,
} from '../../tracepoints/block.ts';
import { schedule } from '../kernel/sched.ts';

const blkAccountIoStart = kernelFunction('blk_account_io_start', 18, (m, rq: Request): void => {
  blockIoStart(m, rq);
  rq.disk.activity.change(1, m.cpu.time);
});
const blkAccountIoDone = kernelFunction('blk_account_io_done', 18, (m, rq: Request, now: number): void => {
  blockIoDone(m, rq);
  const stats = statsOf(rq);
  stats.requests += 1;
  stats.sectors += sectorsOf(rq.bytes);
  stats.ns += now - rq.startNs;
  rq.disk.activity.change(-1, now);
});

export const blkMqStartRequest = kernelFunction('blk_mq_start_request', 20, (m, rq: Request): void => {
  blockRqIssue(m, rq);
  startRequest(m, rq);
});

const blkMqRequestIssueDirectly = kernelFunction(
  'blk_mq_request_issue_directly',
  40,
  (m, rq: Request, _last: number): number => rq.disk.queueRq(m, rq.disk.queue, rq),
);

/** A queue as the hardware context that the functions of blk-mq pass around. */
interface HardwareContext extends KernelObject {
  readonly disk: Disk;
}
const blkMqDispatchRqList = kernelFunction(
  'blk_mq_dispatch_rq_list',
  45,
  (m, hctx: HardwareContext, rq: Request, _getBudget: number): number => rq.disk.queueRq(m, hctx, rq),
);
/** Of the elevator's module. */
const DEADLINE = { module: 'mq_deadline' };
const ddDispatchRequest = kernelFunction(
  'dd_dispatch_request',
  60,
  (m, hctx: HardwareContext): Request | null => {
    takeUp(m, hctx.disk);
    return hctx.disk.scheduler?.next(m.cpu.time) ?? null;
  },
  DEADLINE,
);
const blkMqSchedDispatchRequests = kernelFunction(
  'blk_mq_sched_dispatch_requests',
  30,
  (m, hctx: HardwareContext): void => {
    const { disk } = hctx;
    while (disk.inFlight === 0) {
      const rq = ddDispatchRequest(m, hctx);
      if (rq === null) return;
      disk.inFlight += 1;
      rq.hasDriverTag = true;
      blkMqDispatchRqList(m, hctx, rq, 1);
    }
  },
);
const blkMqRunHwQueue = kernelFunction('blk_mq_run_hw_queue', 30, (m, hctx: HardwareContext, _async: number): void =>
  blkMqSchedDispatchRequests(m, hctx),
);
/** Gives the driver what it has room for. */
export function runHwQueue(m: Machine, disk: Disk): void {
  blkMqRunHwQueue(m, { address: disk.queue.address, disk }, 0);
}
const ddInsertRequests = kernelFunction(
  'dd_insert_requests',
  60,
  (m, _hctx: KernelObject, rq: Request, _flags: number): void => {
    blockRqInsert(m, rq);
    takeUp(m, rq.disk);
    rq.disk.scheduler?.insert(rq, m.cpu.time);
    leave(m, rq.disk);
  },
  DEADLINE,
);
const blkMqInsertRequest = kernelFunction('blk_mq_insert_request', 25, (m, rq: Request, flags: number): void =>
  ddInsertRequests(m, rq.disk.queue, rq, flags),
);

const blkAccountIoMergeBio = kernelFunction('blk_account_io_merge_bio', 12, (_m, req: Request): void => {
  statsOf(req).merges += 1;
});
function statsOf({ disk, flags }: Request): DiskStats {
  return (flags & REQ_OP_MASK) === REQ_OP_FLUSH ? disk.stats.flush : isRead(flags) ? disk.stats.read : disk.stats.write;
}
const bioAttemptBackMerge = kernelFunction(
  'bio_attempt_back_merge',
  30,
  (m, req: Request, bio: Bio, _segments: number): number => {
    blockBioBackmerge(m, bio);
    mergeBack(m, req, bio);
    blkAccountIoMergeBio(m, req);
    return 0;
  },
);
const blkAttemptPlugMerge = kernelFunction(
  'blk_attempt_plug_merge',
  15,
  (m, _q: KernelObject, bio: Bio, segments: number): boolean => {
    const request = m.cpu.current.plug?.requests.find((each) => isBackMergeable(each, bio));
    if (request === undefined) return false;
    bioAttemptBackMerge(m, request, bio, segments);
    return true;
  },
);
const ddBioMerge = kernelFunction(
  'dd_bio_merge',
  25,
  (m, q: KernelObject, bio: Bio, segments: number): boolean => {
    takeUp(m, bio.disk);
    const request = bio.disk.scheduler?.mergeable(bio);
    if (request === undefined || q !== bio.disk.queue) return false;
    bioAttemptBackMerge(m, request, bio, segments);
    leave(m, bio.disk);
    return true;
  },
  DEADLINE,
);

/** Sends a request on its way: through the elevator, or straight to the driver. */
function dispatch(m: Machine, rq: Request): void {
  if (rq.disk.scheduler === null) {
    blkMqRequestIssueDirectly(m, rq, 1);
    return;
  }
  blkMqInsertRequest(m, rq, 0);
  runHwQueue(m, rq.disk);
}

/** Past this many requests, or behind a large one, a plug is no longer worth waiting for. */
const PLUG_REQUESTS = 32;
const PLUG_FLUSH_BYTES = 128 * 1024;

/** Writes that must be safe: the disk's cache is flushed first, then the data is written past it. */
const blkInsertFlush = kernelFunction('blk_insert_flush', 60, (m, rq: Request): boolean => {
  const flush = createFlush(m, rq.disk, (_m, error) => {
    if (error !== 0 || rq.bytes === 0) {
      rq.error = error;
      blkMqEndRequest(m, rq, error);
      return;
    }
    setFlags(m, rq, rq.flags & ~REQ_PREFLUSH);
    dispatch(m, rq);
  });
  dispatch(m, flush);
  return true;
});

const blkMqSubmitBio = kernelFunction('blk_mq_submit_bio', 95, (m, bio: Bio): void => {
  const { plug } = m.cpu.current;
  const mayMerge = (bio.flags & REQ_PREFLUSH) === 0;
  if (mayMerge && plug !== null && plug.depth > 0 && blkAttemptPlugMerge(m, bio.disk.queue, bio, 1)) return;
  if (mayMerge && bio.disk.scheduler !== null && ddBioMerge(m, bio.disk.queue, bio, 1)) return;
  const rq = createRequest(m, bio);
  blockGetRq(m, bio);
  blkAccountIoStart(m, rq);
  if (!mayMerge) {
    blkInsertFlush(m, rq);
    return;
  }
  if (plug === null || plug.depth === 0) {
    dispatch(m, rq);
    return;
  }
  const last = plug.requests.at(-1);
  if (plug.requests.length >= PLUG_REQUESTS || (last !== undefined && last.bytes >= PLUG_FLUSH_BYTES))
    flushPlug(m, plug, 0);
  if (plug.requests.length === 0) blockPlug(m, bio.disk.queue);
  plug.requests.push(rq);
});

const blkMqFlushPlugList = kernelFunction('blk_mq_flush_plug_list', 40, (m, plug: Plug, fromSchedule: number): void => {
  const requests = plug.requests.splice(0);
  blockUnplug(m, requests[0]!.disk.queue, requests.length, fromSchedule === 0 ? 1 : 0);
  const scheduled = new Set<Disk>();
  for (const rq of requests) {
    if (rq.disk.scheduler === null) {
      blkMqRequestIssueDirectly(m, rq, 1);
    } else {
      blkMqInsertRequest(m, rq, 0);
      scheduled.add(rq.disk);
    }
  }
  for (const disk of scheduled) runHwQueue(m, disk);
});
const innerBlkFlushPlug = kernelFunction('__blk_flush_plug', 12, (m, plug: Plug, fromSchedule: number): void =>
  blkMqFlushPlugList(m, plug, fromSchedule),
);
function flushPlug(m: Machine, plug: Plug, fromSchedule: number): void {
  if (plug.requests.length > 0) innerBlkFlushPlug(m, plug, fromSchedule);
}
const blkStartPlugFunction = kernelFunction('blk_start_plug', 8, (_m, plug: Plug): void => {
  plug.depth += 1;
});
const blkFinishPlugFunction = kernelFunction('blk_finish_plug', 10, (m, plug: Plug): void => {
  plug.depth -= 1;
  if (plug.depth === 0) flushPlug(m, plug, 0);
});
/** From here on the running task gathers its requests. */
export function blkStartPlug(m: Machine): Plug {
  const task = m.cpu.current;
  task.plug ??= { address: task.allocate(m, PLUG_BYTES), requests: [], depth: 0 };
  blkStartPlugFunction(m, task.plug);
  return task.plug;
}
export function blkFinishPlug(m: Machine, plug: Plug): void {
  blkFinishPlugFunction(m, plug);
}
const PLUG_BYTES = 64;

const innerSubmitBio = kernelFunction('__submit_bio', 15, (m, bio: Bio): void => {
  if (bio.disk.stacked === null) blkMqSubmitBio(m, bio);
  else bio.disk.stacked.submitBio(m, bio);
});
/** What drivers of stacked disks send on waits here until they have returned: their frames do not pile up on the stack. */
const innerSubmitBioNoacct = inlined(20, (m, bio: Bio): void => {
  const task = m.cpu.current;
  const list = (task.bioList = [bio]);
  for (let next = list.shift(); next !== undefined; next = list.shift()) innerSubmitBio(m, next);
  task.bioList = null;
});
const submitBioNoacctNocheck = kernelFunction('submit_bio_noacct_nocheck', 25, (m, bio: Bio, _split: number): void => {
  blockBioQueue(m, bio);
  const { bioList } = m.cpu.current;
  if (bioList !== null) bioList.push(bio);
  else if (bio.disk.stacked === null) innerSubmitBio(m, bio);
  else innerSubmitBioNoacct(m, bio);
});
const sendThrottled = (m: Machine, bio: Bio): void => submitBioNoacctNocheck(m, bio, 0);
export const submitBioNoacct = kernelFunction('submit_bio_noacct', 25, (m, bio: Bio): void => {
  if (!blkThrotlBio(m, bio, sendThrottled)) submitBioNoacctNocheck(m, bio, 0);
});
/** Sends a bio to its disk. */
export const submitBio = kernelFunction('submit_bio', 25, (m, bio: Bio): void => submitBioNoacct(m, bio));

export const bioEndio = kernelFunction('bio_endio', 25, (m, bio: Bio): void => {
  if (bio.disk.stacked !== null) blockBioComplete(m, bio.disk.queue, bio);
  bio.onEnd(m, bio);
});
export const blkUpdateRequest = kernelFunction(
  'blk_update_request',
  35,
  (m, rq: Request, error: number, bytes: number): number => {
    blockRqComplete(m, rq, error, bytes);
    if (error !== 0) {
      blockRqError(m, rq, error, bytes);
      const operation = isRead(rq.flags) ? 'READ' : 'WRITE';
      printk(
        m,
        `I/O error, dev ${rq.disk.name}, sector ${rq.sector} op 0x${(rq.flags & REQ_OP_MASK).toString(16)}:(${operation}) ` +
          `flags 0x${(rq.flags & ~REQ_OP_MASK).toString(16)} phys_seg ${rq.bios.length} prio class 0`,
      );
    }
    for (const bio of rq.bios) {
      setBioError(m, bio, error);
      bioEndio(m, bio);
    }
    return 0;
  },
);
/** Statistics, and the request is free again. */
export const endRequest = inlined(20, (m, rq: Request, error: number): void => {
  if (rq.then === null) blkAccountIoDone(m, rq, m.cpu.time);
  if (rq.hasDriverTag) rq.disk.inFlight -= 1;
  freeRequest(m, rq);
  rq.then?.(m, error);
});
export const blkMqEndRequest = kernelFunction('blk_mq_end_request', 30, (m, rq: Request, error: number): void => {
  blkUpdateRequest(m, rq, error, rq.bytes);
  endRequest(m, rq, error);
});

/** Hard interrupt handlers leave the rest of a completion to the BLOCK softirq of their CPU. */
export const blkMqCompleteRequest = kernelFunction('blk_mq_complete_request', 25, (m, rq: Request): void => {
  m.cpu.blockDone.push(rq);
  raiseSoftirq(m, m.cpu, 'BLOCK');
});
const blkCompleteReqs = inlined(20, (m, list: KernelObject & { readonly requests: readonly Request[] }): void => {
  for (const rq of list.requests) rq.disk.complete(m, rq);
});
export const blkDoneSoftirq = kernelFunction('blk_done_softirq', 15, (m): void =>
  blkCompleteReqs(m, { address: m.scratch, requests: m.cpu.blockDone.splice(0) }),
);

/** schedule() that counts as waiting for I/O. */
export const ioSchedule = kernelFunction('io_schedule', 15, (m): Result => {
  const task = m.cpu.current;
  // Nobody may wait for what is still in his own plug.
  if (task.plug !== null) flushPlug(m, task.plug, 1);
  task.inIoWait = true;
  const slept = schedule(m);
  const after = (): number => {
    task.inIoWait = false;
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
