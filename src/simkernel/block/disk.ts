import type { Machine } from '../machine.ts';
import type { HandOver } from '../execution/hand-over.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { DeadlineQueue } from './deadline.ts';
import type { Bio, Request } from './request.ts';

const QUEUE = structFields('request_queue', { disk: 'disk', elevator: 'elevator' });
const GENDISK = structFields('gendisk', {
  major: 'major',
  firstMinor: 'first_minor',
  name: 'disk_name',
  queue: 'queue',
  part0: 'part0',
});
const BLOCK_DEVICE = structFields('block_device', { dev: 'bd_dev', disk: 'bd_disk', queue: 'bd_queue' });
const ELEVATOR = structFields('elevator_queue', { type: 'type' });
const ELEVATOR_TYPE = structFields('elevator_type', { name: 'elevator_name' });
const NAME_BYTES = 32;

/** A driver's side of a disk. */
interface DiskParts {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  /** Null: requests go to the driver at once. Otherwise it gets one at a time. */
  readonly scheduler: DeadlineQueue | null;
  /** blk_mq_tag_set.cmd_size: what the driver wants behind each request. */
  readonly commandBytes: number;
  /** blk_mq_ops.queue_rq, and what ends a request in the BLOCK softirq, if the driver uses that. */
  queueRq(m: Machine, hctx: KernelObject, request: Request): number;
  complete(m: Machine, request: Request): void;
  /** Hands a started request to the hardware. */
  issue(m: Machine, request: Request): void;
}
/** A driver that takes bios as they are and passes them on to other disks: block_device_operations.submit_bio. */
export interface StackedDisk {
  submitBio(m: Machine, bio: Bio): void;
}
/** A disk with its queue and whole-disk block device. */
export interface Disk extends KernelObject, DiskParts, HandOver {
  /** Null: the driver takes requests. */
  readonly stacked: StackedDisk | null;
  readonly device: number;
  readonly queue: KernelObject;
  readonly part0: KernelObject;
  /** Requests that the driver has. */
  inFlight: number;
  /** What a scenario's faults do to it. */
  readonly troubles: Troubles;
  /** Requests under way, and how long there were any. */
  readonly activity: DiskActivity;
  /** Columns of /proc/diskstats: of reads, of writes, of flushes. */
  readonly stats: Readonly<Record<'read' | 'write' | 'flush', DiskStats>>;
}
/** Injected misbehaviour of a disk. */
export interface Troubles {
  /** Part of the commands that fail. */
  errorPart: number;
  /** Factor on the time of every command. */
  slowness: number;
}
export interface DiskStats {
  requests: number;
  merges: number;
  sectors: number;
  /** From the request's allocation to its end. */
  ns: number;
}

/** part_in_flight() and io_ticks of a disk. */
class DiskActivity {
  requests = 0;
  private busyNs = 0;
  private since = 0;
  change(by: 1 | -1, nowNs: number): void {
    this.busyNs = this.busyUntil(nowNs);
    this.since = Math.max(this.since, nowNs);
    this.requests += by;
  }
  /** How long there was something to do, up to now. CPUs are not at the same time: none takes back what another has seen. */
  busyUntil(nowNs: number): number {
    return this.requests === 0 ? this.busyNs : this.busyNs + Math.max(0, nowNs - this.since);
  }
}

/** The largest request that the block layer makes of neighbours (max_sectors_kb). */
export const MAX_REQUEST_BYTES = 1280 * 1024;

export function createDisk(m: Machine, parts: DiskParts, stacked: StackedDisk | null = null): Disk {
  const { arena, words } = m;
  const { name, major, minor } = parts;
  const address = arena.allocate(GENDISK.size, 64);
  const queue = { address: arena.allocate(QUEUE.size, 64) };
  const part0 = { address: arena.allocate(BLOCK_DEVICE.size, 64) };
  words[(address + GENDISK.major) >> 2] = major;
  words[(address + GENDISK.firstMinor) >> 2] = minor;
  storeText(arena.bytes, address + GENDISK.name, name, NAME_BYTES);
  storeWord(words, address + GENDISK.queue, queue);
  storeWord(words, address + GENDISK.part0, part0);
  storeWord(words, queue.address + QUEUE.disk, { address });
  storeWord(words, queue.address + QUEUE.elevator, parts.scheduler === null ? null : createElevator(m, 'mq-deadline'));
  const device = (major << 20) | minor;
  words[(part0.address + BLOCK_DEVICE.dev) >> 2] = device;
  storeWord(words, part0.address + BLOCK_DEVICE.disk, { address });
  storeWord(words, part0.address + BLOCK_DEVICE.queue, queue);
  const none = (): DiskStats => ({ requests: 0, merges: 0, sectors: 0, ns: 0 });
  const disk: Disk = {
    ...parts,
    address,
    device,
    queue,
    part0,
    stacked,
    inFlight: 0,
    leftAt: 0,
    troubles: { errorPart: 0, slowness: 1 },
    activity: new DiskActivity(),
    stats: { read: none(), write: none(), flush: none() },
  };
  m.disks.push(disk);
  return disk;
}

function createElevator({ arena, words }: Machine, name: string): KernelObject {
  const elevator = arena.allocate(ELEVATOR.size);
  const type = arena.allocate(ELEVATOR_TYPE.size);
  const nameAt = arena.allocate(name.length + 1);
  storeText(arena.bytes, nameAt, name, name.length + 1);
  storeWord(words, type + ELEVATOR_TYPE.name, { address: nameAt });
  storeWord(words, elevator + ELEVATOR.type, { address: type });
  return { address: elevator };
}

/** A disk of the machine by its name. */
export function findDisk(m: Machine, name: string): Disk | undefined {
  return m.disks.find((disk) => disk.name === name);
}
