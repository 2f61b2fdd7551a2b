import type { UserStep } from './image.ts';
import type { UserContext } from './user.ts';

/** What the dynamic loader opens for every program, and how much of it it reads. */
export const LOADED_FIRST: readonly string[] = ['/etc/ld.so.cache', '/usr/lib/x86_64-linux-gnu/libc.so.6'];
export const ELF_HEADER = 832;

/** What the dynamic loader does before main. */
export function* load(u: UserContext): Generator<UserStep, void, number> {
  const buffer = u.buffer(ELF_HEADER);
  yield u.work(90_000);
  for (const path of LOADED_FIRST) {
    const fd = yield u.openat(path);
    if (fd < 0) continue;
    yield u.read(fd, buffer, ELF_HEADER);
    yield u.close(fd);
  }
}
