import { O_CLOEXEC, O_RDONLY } from '../fs/fcntl.ts';
import { MAP_PRIVATE, PROT_READ } from '../tasks/mman.ts';
import type { UserStep } from './image.ts';
import { withStream } from './malloc.ts';
import type { UserContext } from './user.ts';

type Steps<T> = Generator<UserStep, T, number>;

/** st_blksize: how much stdio reads at once. */
const BLOCK = 4096;
const STAT_BYTES = 144;
/** glibc's locales in one file. */
const LOCALE_ARCHIVE = '/usr/lib/locale/locale-archive';
const LOCALE_BYTES = 3_055_776;
const TCGETS = 0x5401;

/** fopen(), what is in it, fclose(): fstat() tells how large the buffer is to be, and the end is known by a read of nothing. */
export function* readText(u: UserContext, path: string, each?: () => Steps<void>): Steps<number> {
  const buffer = u.sharedBuffer('stdio', BLOCK);
  const fd = yield u.openat(path, O_RDONLY);
  if (fd < 0) return fd;
  yield u.call('fstat', fd, u.sharedBuffer('stat', STAT_BYTES));
  yield* withStream(u, function* () {
    while ((yield u.read(fd, buffer, BLOCK)) > 0) if (each !== undefined) yield* each();
    return yield u.close(fd);
  });
  return 0;
}
/** setlocale(): what most commands begin with. */
export function* setLocale(u: UserContext): Steps<void> {
  const fd = yield u.openat(LOCALE_ARCHIVE, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  yield u.call('fstat', fd, u.sharedBuffer('stat', STAT_BYTES));
  const archive = yield u.mmap(LOCALE_BYTES, PROT_READ, MAP_PRIVATE, fd);
  yield u.close(fd);
  for (let page = 0; page < 4; page += 1) yield* u.access(archive + page * 65_536, false);
}
/** Standard output is first asked what it is: a terminal, a pipe or a file. */
export function* printText(u: UserContext, text: string): Steps<number> {
  yield u.call('fstat', 1, u.sharedBuffer('stat', STAT_BYTES));
  yield u.call('ioctl', 1, TCGETS, u.sharedBuffer('stat', STAT_BYTES));
  return yield u.write(1, u.string(text), text.length);
}
