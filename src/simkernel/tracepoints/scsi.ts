import type { ScsiCommand } from '../functions/drivers/scsi.ts';
import { SECTOR } from '../block/flags.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import { CDB_BYTES, CHECK_CONDITION, MINORS_PER_DISK } from '../block/scsi.ts';

const NO_TAG = -1;

/** What the events of include/trace/events/scsi.h have in common. */
function address(f: RecordFields): (cmd: ScsiCommand) => void {
  const host = f.number('host_no');
  const channel = f.number('channel');
  const id = f.number('id');
  const lun = f.number('lun');
  const opcode = f.number('opcode');
  const length = f.number('cmd_len');
  const segments = f.number('data_sglen');
  const protection = f.number('prot_sglen');
  const operation = f.number('prot_op');
  return ({ rq, opcode: command }) => {
    // The n-th disk has the n-th host: its first channel, its only target.
    host(rq.disk.minor / MINORS_PER_DISK);
    channel(0);
    id(0);
    lun(0);
    opcode(command);
    length(CDB_BYTES);
    segments(Math.ceil(rq.bytes / PAGE_SIZE));
    protection(0);
    operation(0);
  };
}
function descriptorBlock({ rq, opcode }: ScsiCommand): Uint8Array {
  const block = new Uint8Array(CDB_BYTES);
  const view = new DataView(block.buffer);
  view.setUint8(0, opcode);
  view.setUint32(2, rq.sector, false);
  view.setUint16(7, rq.bytes / SECTOR, false);
  return block;
}

export const scsiDispatchCmdStart: Tracepoint<[cmd: ScsiCommand]> = tracepoint(
  'scsi:scsi_dispatch_cmd_start',
  1,
  (f) => {
    const common = address(f);
    const driverTag = f.number('driver_tag');
    const schedulerTag = f.number('scheduler_tag');
    const cmnd = f.bytes('cmnd');
    return (cmd) => {
      common(cmd);
      driverTag(0);
      schedulerTag(NO_TAG);
      cmnd(descriptorBlock(cmd));
    };
  },
);
export const scsiDispatchCmdDone: Tracepoint<[cmd: ScsiCommand]> = tracepoint('scsi:scsi_dispatch_cmd_done', 1, (f) => {
  const common = address(f);
  const result = f.number('result');
  const driverTag = f.number('driver_tag');
  const schedulerTag = f.number('scheduler_tag');
  const cmnd = f.bytes('cmnd');
  const sense = [f.number('sense_key'), f.number('asc'), f.number('ascq')] as const;
  return (cmd) => {
    const failed = cmd.rq.error !== 0;
    common(cmd);
    result(failed ? CHECK_CONDITION : 0);
    driverTag(0);
    schedulerTag(NO_TAG);
    cmnd(descriptorBlock(cmd));
    // Medium error, unrecovered read error.
    [MEDIUM_ERROR, UNRECOVERED_READ_ERROR, 0].forEach((value, i) => sense[i]!(failed ? value : 0));
  };
});
const MEDIUM_ERROR = 0x03;
const UNRECOVERED_READ_ERROR = 0x11;
