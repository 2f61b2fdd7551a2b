import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { DeadlineQueue } from './deadline.ts';

export const BIO = structFields('bio', {
  bdev: 'bi_bdev',
  opf: 'bi_opf',
  sector: 'bi_iter.bi_sector',
  size: 'bi_iter.bi_size',
  status: 'bi_status',
});
const REQUEST = structFields('request', {
  q: 'q',
  flags: 'cmd_flags',
  tag: 'tag',
  length: '__data_len',
  sector: '__sector',
  bio: 'bio',
  part: 'part',
  start: 'start_time_ns',
  ioStart: 'io_start_time_ns',
});
const QUEUE = structFields('request_queue', { disk: 'disk' });
const GENDISK = structFields('gendisk', {
  major: 'major',
  firstMinor: 'first_minor',
  name: 'disk_name',
  queue: 'queue',
  part0: 'part0',
});
const BLOCK_DEVICE = structFields('block_device', { dev: 'bd_dev', disk: 'bd_disk', queue: 'bd_queue' });

export const REQ_OP_READ = 0;
export const REQ_OP_WRITE = 1;
export const REQ_SYNC = 1 << 11;
export const REQ_META = 1 << 12;
export const REQ_RAHEAD = 1 << 19;
const SECTOR = 512;

/** A driver's side of a disk. */
interface DiskParts {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  /** Null: requests go to the driver at once. Otherwise it gets one at a time. */
  readonly scheduler: DeadlineQueue | null;
  /** blk_mq_ops.queue_rq, and what ends a request in the BLOCK softirq, if the driver uses that. */
  queueRq(m: Machine, hctx: KernelObject, request: Request): number;
  complete(m: Machine, request: Request): void;
  /** Hands a started request to the hardware. */
  issue(m: Machine, request: Request): void;
}
/** A disk with its queue and whole-disk block device. */
export interface Disk extends KernelObject, DiskParts {
  readonly device: number;
  readonly queue: KernelObject;
  readonly part0: KernelObject;
  /** Requests that the driver has. */
  inFlight: number;
  /** What a scenario's faults do to it. */
  readonly troubles: Troubles;
}
/** Injected misbehaviour of a disk. */
export interface Troubles {
  /** Part of the commands that fail. */
  errorPart: number;
  /** Factor on the time of every command. */
  slowness: number;
}
/** A disk of the machine by its name. */
export function findDisk(m: Machine, name: string): Disk | undefined {
  return m.disks.find((disk) => disk.name === name);
}

export function createDisk(m: Machine, parts: DiskParts): Disk {
  const { arena, words } = m;
  const { name, major, minor } = parts;
  const address = arena.allocate(GENDISK.size, 64);
  const queue = { address: arena.allocate(QUEUE.size, 64) };
  const part0 = { address: arena.allocate(BLOCK_DEVICE.size, 64) };
  words[(address + GENDISK.major) >> 2] = major;
  words[(address + GENDISK.firstMinor) >> 2] = minor;
  storeText(arena.bytes, address + GENDISK.name, name, 32);
  storeWord(words, address + GENDISK.queue, queue);
  storeWord(words, address + GENDISK.part0, part0);
  storeWord(words, queue.address + QUEUE.disk, { address });
  const device = (major << 20) | minor;
  words[(part0.address + BLOCK_DEVICE.dev) >> 2] = device;
  storeWord(words, part0.address + BLOCK_DEVICE.disk, { address });
  storeWord(words, part0.address + BLOCK_DEVICE.queue, queue);
  const troubles = { errorPart: 0, slowness: 1 };
  const disk: Disk = { ...parts, address, device, queue, part0, inFlight: 0, troubles };
  m.disks.push(disk);
  return disk;
}

/** struct bio: a range of the disk to read or write. */
export interface Bio extends KernelObject {
  readonly disk: Disk;
  readonly flags: number;
  readonly sector: number;
  readonly bytes: number;
  /** bi_end_io, in interrupt context. */
  readonly onEnd: (m: Machine, bio: Bio) => void;
}

export function createBio(
  m: Machine,
  disk: Disk,
  flags: number,
  sector: number,
  bytes: number,
  onEnd: Bio['onEnd'],
): Bio {
  const address = m.arena.allocate(BIO.size);
  const { words } = m;
  storeWord(words, address + BIO.bdev, disk.part0);
  words[(address + BIO.opf) >> 2] = flags;
  storeNumber(words, address + BIO.sector, sector);
  words[(address + BIO.size) >> 2] = bytes;
  return { address, disk, flags, sector, bytes, onEnd };
}

/** struct request: identity and progress of one command. */
export interface Request extends KernelObject {
  readonly bio: Bio;
  readonly disk: Disk;
  readonly flags: number;
  readonly sector: number;
  readonly bytes: number;
  /** The CPU whose queue it went through: its completion interrupt comes there. */
  readonly cpu: number;
  readonly comm: string;
}

export function createRequest(m: Machine, bio: Bio): Request {
  const address = m.arena.allocate(REQUEST.size, 64);
  const { words } = m;
  storeWord(words, address + REQUEST.q, bio.disk.queue);
  words[(address + REQUEST.flags) >> 2] = bio.flags;
  words[(address + REQUEST.length) >> 2] = bio.bytes;
  storeNumber(words, address + REQUEST.sector, bio.sector);
  storeWord(words, address + REQUEST.bio, bio);
  storeWord(words, address + REQUEST.part, bio.disk.part0);
  storeNumber(words, address + REQUEST.start, m.cpu.time);
  return {
    address,
    bio,
    disk: bio.disk,
    flags: bio.flags,
    sector: bio.sector,
    bytes: bio.bytes,
    cpu: m.cpu.id,
    comm: m.cpu.current.comm,
  };
}
export function startRequest(m: Machine, request: Request): void {
  storeNumber(m.words, request.address + REQUEST.ioStart, m.cpu.time);
}
export function freeRequest(m: Machine, request: Request): void {
  m.arena.free(request.bio.address, BIO.size);
  m.arena.free(request.address, REQUEST.size);
}

/** blk_fill_rwbs: R or W, then F(ua), A(head), S(ync), M(eta). */
export function rwbs(flags: number): string {
  const operation = (flags & 0xff) === REQ_OP_READ ? 'R' : 'W';
  return (
    operation +
    ((flags & REQ_RAHEAD) !== 0 ? 'A' : '') +
    ((flags & REQ_SYNC) !== 0 ? 'S' : '') +
    ((flags & REQ_META) !== 0 ? 'M' : '')
  );
}
export function sectorsOf(bytes: number): number {
  return bytes / SECTOR;
}
