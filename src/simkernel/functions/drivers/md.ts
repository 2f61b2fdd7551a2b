import { createDisk } from '../../block/disk.ts';
import type { Disk } from '../../block/disk.ts';
import { isRead, REQ_OP_WRITE, REQ_PREFLUSH, REQ_SYNC } from '../../block/flags.ts';
import { createBio, freeBio, setBioError } from '../../block/request.ts';
import type { Bio } from '../../block/request.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { blockBioRemap } from '../../tracepoints/block.ts';
import { bioEndio, submitBioNoacct } from '../block/block.ts';
import { bug } from '../../../source/bug.ts';

/** drivers/md: a disk whose bios go to other disks. */
const MD_MAJOR = 9;
const MODULE = { module: 'raid1' } as const;
const MDDEV = structFields('mddev', { minor: 'md_minor' });
/** Sectors that the array's own description takes at the start of each member. */
const DATA_OFFSET = 264_192;

/** struct mddev of a RAID 1: every member holds everything. */
interface Mirror extends KernelObject {
  readonly members: readonly Disk[];
  /** Where each member's arm is expected. */
  readonly heads: number[];
}
const mirrors = new WeakMap<Disk, Mirror>();

/** What became of a bio's copies: the bio ends with the last of them. */
interface Copies {
  left: number;
  failed: number;
  error: number;
}
/** bio_chain(): how many others the end of a bio waits for, by address. */
const chains = new WeakMap<Disk, Map<number, number>>();
function endOf(m: Machine, bio: Bio): void {
  const chained = chains.get(bio.disk)!;
  const waiting = chained.get(bio.address) ?? 0;
  if (waiting > 0) {
    chained.set(bio.address, waiting - 1);
    return;
  }
  chained.delete(bio.address);
  bioEndio(m, bio);
  freeBio(m, bio);
}
const raidEndBioIo = kernelFunction('raid_end_bio_io', 30, (m, bio: Bio): void => endOf(m, bio), MODULE);
const raid1EndReadRequest = kernelFunction(
  'raid1_end_read_request',
  40,
  (m, clone: Bio & { readonly of: Bio }): void => {
    setBioError(m, clone.of, clone.error);
    raidEndBioIo(m, clone.of);
  },
  MODULE,
);
const raid1EndWriteRequest = kernelFunction(
  'raid1_end_write_request',
  45,
  (m, clone: Bio & { readonly of: Bio; readonly copies: Copies }): void => {
    const { of, copies } = clone;
    copies.left -= 1;
    if (clone.error !== 0) {
      copies.failed += 1;
      copies.error = clone.error;
    }
    if (copies.left > 0) return;
    // One good copy is enough.
    setBioError(m, of, copies.failed === 2 ? copies.error : 0);
    raidEndBioIo(m, of);
  },
  MODULE,
);

/** Sends a bio on to a member. */
function submitTo(m: Machine, member: Disk, bio: Bio, onEnd: Bio['onEnd']): void {
  const clone = createBio(m, member, bio.flags, bio.sector + DATA_OFFSET, bio.bytes, onEnd);
  blockBioRemap(m, clone, bio.disk.device, bio.sector);
  submitBioNoacct(m, clone);
}
/** The member whose arm is nearest. */
const readBalance = kernelFunction(
  'read_balance',
  35,
  (_m, mirror: Mirror, bio: Bio): number => {
    const distance = (head: number): number => Math.abs(head - bio.sector);
    const [first = 0, second = 0] = mirror.heads;
    return distance(first) <= distance(second) ? 0 : 1;
  },
  MODULE,
);
const raid1ReadRequest = kernelFunction(
  'raid1_read_request',
  70,
  (m, mirror: Mirror, bio: Bio): void => {
    const index = readBalance(m, mirror, bio);
    mirror.heads[index] = bio.sector + bio.bytes / 512;
    submitTo(m, mirror.members[index]!, bio, (_m, clone) => raid1EndReadRequest(m, { ...clone, of: bio }));
  },
  MODULE,
);
const raid1WriteRequest = kernelFunction(
  'raid1_write_request',
  110,
  (m, mirror: Mirror, bio: Bio): void => {
    const copies: Copies = { left: mirror.members.length, failed: 0, error: 0 };
    mirror.members.forEach((member, index) => {
      mirror.heads[index] = bio.sector + bio.bytes / 512;
      submitTo(m, member, bio, (_m, clone) => raid1EndWriteRequest(m, { ...clone, of: bio, copies }));
    });
  },
  MODULE,
);
/** Each member empties its cache, and the bio ends behind that. False: it has something to write as well. */
const mdFlushRequest = kernelFunction(
  'md_flush_request',
  60,
  (m, mirror: Mirror, bio: Bio): boolean => {
    chains.get(bio.disk)!.set(bio.address, mirror.members.length);
    for (const member of mirror.members) {
      const flags = REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC;
      submitBioNoacct(
        m,
        createBio(m, member, flags, 0, 0, () => endOf(m, bio)),
      );
    }
    if (bio.bytes > 0) return false;
    endOf(m, bio);
    return true;
  },
  { module: 'md_mod' },
);
const raid1MakeRequest = kernelFunction(
  'raid1_make_request',
  40,
  (m, mirror: Mirror, bio: Bio): boolean => {
    if ((bio.flags & REQ_PREFLUSH) !== 0 && mdFlushRequest(m, mirror, bio)) return true;
    if (isRead(bio.flags)) raid1ReadRequest(m, mirror, bio);
    else raid1WriteRequest(m, mirror, { ...bio, flags: bio.flags & ~REQ_PREFLUSH });
    return true;
  },
  MODULE,
);
const mdHandleRequest = kernelFunction(
  'md_handle_request',
  30,
  (m, mirror: Mirror, bio: Bio): boolean => raid1MakeRequest(m, mirror, bio),
  { module: 'md_mod' },
);
const mdSubmitBio = kernelFunction(
  'md_submit_bio',
  35,
  (m, bio: Bio): void => void mdHandleRequest(m, mirrors.get(bio.disk)!, bio),
  { module: 'md_mod' },
);

/** md0, md1, ...: what is written goes to all members, what is read comes from one. */
export function createMirror(m: Machine, index: number, members: readonly Disk[]): Disk {
  const never = (): never => {
    bug('a stacked disk has no requests');
  };
  const disk = createDisk(
    m,
    {
      name: `md${index}`,
      major: MD_MAJOR,
      minor: index,
      scheduler: null,
      commandBytes: 0,
      queueRq: never,
      complete: never,
      issue: never,
    },
    { submitBio: (_m, bio) => mdSubmitBio(m, bio) },
  );
  const address = m.arena.allocate(MDDEV.size);
  m.words[(address + MDDEV.minor) >> 2] = index;
  chains.set(disk, new Map());
  mirrors.set(disk, { address, members, heads: members.map(() => 0) });
  return disk;
}
