import type { Image } from '../image.ts';
import type { UserBody } from '../image.ts';
import type { UserContext } from '../user.ts';
import { SECOND } from '../../time/units.ts';

const STANDARD_OUTPUT = 1;
const BLOCK = 131_072;

function command(name: string, main: (u: UserContext, args: readonly string[]) => UserBody): Image {
  return {
    path: `/usr/bin/${name}`,
    symbols: ['main', '_dl_start', 'usage'],
    *main(u, argv) {
      return yield* main(u, argv.slice(1));
    },
  };
}

/** Commands that every machine has, for whoever runs one on it. */
export const BASIC_COMMANDS: readonly Image[] = [
  command('true', function* (u) {
    yield u.work(5_000);
    return 0;
  }),
  command('false', function* (u) {
    yield u.work(5_000);
    return 1;
  }),
  command('sleep', function* (u, args) {
    yield u.work(8_000);
    const seconds = args.reduce((sum, text) => sum + Number(text.replace(/s$/, '')), 0);
    if (!Number.isFinite(seconds) || args.length === 0) return 1;
    yield u.nanosleep(seconds * SECOND);
    return 0;
  }),
  command('echo', function* (u, args) {
    const text = `${args.join(' ')}\n`;
    yield u.work(6_000);
    yield u.write(STANDARD_OUTPUT, u.string(text), text.length);
    return 0;
  }),
  command('cat', function* (u, args) {
    const buffer = u.buffer(BLOCK);
    let status = 0;
    for (const path of args) {
      const fd = yield u.openat(path);
      if (fd === undefined || fd < 0) {
        status = 1;
        continue;
      }
      for (;;) {
        const count = yield u.read(fd, buffer, BLOCK);
        if (count === undefined || count <= 0) break;
        yield u.write(STANDARD_OUTPUT, buffer, count);
      }
      yield u.close(fd);
    }
    return status;
  }),
];
