import { kernelFunction } from '../execution/kernel-function.ts';
import type { Request } from '../block/request.ts';
import type { KernelObject } from '../memory/arena.ts';
import { blkMqEndRequest, blkMqStartRequest } from './block.ts';

/** drivers/nvme/host */
const nvmeSetupCmd = kernelFunction('nvme_setup_cmd', 45, (_m, _namespace: KernelObject, _rq: Request): number => 0);
const nvmePrepRq = kernelFunction('nvme_prep_rq', 60, (m, rq: Request): number => {
  const status = nvmeSetupCmd(m, rq.disk.queue, rq);
  blkMqStartRequest(m, rq);
  return status;
});
export const nvmeQueueRq = kernelFunction('nvme_queue_rq', 70, (m, _hctx: KernelObject, bd: Request): number => {
  const status = nvmePrepRq(m, bd);
  bd.disk.issue(m, bd);
  return status;
});
export const nvmeCompleteRq = kernelFunction('nvme_complete_rq', 25, (m, rq: Request): void =>
  blkMqEndRequest(m, rq, rq.error),
);
export const nvmePciCompleteRq = kernelFunction('nvme_pci_complete_rq', 20, (m, rq: Request): void =>
  nvmeCompleteRq(m, rq),
);
