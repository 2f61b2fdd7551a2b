import { post } from '../cpu/local-apic.ts';
import { createDisk } from '../block/disk.ts';
import type { Disk } from '../block/disk.ts';
import { REQ_OP_FLUSH, REQ_OP_MASK, REQ_OP_READ, REQ_OP_WRITE } from '../block/flags.ts';
import type { Request } from '../block/request.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { NVME_COMMAND_BYTES, nvmeCompleteRq, nvmePciCompleteRq, nvmeQueueRq } from '../functions/drivers/nvme.ts';
import { msixChip } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE, nextMsiIrq } from '../irq/irq-desc.ts';
import type { IrqDesc } from '../irq/irq-desc.ts';
import { EIO } from '../errno.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';

const NVME_MAJOR = 259;
/** Extended minors are handed out as disks and partitions are found; every disk here has one partition. */
const MINORS_PER_DISK = 2;
/** The first disk is function 0 of slot 4, the others of the slots behind it. */
const FIRST_PCI_SLOT = 4;
/** Model: median command latency, spread, and transfer at about 2.5 GB/s; writes land in the drive's cache until it is flushed. */
const LATENCY_NS: Readonly<Record<number, number>> = {
  [REQ_OP_READ]: 84_000,
  [REQ_OP_WRITE]: 24_000,
  [REQ_OP_FLUSH]: 310_000,
};
const LATENCY_SIGMA = 0.22;
const NS_PER_BYTE = 0.4;
/** How many commands the flash serves side by side. */
const CHANNELS = 8;

/** struct nvme_queue: a submission and completion queue pair with its interrupt. */
interface Queue extends KernelObject {
  readonly completed: Request[];
}

const nvmeIrq = kernelFunction('nvme_irq', 45, (m, _irq: number, data: KernelObject | null): number => {
  const queue = data as Queue;
  if (queue.completed.length === 0) return IRQ_NONE;
  for (const request of queue.completed.splice(0)) nvmePciCompleteRq(m, request);
  return IRQ_HANDLED;
});

/** The n-th NVMe disk: one queue pair and one MSI-X vector per CPU; a completion interrupts the CPU that submitted. */
export function createNvme(m: Machine, name: string, index = 0): Disk {
  const random = m.random.stream(name);
  const queues: Queue[] = [];
  const lines: IrqDesc[] = [];
  const chip = msixChip(`0000:00:${(FIRST_PCI_SLOT + index).toString(16).padStart(2, '0')}.0`);
  for (const { id } of m.cpuList) {
    const queue: Queue = { address: m.arena.allocate(256), completed: [] };
    const desc = createIrqDesc(m, { irq: nextMsiIrq(m), chip, hwirq: id + 1, flow: 'edge', cpu: id, isManaged: true });
    requestIrq(m, desc.irq, nvmeIrq, 0, `nvme${index}q${id + 1}`, queue);
    queues.push(queue);
    lines.push(desc);
  }
  const channelFree = new Array<number>(CHANNELS).fill(0);
  const issue = (_m: Machine, request: Request): void => {
    const { errorPart, slowness } = request.disk.troubles;
    const median = LATENCY_NS[request.flags & REQ_OP_MASK]! * slowness;
    const channel = Math.floor(request.sector / 256) % CHANNELS;
    const start = Math.max(m.cpu.time, channelFree[channel]!);
    const end = start + random.logNormal(median, LATENCY_SIGMA) + request.bytes * NS_PER_BYTE;
    channelFree[channel] = start + request.bytes * NS_PER_BYTE;
    const { cpu } = request;
    if (errorPart > 0 && random.chance(errorPart)) request.error = -EIO;
    m.schedule(end, () => {
      queues[cpu]!.completed.push(request);
      post(m, m.cpuList[cpu]!, lines[cpu]!.vector, end);
    });
  };
  return createDisk(m, {
    name,
    major: NVME_MAJOR,
    minor: MINORS_PER_DISK * index,
    scheduler: null,
    commandBytes: NVME_COMMAND_BYTES,
    queueRq: nvmeQueueRq,
    complete: nvmeCompleteRq,
    issue,
  });
}
