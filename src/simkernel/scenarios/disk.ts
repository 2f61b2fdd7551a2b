import { DD, EDITOR, FIND, FIO, MAIL, POSTGRES, RECORDER, TAR } from '../programs/images/disk-load.ts';
import { defineScenario } from './define.ts';
import { MIB } from '../memory/sizes.ts';

const POSTGRES_UID = 110;
const USER = 1000;
const MAIL_UID = 8;

export const disk = defineScenario({
  name: 'disk',
  summary:
    'a hard disk with ext4, a flash disk with xfs and two mirrored disks under load: direct and cached, synchronous and not, with fsync, and a moment of read errors',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  disks: [
    { kind: 'hard-disk', mountedAt: '/data', fileSystem: 'ext4' },
    { kind: 'nvme', mountedAt: '/fast', fileSystem: 'xfs' },
    { kind: 'mirror', mountedAt: '/mail', fileSystem: 'ext4' },
  ],
  directories: ['/fast/notes', '/mail/new'],
  files: [
    { path: '/fast/random.dat', size: 512 * MIB, warm: 0 },
    { path: '/fast/pg/wal', size: 16 * MIB, warm: 0.5 },
    { path: '/fast/pg/base', size: 256 * MIB, warm: 0.6 },
    { path: '/fast/notes/todo.txt', size: 2_300 },
    { path: '/data/backup.img', size: 24 * MIB, warm: 0 },
    ...[0, 1, 2].map((part) => ({ path: `/data/archive/part${part}.tar`, size: 96 * MIB, warm: 0 })),
    ...Array.from({ length: 96 }, (_, i) => ({
      path: `/data/tree/d${Math.floor(i / 8)}/f${i % 8}`,
      size: 3_000 + 1_700 * (i % 11),
      warm: 0,
    })),
  ],
  images: [],
  faults: [{ kind: 'disk-errors', disk: 'sda', atNs: 2.5e9, forNs: 0.4e9, part: 0.25 }],
  processes: [
    { pid: 2_011, image: FIO },
    { pid: 2_044, image: DD },
    { pid: 1_870, image: POSTGRES, uid: POSTGRES_UID },
    { pid: 2_102, image: TAR },
    { pid: 2_131, image: FIND, uid: USER },
    { pid: 2_160, image: EDITOR, uid: USER },
    { pid: 2_210, image: MAIL, uid: MAIL_UID },
    { pid: 2_248, image: RECORDER, uid: USER },
  ],
});
