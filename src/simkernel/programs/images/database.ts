import { free, malloc } from '../malloc.ts';
import { withMutex } from '../mutex.ts';
import { createThread } from '../resolver.ts';
import { accept, listenOn, receive, send, socketAddress, writeText } from '../sockets.ts';
import type { UserCall } from '../sockets.ts';
import type { Image } from '../image.ts';
import type { UserContext } from '../user.ts';
import { userFunction } from '../user-function.ts';
import { O_RDWR, O_APPEND } from '../../fs/fcntl.ts';

const PAGE = 16384;
const TABLE_PAGES = 65_536;
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

/** Reads of one statement: small ones from the data dictionary, pages and extents from the table. */
function* search(u: UserContext, { table, meta }: Tables, buffer: number): UserCall {
  const { random } = u;
  for (let i = random.between(1, 6); i > 0; i -= 1) {
    const size = random.weighted(READ_SIZES);
    if (size < PAGE) {
      yield* withMutex(u, u.variable('dict_sys_mutex'), function* () {
        const got = yield u.read(meta, buffer, size);
        return got < size ? yield u.call('lseek', meta, 0, 0) : got;
      });
    } else {
      yield u.pread(table, buffer, size, random.between(0, TABLE_PAGES - 65) * PAGE);
    }
    yield u.work(random.logNormal(12_000, 0.6));
  }
  return 0;
}
/** One writer of the log at a time: others wait until its records are safe. */
function* commit(u: UserContext, { log }: Tables, buffer: number): UserCall {
  return yield* withMutex(u, u.variable('log_sys_mutex'), function* () {
    yield u.write(log, buffer, 512 * u.random.between(1, 8));
    return u.random.chance(0.5) ? yield u.call('fdatasync', log) : 0;
  });
}

/** A statement that goes through much of the table. */
const REPORT_PARTS = 25;
/** enum_server_command. */
const COM_QUIT = 1;
const COM_QUERY = 3;
/** class THD, as far as it goes here: the connection's descriptor and number, then the tables'. */
const THD_BYTES = 64;
const MAX_STATEMENT = 4096;
/** What the server allocates: class THD, the buffer of its network layer (net_buffer_length), blocks of a statement's arena. */
const THD_OBJECT = 11_744;
const NET_BUFFER = 16_391;
const MEM_ROOT_BLOCK = 8192;

/** One command of a client: COM_QUERY says what it wants in SQL. */
const dispatchCommand = userFunction(
  'int dispatch_command(void *thd, const void *com_data, int command)',
  function* (u, thd: number, comData: number, command: number) {
    const field = (at: number): number => u.load(thd + at, 4);
    const connection = field(0);
    const texts = [u.sharedBuffer('user', 16), u.sharedBuffer('host', 16), u.sharedBuffer('schema', 16)] as const;
    const [user, host, schema] = texts;
    yield* u.usdt('mysql', 'command__start', connection, command, user, host);
    if (command === COM_QUERY) {
      const buffer = u.sharedBuffer('connection', 64 * PAGE);
      const tables = { table: field(4), meta: field(8), log: field(12) };
      u.in('dispatch_command', 'mysql_execute_command', 'row_search_mvcc');
      // The arena of the statement's own objects.
      const root = yield* malloc(u, MEM_ROOT_BLOCK);
      yield* u.usdt('mysql', 'query__start', u.load(comData, 6), connection, schema, user, host);
      yield u.work(u.random.logNormal(45_000, 0.7));
      u.in('dispatch_command', 'mysql_execute_command', 'row_search_mvcc', 'fil_io');
      const isReport = u.cString(u.load(comData, 6)).includes('GROUP BY');
      for (let part = isReport ? REPORT_PARTS : 1; part > 0; part -= 1) yield* search(u, tables, buffer);
      if (u.random.chance(0.15)) {
        u.in('dispatch_command', 'trx_commit', 'log_writer_write_buffer');
        yield* commit(u, tables, buffer);
      }
      u.in('dispatch_command');
      yield* u.usdt('mysql', 'query__done', 0);
      yield* free(u, root);
      writeText(u, buffer, ROWS);
      yield send(u, connection, buffer, u.random.between(80, 9_000));
    }
    yield* u.usdt('mysql', 'command__done', 0);
    return 0;
  },
);
/** A connection's thread: a command comes, rows go back, until the client leaves. */
function* serve(u: UserContext, connection: number, tables: Tables): UserCall {
  const thd = u.sharedBuffer(`thd ${connection}`, THD_BYTES);
  [connection, tables.table, tables.meta, tables.log].forEach((value, i) => u.store(thd + 4 * i, 4, value));
  for (const [name, text] of [
    ['user', 'shop'],
    ['host', 'localhost'],
    ['schema', 'shop'],
  ] as const)
    writeText(u, u.sharedBuffer(name, 16), `${text}\0`);
  const statement = u.sharedBuffer(`statement ${connection}`, MAX_STATEMENT);
  const comData = u.sharedBuffer(`command ${connection}`, 16);
  u.store(comData, 8, statement);
  u.in('handle_connection');
  const [session, network] = [yield* malloc(u, THD_OBJECT), yield* malloc(u, NET_BUFFER)];
  for (;;) {
    u.in('handle_connection');
    const size = yield receive(u, connection, statement, MAX_STATEMENT - 1);
    u.store(statement + Math.max(size, 0), 1, 0);
    u.store(comData + 8, 4, Math.max(size, 0));
    yield* dispatchCommand(u, thd, comData, size > 0 ? COM_QUERY : COM_QUIT);
    if (size <= 0) break;
  }
  u.in('handle_connection');
  yield* free(u, network);
  yield* free(u, session);
  yield u.close(connection);
  return yield u.call('exit', 0);
}
const ROWS = '\u0001\u0000\u0000\u0001\u0002\u0004shop\u0006orders\u0002id\u0005total\u00071004711\u000559.90';

/** A database server: a thread for each connection, and one that looks after the table in the background. */
export const MYSQLD: Image = {
  path: '/usr/sbin/mysqld',
  symbols: [
    'main',
    'mysqld_main',
    'Connection_handler_manager::process_new_connection',
    'handle_connection',
    dispatchCommand,
    'mysql_execute_command',
    'row_search_mvcc',
    'fil_io',
    'log_writer_write_buffer',
    'trx_commit',
    'srv_master_thread',
  ],
  variables: [
    { name: 'log_sys_mutex', type: 'int', value: 0 },
    { name: 'dict_sys_mutex', type: 'int', value: 0 },
  ],
  usdt: [
    { provider: 'mysql', name: 'command__start', operands: '8@%rdi -4@%esi 8@%rdx 8@%rcx', in: 'dispatch_command' },
    { provider: 'mysql', name: 'command__done', operands: '-4@%edi', in: 'dispatch_command' },
    {
      provider: 'mysql',
      name: 'query__start',
      operands: '8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8',
      in: 'mysql_execute_command',
    },
    { provider: 'mysql', name: 'query__done', operands: '-4@%edi', in: 'mysql_execute_command' },
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
      const connection = yield accept(u, listener);
      if (connection < 0) continue;
      u.in('main', 'mysqld_main', 'Connection_handler_manager::process_new_connection');
      yield u.work(u.random.logNormal(20_000, 0.3));
      yield* createThread(u, 'handle_connection', (thread) => serve(thread, connection, tables));
    }
  },
};

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
