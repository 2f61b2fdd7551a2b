import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { createRequest, freeRequest, startRequest } from '../block/request.ts';
import type { Bio, Request } from '../block/request.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import {
  blockBioQueue,
  blockGetRq,
  blockIoDone,
  blockIoStart,
  blockRqComplete,
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

const nvmeSetupCmd = kernelFunction('nvme_setup_cmd', 45, (_m, _namespace: KernelObject, _rq: Request): number => 0);
const nvmePrepRq = kernelFunction('nvme_prep_rq', 60, (m, rq: Request): number => {
  const status = nvmeSetupCmd(m, rq.disk.queue, rq);
  blkMqStartRequest(m, rq);
  return status;
});
const nvmeQueueRq = kernelFunction('nvme_queue_rq', 70, (m, _hctx: KernelObject, bd: Request): number => {
  const status = nvmePrepRq(m, bd);
  bd.disk.issue(m, bd);
  return status;
});
const blkMqRequestIssueDirectly = kernelFunction(
  'blk_mq_request_issue_directly',
  40,
  (m, rq: Request, _last: number): number => nvmeQueueRq(m, rq.disk.queue, rq),
);
const blkMqSubmitBio = kernelFunction('blk_mq_submit_bio', 110, (m, bio: Bio): void => {
  const rq = createRequest(m, bio);
  blockGetRq(m, bio);
  blkAccountIoStart(m, rq);
  blkMqRequestIssueDirectly(m, rq, 1);
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
const blkUpdateRequest = kernelFunction(
  'blk_update_request',
  35,
  (m, rq: Request, error: number, bytes: number): number => {
    blockRqComplete(m, rq, error, bytes);
    bioEndio(m, rq.bio);
    return 0;
  },
);
const blkMqEndRequest = kernelFunction('blk_mq_end_request', 30, (m, rq: Request, error: number): void => {
  blkUpdateRequest(m, rq, error, rq.bytes);
  blkAccountIoDone(m, rq, m.cpu.time);
  freeRequest(m, rq);
});
const nvmeCompleteRq = kernelFunction('nvme_complete_rq', 25, (m, rq: Request): void => blkMqEndRequest(m, rq, 0));
export const nvmePciCompleteRq = kernelFunction('nvme_pci_complete_rq', 20, (m, rq: Request): void =>
  nvmeCompleteRq(m, rq),
);

/** schedule() that counts as waiting for I/O. */
export const ioSchedule = kernelFunction('io_schedule', 15, (m): Result => schedule(m));

/** Waits until `isDone`, as wait loops around a bit or a completion do. */
export function waitFor(m: Machine, isDone: () => boolean, prepare: () => void): Result {
  if (isDone()) return 0;
  prepare();
  const slept = ioSchedule(m);
  return slept instanceof Pending ? slept.then(() => waitFor(m, isDone, prepare)) : waitFor(m, isDone, prepare);
}
