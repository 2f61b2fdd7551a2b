import { kernelFunction } from '../../execution/kernel-function.ts';
import { REQ_OP_FLUSH, REQ_OP_MASK, REQ_OP_READ, REQ_OP_WRITE, SECTOR } from '../../block/flags.ts';
import type { Request } from '../../block/request.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { blkMqEndRequest, blkMqStartRequest } from '../block/block.ts';

/** drivers/nvme/host */
const NVME_COMMAND = structFields('nvme_command', { opcode: 'common.opcode' });
const SLBA_AT = 40;
const LENGTH_AT = 48;
/** enum nvme_opcode, by the block layer's operation. */
const OPCODES: Readonly<Record<number, number>> = { [REQ_OP_FLUSH]: 0x00, [REQ_OP_WRITE]: 0x01, [REQ_OP_READ]: 0x02 };
export const NVME_COMMAND_BYTES = 64;

const nvmeSetupCmd = kernelFunction('nvme_setup_cmd', 45, (m, _namespace: KernelObject, rq: Request): number => {
  const { view } = m.arena;
  const { address } = rq.command;
  view.setUint8(address + NVME_COMMAND.opcode, OPCODES[rq.flags & REQ_OP_MASK] ?? 0);
  view.setUint32(address + SLBA_AT, rq.sector % 4294967296, true);
  view.setUint32(address + SLBA_AT + 4, Math.floor(rq.sector / 4294967296), true);
  view.setUint16(address + LENGTH_AT, Math.max(0, rq.bytes / SECTOR - 1), true);
  return 0;
});
const nvmePrepRq = kernelFunction('nvme_prep_rq.part.0', 60, (m, rq: Request): number => {
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
