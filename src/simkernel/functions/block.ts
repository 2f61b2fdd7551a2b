import { raiseSoftirq } from './softirq-vectors.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { createRequest, freeRequest, startRequest } from '../block/request.ts';
import type { Bio, Disk, Request } from '../block/request.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import {
  blockBioQueue,
  blockGetRq,
  blockIoDone,
  blockIoStart,
  blockRqComplete,
  blockRqInsert,
  blockRqIssue,
} from '../tracepoints/block.ts';
import { schedule } from './sched.ts';

const blkAccountIoStart = kernelFunction('blk_account_io_start', 18, (m, rq: Request): void => blockIoStart(m, rq));
const blkAccountIoDone = kernelFunction('blk_account_io_done', 18, (m, rq: Request, _now: number): void =>
  blockIoDone(m, rq),
);

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
const ddDispatchRequest = kernelFunction(
  'dd_dispatch_request',
  60,
  (m, hctx: HardwareContext): Request | null => hctx.disk.scheduler?.next(m.cpu.time) ?? null,
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
    rq.disk.scheduler?.insert(rq, m.cpu.time);
  },
);
const blkMqInsertRequest = kernelFunction('blk_mq_insert_request', 25, (m, rq: Request, flags: number): void =>
  ddInsertRequests(m, rq.disk.queue, rq, flags),
);

const blkMqSubmitBio = kernelFunction('blk_mq_submit_bio', 110, (m, bio: Bio): void => {
  const rq = createRequest(m, bio);
  blockGetRq(m, bio);
  blkAccountIoStart(m, rq);
  if (rq.disk.scheduler === null) {
    blkMqRequestIssueDirectly(m, rq, 1);
    return;
  }
  blkMqInsertRequest(m, rq, 0);
  runHwQueue(m, rq.disk);
});
const innerSubmitBio = kernelFunction('__submit_bio', 15, (m, bio: Bio): void => blkMqSubmitBio(m, bio));
const submitBioNoacctNocheck = kernelFunction('submit_bio_noacct_nocheck', 25, (m, bio: Bio, _split: number): void => {
  blockBioQueue(m, bio);
  innerSubmitBio(m, bio);
});
const submitBioNoacct = kernelFunction('submit_bio_noacct', 25, (m, bio: Bio): void =>
  submitBioNoacctNocheck(m, bio, 0),
);
/** Sends a bio to its disk. */
export const submitBio = kernelFunction('submit_bio', 25, (m, bio: Bio): void => submitBioNoacct(m, bio));

const bioEndio = kernelFunction('bio_endio', 25, (m, bio: Bio): void => bio.onEnd(m, bio));
export const blkUpdateRequest = kernelFunction(
  'blk_update_request',
  35,
  (m, rq: Request, error: number, bytes: number): number => {
    blockRqComplete(m, rq, error, bytes);
    bioEndio(m, rq.bio);
    return 0;
  },
);
/** Statistics, and the request is free again. */
export const endRequest = kernelFunction('__blk_mq_end_request', 20, (m, rq: Request, _error: number): void => {
  blkAccountIoDone(m, rq, m.cpu.time);
  if (rq.disk.scheduler !== null) rq.disk.inFlight -= 1;
  freeRequest(m, rq);
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
const blkCompleteReqs = kernelFunction(
  'blk_complete_reqs',
  20,
  (m, list: KernelObject & { readonly requests: readonly Request[] }): void => {
    for (const rq of list.requests) rq.disk.complete(m, rq);
  },
);
export const blkDoneSoftirq = kernelFunction('blk_done_softirq', 15, (m): void =>
  blkCompleteReqs(m, { address: m.scratch, requests: m.cpu.blockDone.splice(0) }),
);

/** schedule() that counts as waiting for I/O. */
export const ioSchedule = kernelFunction('io_schedule', 15, (m): Result => {
  const task = m.cpu.current;
  task.inIoWait = true;
  const slept = schedule(m);
  const after = (): number => {
    task.inIoWait = false;
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
