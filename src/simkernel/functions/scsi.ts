import { kernelFunction } from '../execution/kernel-function.ts';
import type { Request } from '../block/request.ts';
import type { KernelObject } from '../memory/arena.ts';
import { blkMqCompleteRequest, blkMqStartRequest, blkUpdateRequest, endRequest, runHwQueue } from './block.ts';

/** drivers/scsi and drivers/ata: a block request becomes a SCSI command becomes an ATA command. */
const ahciQcIssue = kernelFunction('ahci_qc_issue', 250, (m, rq: Request): number => {
  rq.disk.issue(m, rq);
  return 0;
});
const ataQcIssue = kernelFunction('ata_qc_issue', 120, (m, rq: Request): number => ahciQcIssue(m, rq));
const ataScsiTranslate = kernelFunction('ata_scsi_translate', 90, (m, _dev: KernelObject, rq: Request): number =>
  ataQcIssue(m, rq),
);
const innerAtaScsiQueuecmd = kernelFunction('__ata_scsi_queuecmd', 60, (m, rq: Request, dev: KernelObject): number =>
  ataScsiTranslate(m, dev, rq),
);
const ataScsiQueuecmd = kernelFunction('ata_scsi_queuecmd', 50, (m, shost: KernelObject, rq: Request): number =>
  innerAtaScsiQueuecmd(m, rq, shost),
);
const scsiDispatchCmd = kernelFunction('scsi_dispatch_cmd', 60, (m, rq: Request): number =>
  ataScsiQueuecmd(m, rq.disk, rq),
);
export const scsiQueueRq = kernelFunction('scsi_queue_rq', 180, (m, _hctx: KernelObject, bd: Request): number => {
  blkMqStartRequest(m, bd);
  return scsiDispatchCmd(m, bd);
});

const scsiDone = kernelFunction('scsi_done', 30, (m, rq: Request): void => blkMqCompleteRequest(m, rq));
const ataScsiQcComplete = kernelFunction('ata_scsi_qc_complete', 60, (m, rq: Request): void => scsiDone(m, rq));
const innerAtaQcComplete = kernelFunction('__ata_qc_complete', 50, (m, rq: Request): void => ataScsiQcComplete(m, rq));
const ataQcComplete = kernelFunction('ata_qc_complete', 50, (m, rq: Request): void => innerAtaQcComplete(m, rq));
export const ataQcCompleteMultiple = kernelFunction(
  'ata_qc_complete_multiple',
  40,
  (m, _ap: KernelObject, finished: KernelObject & { readonly list: readonly Request[] }): number => {
    for (const rq of finished.list) ataQcComplete(m, rq);
    return finished.list.length;
  },
);

const scsiEndRequest = kernelFunction(
  'scsi_end_request',
  60,
  (m, rq: Request, error: number, bytes: number): number => {
    const { disk } = rq;
    blkUpdateRequest(m, rq, error, bytes);
    endRequest(m, rq, error);
    runHwQueue(m, disk);
    return 0;
  },
);
const scsiIoCompletion = kernelFunction('scsi_io_completion', 50, (m, rq: Request, good: number): void => {
  scsiEndRequest(m, rq, rq.error, good);
});
const scsiFinishCommand = kernelFunction('scsi_finish_command', 45, (m, rq: Request): void =>
  scsiIoCompletion(m, rq, rq.bytes),
);
/** What the BLOCK softirq calls for each finished request. */
export const scsiComplete = kernelFunction('scsi_complete', 60, (m, rq: Request): void => scsiFinishCommand(m, rq));
