import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Disk } from './disk.ts';
import type { IoGroup } from './io-groups.ts';
import { MAX_REQUEST_BYTES } from './disk.ts';
import { REQ_OP_FLUSH, REQ_PREFLUSH, REQ_RAHEAD, SECTOR } from './flags.ts';

const BIO = structFields('bio', {
  next: 'bi_next',
  bdev: 'bi_bdev',
  blkg: 'bi_blkg',
  opf: 'bi_opf',
  sector: 'bi_iter.bi_sector',
  bytes: 'bi_iter.bi_size',
  status: 'bi_status',
});
const REQUEST = structFields('request', {
  q: 'q',
  flags: 'cmd_flags',
  tag: 'tag',
  length: '__data_len',
  sector: '__sector',
  bio: 'bio',
  biotail: 'biotail',
  part: 'part',
  start: 'start_time_ns',
  ioStart: 'io_start_time_ns',
});

/**
 * Behind a bio: bi_disk. Behind a request: rq_disk and special, then what is the driver's own (blk_mq_rq_to_pdu). Older
 * kernels had the first ones in the structures, and scripts for those find them here (kernel-profiles.ts).
 */
const BIO_TAIL = 8;
const REQUEST_TAIL = 16;

/** struct bio: a range of the disk to read or write. */
export interface Bio extends KernelObject {
  readonly disk: Disk;
  readonly flags: number;
  readonly sector: number;
  readonly bytes: number;
  /** bi_blkg: that of the task which made it. */
  readonly group: IoGroup;
  /** 0, or a negative error number once it has failed. */
  error: number;
  /** bi_end_io, in interrupt context. */
  readonly onEnd: (m: Machine, bio: Bio) => void;
}
/** BLK_STS_IOERR, which stands for EIO. */
const BLK_STS_IOERR = 10;

export function setBioError(m: Machine, bio: Bio, error: number): void {
  bio.error = error;
  m.arena.bytes[bio.address + BIO.status] = error === 0 ? 0 : BLK_STS_IOERR;
}

export function createBio(
  m: Machine,
  disk: Disk,
  flags: number,
  sector: number,
  bytes: number,
  onEnd: Bio['onEnd'],
): Bio {
  const address = m.arena.allocate(BIO.size + BIO_TAIL);
  const { words } = m;
  const group = m.ioGroups.of(m.cpu.current.cgroup, disk);
  storeWord(words, address + BIO.blkg, group);
  storeWord(words, address + BIO.bdev, disk.part0);
  storeWord(words, address + BIO.size, disk);
  words[(address + BIO.opf) >> 2] = flags;
  storeNumber(words, address + BIO.sector, sector);
  words[(address + BIO.bytes) >> 2] = bytes;
  return { address, disk, flags, sector, bytes, group, error: 0, onEnd };
}
/** bio_put(), of a bio that no request has. */
export function freeBio(m: Machine, bio: Bio): void {
  m.arena.free(bio.address, BIO.size + BIO_TAIL);
}

/** struct request: identity and progress of one command, made of one bio or of several neighbours. */
export interface Request extends KernelObject {
  readonly bios: Bio[];
  readonly disk: Disk;
  flags: number;
  readonly sector: number;
  bytes: number;
  /** The CPU whose queue it went through: its completion interrupt comes there. */
  readonly cpu: number;
  readonly comm: string;
  readonly startNs: number;
  /** What the hardware said of it. */
  error: number;
  /** The elevator has given it to the driver; an empty flush ends without. */
  hasDriverTag: boolean;
  /** The driver's own part (blk_mq_rq_to_pdu): its command. */
  readonly command: KernelObject;
  /** Of a flush that the block layer sends by itself: what follows it. Such requests are not accounted. */
  readonly then: ((m: Machine, error: number) => void) | null;
}

function makeRequest(m: Machine, disk: Disk, bios: Bio[], parts: Pick<Request, 'flags' | 'then'>): Request {
  const address = m.arena.allocate(requestBytes(disk), 64);
  const { words } = m;
  const [bio] = bios;
  const sector = bio?.sector ?? 0;
  const bytes = bio?.bytes ?? 0;
  storeWord(words, address + REQUEST.q, disk.queue);
  words[(address + REQUEST.flags) >> 2] = parts.flags;
  words[(address + REQUEST.length) >> 2] = bytes;
  storeNumber(words, address + REQUEST.sector, sector);
  storeWord(words, address + REQUEST.bio, bio ?? null);
  storeWord(words, address + REQUEST.biotail, bio ?? null);
  storeWord(words, address + REQUEST.part, disk.part0);
  storeNumber(words, address + REQUEST.start, m.cpu.time);
  const command = { address: address + REQUEST.size + REQUEST_TAIL };
  storeWord(words, address + REQUEST.size, disk);
  storeWord(words, address + REQUEST.size + 8, command);
  const { id, current, time } = m.cpu;
  const own = { error: 0, hasDriverTag: false, command };
  return { address, bios, disk, sector, bytes, cpu: id, comm: current.comm, startNs: time, ...own, ...parts };
}
const requestBytes = (disk: Disk): number => REQUEST.size + REQUEST_TAIL + disk.commandBytes;
export function createRequest(m: Machine, bio: Bio): Request {
  return makeRequest(m, bio.disk, [bio], { flags: bio.flags, then: null });
}
/** The queue's own flush request. */
export function createFlush(m: Machine, disk: Disk, then: NonNullable<Request['then']>): Request {
  return makeRequest(m, disk, [], { flags: REQ_OP_FLUSH | REQ_PREFLUSH, then });
}
export function setFlags(m: Machine, request: Request, flags: number): void {
  request.flags = flags;
  m.words[(request.address + REQUEST.flags) >> 2] = flags;
}

/** Whether a bio goes on where a request ends, in the same way. */
export function isBackMergeable({ disk, sector, bytes, flags }: Request, bio: Bio): boolean {
  return (
    bio.disk === disk &&
    bio.sector === sector + bytes / SECTOR &&
    (bio.flags | REQ_RAHEAD) === (flags | REQ_RAHEAD) &&
    (flags & REQ_PREFLUSH) === 0 &&
    bytes > 0 &&
    bytes + bio.bytes <= MAX_REQUEST_BYTES
  );
}
export function mergeBack(m: Machine, request: Request, bio: Bio): void {
  const last = request.bios.at(-1);
  request.bios.push(bio);
  request.bytes += bio.bytes;
  const { words } = m;
  words[(request.address + REQUEST.length) >> 2] = request.bytes;
  storeWord(words, request.address + REQUEST.biotail, bio);
  if (last !== undefined) storeWord(words, last.address + BIO.next, bio);
}
export function startRequest(m: Machine, request: Request): void {
  storeNumber(m.words, request.address + REQUEST.ioStart, m.cpu.time);
}
export function freeRequest(m: Machine, request: Request): void {
  for (const bio of request.bios) freeBio(m, bio);
  m.arena.free(request.address, requestBytes(request.disk));
}
