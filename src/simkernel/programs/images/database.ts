import { createThread } from '../resolver.ts';
import { listenOn, receive, send, socketAddress, writeText } from '../sockets.ts';
import type { UserCall } from '../sockets.ts';
import type { Image } from '../image.ts';
import type { UserContext } from '../user.ts';

const PAGE = 16384;
const TABLE_PAGES = 65_536;
const O_RDWR = 2;
const O_APPEND = 0o2000;
const THINK_NS = 5_000_000;

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

export const DATABASE_PORT = 3306;
const BACKLOG = 151;

interface Tables {
  readonly table: number;
  readonly meta: number;
  readonly log: number;
}

/** A database server: a thread for each connection, and one that looks after the table in the background. */
export const MYSQLD: Image = {
  path: '/usr/sbin/mysqld',
  symbols: [
    'main',
    'mysqld_main',
    'Connection_handler_manager::process_new_connection',
    'handle_connection',
    'dispatch_command',
    'mysql_execute_command',
    'row_search_mvcc',
    'fil_io',
    'log_writer_write_buffer',
    'trx_commit',
    'srv_master_thread',
  ],
  *main(u) {
    const tables: Tables = {
      table: yield u.openat('/var/lib/mysql/shop/orders.ibd', O_RDWR),
      meta: yield u.openat('/var/lib/mysql/shop/orders.sdi'),
      log: yield u.openat('/var/lib/mysql/#innodb_redo/ib_redo10', O_RDWR | O_APPEND),
    };
    u.in('main', 'mysqld_main');
    const listener = yield* listenOn(u, socketAddress(u, '127.0.0.1', DATABASE_PORT), BACKLOG);
    yield* createThread(u, 'srv_master_thread', (thread) => background(thread, tables));
    const pollfd = u.buffer(8);
    u.view(pollfd, 8).setInt32(0, listener, true);
    u.view(pollfd, 8).setInt16(4, 1, true);
    for (;;) {
      u.in('main', 'mysqld_main');
      yield u.call('poll', pollfd, 1, -1);
      const connection = yield u.call('accept4', listener, 0, 0, 0);
      if (connection < 0) continue;
      u.in('main', 'mysqld_main', 'Connection_handler_manager::process_new_connection');
      yield u.work(u.random.logNormal(20_000, 0.3));
      yield* createThread(u, 'handle_connection', (thread) => serve(thread, connection, tables));
    }
  },
};

/** Reads of one statement: small ones from the data dictionary, pages and extents from the table. */
function* search(u: UserContext, { table, meta }: Tables, buffer: number): UserCall {
  const { random } = u;
  for (let i = random.between(1, 6); i > 0; i -= 1) {
    const size = random.weighted(READ_SIZES);
    if (size < PAGE) {
      const got = yield u.read(meta, buffer, size);
      if (got < size) yield u.call('lseek', meta, 0, 0);
    } else {
      yield u.pread(table, buffer, size, random.between(0, TABLE_PAGES - 65) * PAGE);
    }
    yield u.work(random.logNormal(12_000, 0.6));
  }
  return 0;
}
function* commit(u: UserContext, { log }: Tables, buffer: number): UserCall {
  yield u.write(log, buffer, 512 * u.random.between(1, 8));
  return u.random.chance(0.5) ? yield u.call('fdatasync', log) : 0;
}
/** A connection's thread: a statement comes, rows go back, until the client leaves. */
function* serve(u: UserContext, connection: number, tables: Tables): UserCall {
  const { random } = u;
  const buffer = u.sharedBuffer('connection', 64 * PAGE);
  for (;;) {
    u.in('handle_connection');
    if ((yield receive(u, connection, buffer, 4096)) <= 0) break;
    u.in('handle_connection', 'dispatch_command', 'mysql_execute_command', 'row_search_mvcc');
    yield u.work(random.logNormal(45_000, 0.7));
    u.in('handle_connection', 'dispatch_command', 'mysql_execute_command', 'row_search_mvcc', 'fil_io');
    yield* search(u, tables, buffer);
    if (random.chance(0.15)) {
      u.in('handle_connection', 'dispatch_command', 'trx_commit', 'log_writer_write_buffer');
      yield* commit(u, tables, buffer);
    }
    u.in('handle_connection', 'dispatch_command');
    writeText(u, buffer, ROWS);
    yield send(u, connection, buffer, random.between(80, 9_000));
  }
  yield u.close(connection);
  return yield u.call('exit', 0);
}
const ROWS = '\u0001\u0000\u0000\u0001\u0002\u0004shop\u0006orders\u0002id\u0005total\u00071004711\u000559.90';

/** Purges, merges and checkpoints. */
function* background(u: UserContext, tables: Tables): UserCall {
  const { random } = u;
  const buffer = u.buffer(64 * PAGE);
  for (;;) {
    u.in('srv_master_thread', 'row_search_mvcc', 'fil_io');
    yield u.work(random.logNormal(45_000, 0.7));
    yield* search(u, tables, buffer);
    if (random.chance(0.15)) {
      u.in('srv_master_thread', 'trx_commit', 'log_writer_write_buffer');
      yield* commit(u, tables, buffer);
    }
    u.in('srv_master_thread');
    yield u.nanosleep(random.exponential(THINK_NS));
  }
}
