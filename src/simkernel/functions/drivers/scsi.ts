import { kernelFunction } from '../../execution/kernel-function.ts';
import { REQ_OP_FLUSH, REQ_OP_MASK, SECTOR, isRead } from '../../block/flags.ts';
import type { Request } from '../../block/request.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { scsiDispatchCmdDone, scsiDispatchCmdStart } from '../../tracepoints/scsi.ts';
import { blkMqCompleteRequest, blkMqStartRequest, blkUpdateRequest, endRequest, runHwQueue } from '../block/block.ts';
import { CDB_BYTES, CHECK_CONDITION } from '../../block/scsi.ts';
import { bug } from '../../../source/bug.ts';

/** drivers/scsi and drivers/ata: a block request becomes a SCSI command becomes an ATA command. */

const SCSI_CMND = structFields('scsi_cmnd', { length: 'cmd_len', cdb: 'cmnd', result: 'result' });
const READ_10 = 0x28;
const WRITE_10 = 0x2a;
const SYNCHRONIZE_CACHE = 0x35;
/** struct scsi_cmnd and, behind it, the pointer to the command's bytes that it once began with. */
export const SCSI_COMMAND_BYTES = 256;

/** struct scsi_cmnd of a request. */
export interface ScsiCommand extends KernelObject {
  readonly rq: Request;
  /** First byte of the command. */
  readonly opcode: number;
}
const commands = new WeakMap<Request, ScsiCommand>();
function commandOf(rq: Request): ScsiCommand {
  const command = commands.get(rq);
  if (command === undefined) bug(`${rq.disk.name}: a request without its SCSI command`);
  return command;
}

function operationOf({ flags }: Request): number {
  if ((flags & REQ_OP_MASK) === REQ_OP_FLUSH) return SYNCHRONIZE_CACHE;
  return isRead(flags) ? READ_10 : WRITE_10;
}
/** Lays out what the drive gets. */
function fillCommand(m: Machine, { address, rq, opcode }: ScsiCommand): void {
  const { bytes, view } = m.arena;
  bytes.fill(0, address, address + SCSI_COMMAND_BYTES);
  const cdb = address + SCSI_CMND.cdb;
  bytes[cdb] = opcode;
  view.setUint32(cdb + 2, rq.sector, false);
  view.setUint16(cdb + 7, rq.bytes / SECTOR, false);
  view.setUint16(address + SCSI_CMND.length, CDB_BYTES, true);
  storeWord(m.words, address + SCSI_CMND.size, { address: cdb });
}

const scsiAllocSgtables = kernelFunction('scsi_alloc_sgtables', 60, (_m, _cmd: ScsiCommand): number => 0);
const sdInitCommand = kernelFunction('sd_init_command', 90, (m, cmd: ScsiCommand): number => {
  const status = cmd.rq.bytes > 0 ? scsiAllocSgtables(m, cmd) : 0;
  fillCommand(m, cmd);
  return status;
});

const ahciQcIssue = kernelFunction('ahci_qc_issue', 250, (m, rq: Request): number => {
  rq.disk.issue(m, rq);
  return 0;
});
const ataQcIssue = kernelFunction('ata_qc_issue', 120, (m, rq: Request): number => ahciQcIssue(m, rq));
const ataScsiTranslate = kernelFunction('ata_scsi_translate', 90, (m, _dev: KernelObject, cmd: ScsiCommand): number =>
  ataQcIssue(m, cmd.rq),
);
const innerAtaScsiQueuecmd = kernelFunction(
  '__ata_scsi_queuecmd',
  60,
  (m, cmd: ScsiCommand, dev: KernelObject): number => ataScsiTranslate(m, dev, cmd),
);
const ataScsiQueuecmd = kernelFunction('ata_scsi_queuecmd', 50, (m, shost: KernelObject, cmd: ScsiCommand): number =>
  innerAtaScsiQueuecmd(m, cmd, shost),
);
const scsiDispatchCmd = kernelFunction('scsi_dispatch_cmd', 60, (m, cmd: ScsiCommand): number => {
  scsiDispatchCmdStart(m, cmd);
  return ataScsiQueuecmd(m, cmd.rq.disk, cmd);
});
export const scsiQueueRq = kernelFunction('scsi_queue_rq', 180, (m, _hctx: KernelObject, bd: Request): number => {
  const cmd: ScsiCommand = { address: bd.command.address, rq: bd, opcode: operationOf(bd) };
  commands.set(bd, cmd);
  sdInitCommand(m, cmd);
  blkMqStartRequest(m, bd);
  return scsiDispatchCmd(m, cmd);
});

const scsiDone = kernelFunction('scsi_done', 30, (m, cmd: ScsiCommand): void => {
  scsiDispatchCmdDone(m, cmd);
  blkMqCompleteRequest(m, cmd.rq);
});
const ataScsiQcComplete = kernelFunction('ata_scsi_qc_complete', 60, (m, rq: Request): void => {
  const cmd = commandOf(rq);
  m.arena.view.setInt32(cmd.address + SCSI_CMND.result, rq.error === 0 ? 0 : CHECK_CONDITION, true);
  scsiDone(m, cmd);
});
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
const scsiIoCompletion = kernelFunction('scsi_io_completion', 50, (m, { rq }: ScsiCommand, good: number): void => {
  scsiEndRequest(m, rq, rq.error, good);
});
const scsiFinishCommand = kernelFunction('scsi_finish_command', 45, (m, cmd: ScsiCommand): void =>
  scsiIoCompletion(m, cmd, cmd.rq.bytes),
);
/** What the BLOCK softirq calls for each finished request. */
export const scsiComplete = kernelFunction('scsi_complete', 60, (m, rq: Request): void =>
  scsiFinishCommand(m, commandOf(rq)),
);
