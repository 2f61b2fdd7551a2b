import type { Image } from '../image.ts';
import { free, malloc, realloc } from '../malloc.ts';
import { O_WRONLY } from '../../fs/fcntl.ts';

const OLDEST_GENERATION = 2;
const CHUNK = 262_144;
/** Lines that are read one by one, blocks of the reader's buffer, and what readinto() asks for when the buffer is large. */
const READ_SIZES = [
  [6, 512],
  [14, 2048],
  [22, 8192],
  [18, 16_384],
  [16, 65_536],
  [14, 131_072],
  [10, CHUNK],
] as const;
const REST_NS = 30_000_000;
/** A piece that TextIOWrapper decodes, as an object; room of a dictionary for what a piece holds. */
const TEXT_OBJECT = 8249;
const DICT_ENTRIES = 2304;

/** A report job: reads logs in large pieces, counts, allocates memory as it goes, writes results. */
export const PYTHON: Image = {
  path: '/usr/bin/python3',
  symbols: [
    'main',
    '_PyEval_EvalFrameDefault',
    'PyUnicode_Decode',
    'dict_insert',
    'gc_collect_main',
    '_io_FileIO_readinto',
  ],
  usdt: [
    { provider: 'python', name: 'gc__start', operands: '-4@%ebx', in: 'gc_collect_main' },
    { provider: 'python', name: 'gc__done', operands: '-8@-24(%rbp)', in: 'gc_collect_main' },
  ],
  *main(u) {
    const { random } = u;
    const buffer = u.buffer(CHUNK);
    const texts: number[] = [];
    let table = 0;
    const out = yield u.openat('/var/lib/report/summary.csv', O_WRONLY);
    for (;;) {
      u.in('main', '_PyEval_EvalFrameDefault', '_io_FileIO_readinto');
      const fd = yield u.openat('/var/log/app/requests.log');
      let read = yield u.read(fd, buffer, random.weighted(READ_SIZES));
      for (let piece = 0; read > 0 && piece < 24; piece += 1) {
        u.in('main', '_PyEval_EvalFrameDefault', 'PyUnicode_Decode');
        // Objects of more than 512 bytes are not from the interpreter's own arenas.
        texts.push(yield* malloc(u, TEXT_OBJECT));
        yield u.work(random.logNormal(420_000, 0.4));
        u.in('main', '_PyEval_EvalFrameDefault', 'dict_insert');
        if ((texts.length & (texts.length - 1)) === 0) table = yield* realloc(u, table, texts.length * DICT_ENTRIES);
        for (let page = random.between(1, 8); page > 0; page -= 1) {
          yield u.touch(buffer + 4096 * page);
          yield u.work(random.logNormal(9_000, 0.5));
        }
        u.in('main', '_PyEval_EvalFrameDefault', '_io_FileIO_readinto');
        read = yield u.read(fd, buffer, random.weighted(READ_SIZES));
      }
      yield u.close(fd);
      u.in('main', '_PyEval_EvalFrameDefault', 'gc_collect_main');
      yield* u.usdt('python', 'gc__start', OLDEST_GENERATION);
      yield u.work(random.logNormal(2_500_000, 0.3));
      for (const text of texts.splice(0)) yield* free(u, text);
      yield* u.usdt('python', 'gc__done', 0);
      yield u.write(out, buffer, random.between(2_000, 60_000));
      u.in('main', '_PyEval_EvalFrameDefault');
      yield u.nanosleep(random.exponential(REST_NS));
    }
  },
};
