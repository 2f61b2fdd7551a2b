import type { Image } from '../image.ts';

const PAGE = 16384;
const TABLE_PAGES = 65_536;
const O_RDWR = 2;
const O_APPEND = 0o2000;
const THINK_NS = 4_000_000;

/** Bytes that the server reads in one call: headers and small rows, index blocks, pages, prefetched extents. */
const READ_SIZES = [
  [18, 1],
  [9, 3],
  [34, 48],
  [20, 96],
  [6, 180],
  [12, 1024],
  [10, 4096],
  [22, PAGE],
  [7, 4 * PAGE],
  [3, 16 * PAGE],
  [1, 64 * PAGE],
] as const;

/** A database server: point reads and scans of a table that does not fit into memory, a redo log that is synced. */
export const MYSQLD: Image = {
  path: '/usr/sbin/mysqld',
  symbols: [
    'main',
    'handle_connection',
    'dispatch_command',
    'mysql_execute_command',
    'row_search_mvcc',
    'fil_io',
    'log_writer_write_buffer',
    'trx_commit',
  ],
  *main(u) {
    const { random } = u;
    const buffer = u.buffer(64 * PAGE);
    const table = yield u.openat('/var/lib/mysql/shop/orders.ibd', O_RDWR);
    const meta = yield u.openat('/var/lib/mysql/shop/orders.sdi');
    const log = yield u.openat('/var/lib/mysql/#innodb_redo/ib_redo10', O_RDWR | O_APPEND);
    for (;;) {
      u.in('main', 'handle_connection', 'dispatch_command', 'mysql_execute_command', 'row_search_mvcc');
      yield u.work(random.logNormal(45_000, 0.7));
      const reads = random.between(1, 6);
      for (let i = 0; i < reads; i += 1) {
        const size = random.weighted(READ_SIZES);
        u.in('main', 'handle_connection', 'dispatch_command', 'mysql_execute_command', 'row_search_mvcc', 'fil_io');
        if (size < PAGE) {
          const got = yield u.read(meta, buffer, size);
          if (got < size) yield u.call('lseek', meta, 0, 0);
        } else {
          yield u.pread(table, buffer, size, random.between(0, TABLE_PAGES - 65) * PAGE);
        }
        yield u.work(random.logNormal(12_000, 0.6));
      }
      if (random.chance(0.15)) {
        u.in('main', 'handle_connection', 'dispatch_command', 'trx_commit', 'log_writer_write_buffer');
        yield u.write(log, buffer, 512 * random.between(1, 8));
        if (random.chance(0.5)) yield u.call('fdatasync', log);
      }
      u.in('main', 'handle_connection');
      yield u.nanosleep(random.exponential(THINK_NS));
    }
  },
};
