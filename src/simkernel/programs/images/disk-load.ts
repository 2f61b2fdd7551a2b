import type { Image } from '../image.ts';
import { stepsImage } from '../steps.ts';
import type { UserContext } from '../user.ts';
import { PAGE_SIZE, MIB } from '../../memory/sizes.ts';
import { O_DIRECT, O_RDWR } from '../../fs/fcntl.ts';
import { MS } from '../../time/units.ts';

/** struct iocb: data at 0, opcode at 16, descriptor at 20, buffer, bytes, offset. */
const IOCB_BYTES = 64;
const EVENT_BYTES = 32;
const DEPTH = 16;
const PAUSE_NS = 2_500_000;
const WRITE_PART = 0.2;

/** Fills an iocb for a transfer somewhere in the file. */
function fill(u: UserContext, iocb: number, fd: number, buffer: number, fileBytes: number): void {
  const bytes = u.bytes(iocb, IOCB_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, IOCB_BYTES);
  const size = u.random.weighted([
    [60, PAGE_SIZE],
    [20, 2 * PAGE_SIZE],
    [15, 4 * PAGE_SIZE],
    [5, 16 * PAGE_SIZE],
  ]);
  const offset = PAGE_SIZE * u.random.between(0, (fileBytes - size) / PAGE_SIZE - 1);
  view.setUint16(16, u.random.chance(WRITE_PART) ? 1 : 0, true);
  view.setUint32(20, fd, true);
  view.setBigUint64(24, BigInt(buffer), true);
  view.setBigUint64(32, BigInt(size), true);
  view.setBigUint64(40, BigInt(offset), true);
}

/** A benchmark: keeps sixteen direct transfers under way with io_submit() and io_getevents(). */
export const FIO: Image = {
  path: '/usr/bin/fio',
  symbols: ['main', 'thread_main', 'io_u_submit', 'io_u_queued_complete'],
  *main(u) {
    const fileBytes = 512 * MIB;
    const fd = (yield u.openat('/fast/random.dat', O_RDWR | O_DIRECT)) as number;
    const context = u.buffer(8);
    yield u.call('io_setup', DEPTH, context);
    const id = u.bytes(context, 1)[0]!;
    const pointers = u.buffer(8 * DEPTH);
    const iocbs = u.buffer(IOCB_BYTES * DEPTH);
    const events = u.buffer(EVENT_BYTES * DEPTH);
    const buffer = u.buffer(16 * PAGE_SIZE);
    let free = DEPTH;
    for (;;) {
      u.in('main', 'thread_main', 'io_u_submit');
      for (let i = 0; i < free; i += 1) {
        const iocb = iocbs + IOCB_BYTES * i;
        fill(u, iocb, fd, buffer, fileBytes);
        const at = u.bytes(pointers + 8 * i, 8);
        new DataView(at.buffer, at.byteOffset, 8).setBigUint64(0, BigInt(iocb), true);
      }
      yield u.call('io_submit', id, free, pointers);
      u.in('main', 'thread_main', 'io_u_queued_complete');
      free = (yield u.call('io_getevents', id, 1, DEPTH, events)) as number;
      yield u.work(u.random.logNormal(14_000, 0.4));
      // rate_iops: a benchmark at full speed would leave nothing of the disk to the others.
      yield u.nanosleep(u.random.exponential(PAUSE_NS));
    }
  },
};

const about = (median: number) => ({ kind: 'about', median }) as const;
const mean = (value: number) => ({ kind: 'mean', mean: value }) as const;
const exactly = (value: number) => ({ kind: 'exactly', value }) as const;

/** Copies an image onto the hard disk through the page cache, and waits for each part to be safe. */
export const DD = stepsImage('/usr/bin/dd', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'open', path: '/data/backup.img', as: 'out', flags: 0o1101 },
      {
        do: 'repeat',
        times: 24,
        steps: [
          { do: 'write', file: 'out', bytes: exactly(MIB), at: 'next' },
          { do: 'work', ns: about(0.4 * MS) },
          { do: 'sleep', ns: about(9 * MS) },
        ],
      },
      { do: 'fsync', file: 'out', dataOnly: false },
      { do: 'close', file: 'out' },
      { do: 'sleep', ns: about(200 * MS) },
    ],
  },
]);

/** A database that makes each commit safe: small appends, each with fdatasync, and now and then a checkpoint. */
export const POSTGRES = stepsImage('/usr/lib/postgresql/17/bin/postgres', [
  { do: 'open', path: '/fast/pg/wal', as: 'wal', flags: 0o2001 },
  { do: 'open', path: '/fast/pg/base', as: 'base', flags: 2 },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      {
        do: 'function',
        name: 'XLogWrite',
        steps: [
          { do: 'write', file: 'wal', bytes: { kind: 'between', low: 120, high: 8192 }, at: 'next' },
          { do: 'fsync', file: 'wal', dataOnly: true },
        ],
      },
      {
        do: 'function',
        name: 'heap_fetch',
        steps: [{ do: 'read', file: 'base', bytes: exactly(8192), at: 'random' }],
      },
      {
        do: 'sometimes',
        chance: 0.02,
        steps: [
          {
            do: 'function',
            name: 'CheckPointBuffers',
            steps: [
              { do: 'repeat', times: 40, steps: [{ do: 'write', file: 'base', bytes: exactly(8192), at: 'random' }] },
              { do: 'fsync', file: 'base', dataOnly: false },
            ],
          },
        ],
      },
      { do: 'sleep', ns: mean(12 * MS) },
    ],
  },
]);

/** Reads archives from the hard disk from end to end. */
export const TAR = stepsImage('/usr/bin/tar', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [0, 1, 2].flatMap((part) => [
      { do: 'open', path: `/data/archive/part${part}.tar`, as: 'in', flags: 0 } as const,
      {
        do: 'repeat',
        times: 120,
        steps: [
          { do: 'read', file: 'in', bytes: exactly(65_536), at: 'next' },
          { do: 'work', ns: about(0.3 * MS) },
        ],
      } as const,
      { do: 'close', file: 'in' } as const,
      { do: 'sleep', ns: about(80 * MS) } as const,
    ]),
  },
]);

/** Records a camera: nobody waits for its pages, the flusher takes them to the hard disk. */
export const RECORDER = stepsImage('/usr/bin/ffmpeg', [
  { do: 'open', path: '/data/camera.mkv', as: 'out', flags: 0o1101 },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'write', file: 'out', bytes: about(190_000), at: 'next' },
      { do: 'work', ns: about(1.2 * MS) },
      { do: 'sleep', ns: about(40 * MS) },
    ],
  },
]);

/** Looks at all names below a directory, as find does. */
export const FIND = stepsImage('/usr/bin/find', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      ...Array.from({ length: 12 }, (_, i) => `/data/tree/d${i}`).flatMap((directory) => [
        { do: 'list', path: directory } as const,
        ...Array.from({ length: 8 }, (_, i) => ({ do: 'paths', call: 'stat', paths: [`${directory}/f${i}`] }) as const),
        { do: 'paths', call: 'stat', paths: [`${directory}/.ignore`] } as const,
        { do: 'sleep', ns: about(6 * MS) } as const,
      ]),
      { do: 'sleep', ns: about(700 * MS) },
    ],
  },
]);

/** Makes everything safe now and then, and moves a small file in place of another as editors do. */
export const EDITOR = stepsImage('/usr/bin/vim', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'open', path: '/fast/notes/todo.txt.tmp', as: 'tmp', flags: 0o1101 },
      { do: 'write', file: 'tmp', bytes: about(2_400), at: 'next' },
      { do: 'fsync', file: 'tmp', dataOnly: false },
      { do: 'close', file: 'tmp' },
      { do: 'paths', call: 'rename', paths: ['/fast/notes/todo.txt.tmp', '/fast/notes/todo.txt'] },
      { do: 'sleep', ns: about(900 * MS) },
      { do: 'paths', call: 'mkdir', paths: ['/fast/notes/.swap'] },
      { do: 'open', path: '/fast/notes/.swap/todo.swp', as: 'swap', flags: 0o101 },
      { do: 'write', file: 'swap', bytes: about(9_000), at: 'next' },
      { do: 'close', file: 'swap' },
      { do: 'sleep', ns: about(400 * MS) },
      { do: 'paths', call: 'unlink', paths: ['/fast/notes/.swap/todo.swp'] },
      { do: 'paths', call: 'rmdir', paths: ['/fast/notes/.swap'] },
      { do: 'sometimes', chance: 0.4, steps: [{ do: 'paths', call: 'sync', paths: [] }] },
    ],
  },
]);

/** Takes mail: each message is safe on the disk before its sender hears so. */
export const MAIL = stepsImage('/usr/lib/postfix/sbin/smtpd', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'sleep', ns: mean(450 * MS) },
      { do: 'open', path: '/mail/new/incoming', as: 'message', flags: 0o1101 },
      { do: 'write', file: 'message', bytes: about(9_000), at: 'next' },
      { do: 'fsync', file: 'message', dataOnly: false },
      { do: 'close', file: 'message' },
      { do: 'paths', call: 'rename', paths: ['/mail/new/incoming', '/mail/new/delivered'] },
    ],
  },
]);
