import { DeadlineQueue } from '../block/deadline.ts';
import { createDisk } from '../block/disk.ts';
import type { Disk } from '../block/disk.ts';
import { REQ_OP_FLUSH, REQ_OP_MASK, SECTOR } from '../block/flags.ts';
import type { Request } from '../block/request.ts';
import { EIO } from '../errno.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { ataQcCompleteMultiple, SCSI_COMMAND_BYTES, scsiComplete, scsiQueueRq } from '../functions/drivers/scsi.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE, IRQF_SHARED } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { MINORS_PER_DISK } from '../block/scsi.ts';

const SCSI_DISK_MAJOR = 8;
/** PCI interrupt line INTA of the controller, level-triggered, at this pin of the I/O APIC. */
const IRQ = 16;
const NAME = 'ahci[0000:00:1f.2]';

/** Model of the drive: 5400 revolutions per minute, 160 GB. */
const REVOLUTION_NS = 60e9 / 5400;
const SECTORS_PER_TRACK = 1500;
export const CAPACITY_SECTORS = 312_500_000;
const TRACKS = CAPACITY_SECTORS / SECTORS_PER_TRACK;
/** From one track to the next, and what is added for the way across the whole disk: the arm accelerates, then brakes. */
const SHORTEST_SEEK_NS = 1_000_000;
const FULL_STROKE_NS = 14_000_000;
const COMMAND_NS = 60_000;
/** Writing out what the drive has cached: a turn or two. */
const FLUSH_NS = 1.5 * REVOLUTION_NS;

/** One arm over one turning platter. */
class Mechanics {
  private track = 0;
  private nextSector = -1;

  /** When a command that starts at `startNs` is done. */
  serve(startNs: number, sector: number, sectors: number): number {
    const track = Math.floor(sector / SECTORS_PER_TRACK);
    const distance = Math.abs(track - this.track);
    const transfer = (sectors / SECTORS_PER_TRACK) * REVOLUTION_NS;
    let at = startNs + COMMAND_NS;
    // Where the last command ended the drive reads on into its buffer: neither seek nor rotation.
    if (sector !== this.nextSector) {
      if (distance > 0) at += SHORTEST_SEEK_NS + FULL_STROKE_NS * Math.sqrt(distance / TRACKS);
      const wanted = (sector % SECTORS_PER_TRACK) / SECTORS_PER_TRACK;
      const under = (at / REVOLUTION_NS) % 1;
      at += ((wanted - under + 1) % 1) * REVOLUTION_NS;
    }
    this.track = Math.floor((sector + sectors) / SECTORS_PER_TRACK);
    this.nextSector = sector + sectors;
    return at + transfer;
  }
}

/** struct ata_host with its one port. */
interface Host extends KernelObject {
  /** PxIS: commands that the drive has finished. */
  readonly finished: Request[];
}

const ahciHandlePortIntr = kernelFunction('ahci_handle_port_intr', 60, (m, host: Host, _status: number): number => {
  const finished = host.finished.splice(0);
  ataQcCompleteMultiple(m, host, { address: m.scratch, list: finished });
  return finished.length;
});
const ahciSingleLevelIrqIntr = kernelFunction(
  'ahci_single_level_irq_intr',
  120,
  (m, irq: number, data: KernelObject | null): number => {
    const host = data as Host;
    if (host.finished.length === 0) return IRQ_NONE;
    ahciHandlePortIntr(m, host, host.finished.length);
    // Clearing HOST_IRQ_STAT lowers the line.
    m.ioApic.setLine(irq, false, m.cpu.time);
    return IRQ_HANDLED;
  },
);

/** The n-th SATA hard disk: mechanics, an elevator that gives it one command at a time, and a line at the I/O APIC. */
export function createAhciDisk(m: Machine, name: string, index: number): Disk {
  const mechanics = new Mechanics();
  const random = m.random.stream(name);
  const host: Host = { address: m.arena.allocate(256), finished: [] };
  if (!m.irqs.some((desc) => desc.irq === IRQ)) {
    createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'fasteoi' });
  }
  requestIrq(m, IRQ, ahciSingleLevelIrqIntr, IRQF_SHARED, NAME, host);
  return createDisk(m, {
    name,
    major: SCSI_DISK_MAJOR,
    minor: MINORS_PER_DISK * index,
    scheduler: new DeadlineQueue(),
    commandBytes: SCSI_COMMAND_BYTES,
    queueRq: scsiQueueRq,
    complete: scsiComplete,
    issue(_m, request) {
      const now = m.cpu.time;
      const { errorPart, slowness } = request.disk.troubles;
      const done =
        (request.flags & REQ_OP_MASK) === REQ_OP_FLUSH
          ? now + FLUSH_NS
          : mechanics.serve(now, request.sector, request.bytes / SECTOR);
      const end = now + (done - now) * slowness;
      if (errorPart > 0 && random.chance(errorPart)) request.error = -EIO;
      m.schedule(end, () => {
        host.finished.push(request);
        m.ioApic.setLine(IRQ, true, end);
      });
    },
  });
}
