import type { Image } from '../image.ts';
import { O_WRONLY, O_APPEND } from '../../fs/fcntl.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

const PIECE = 131_072;
const REPOSITORY = '/var/backups/repo';
/** Files of the repository with their pages. */
const SEGMENTS = [
  [`${REPOSITORY}/data/0`, 98_304],
  [`${REPOSITORY}/data/1`, 98_304],
] as const;
const SOURCES = ['/var/log/syslog', '/var/log/app/requests.log', '/var/log/nginx/access.log'];

/** A deduplicating backup: looks chunks up all over its repository, appends the new ones and checks an old segment. */
export const BORG: Image = {
  path: '/usr/bin/borg',
  symbols: ['main', 'chunker_process', 'hashindex_get', 'repository_put', 'repository_check'],
  *main(u) {
    const { random } = u;
    const buffer = u.buffer(PIECE);
    const segment = yield u.openat(`${REPOSITORY}/data/2`, O_WRONLY | O_APPEND);
    const index = yield u.openat(`${REPOSITORY}/index`);
    for (;;) {
      u.in('main', 'chunker_process');
      const source = yield u.openat(random.pick(SOURCES));
      yield u.read(source, buffer, PIECE);
      yield u.work(random.logNormal(900_000, 0.4));
      yield u.close(source);
      u.in('main', 'hashindex_get');
      yield u.pread(index, buffer, 40, PAGE_SIZE * random.between(0, 2_300));
      const [path, pages] = random.pick(SEGMENTS);
      const fd = yield u.openat(path);
      for (let chunk = random.between(2, 6); chunk > 0; chunk -= 1) {
        yield u.pread(fd, buffer, PAGE_SIZE, PAGE_SIZE * random.between(0, pages - 1));
        yield u.work(random.logNormal(40_000, 0.5));
      }
      u.in('main', 'repository_put');
      yield u.write(segment, buffer, PAGE_SIZE * random.between(2, 30));
      yield u.call('fdatasync', segment);
      if (random.between(0, 3) === 0) {
        u.in('main', 'repository_check');
        let at = PAGE_SIZE * random.between(0, pages - 2_000);
        for (let piece = 0; piece < 12; piece += 1, at += PIECE) {
          yield u.pread(fd, buffer, PIECE, at);
          yield u.work(random.logNormal(220_000, 0.3));
        }
      }
      yield u.close(fd);
      u.in('main');
      yield u.nanosleep(random.exponential(140_000_000));
    }
  },
};
