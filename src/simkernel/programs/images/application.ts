import { connectTo, listenOn, receive, send, socketAddress, writeText } from '../sockets.ts';
import type { Image } from '../image.ts';
import { free, malloc } from '../malloc.ts';
import { DATABASE_PORT } from './database.ts';
import { sendAll, APPLICATION_SOCKET } from './web.ts';

const BUFFER = 32_768;
/** struct _fcgi_request, and a block of the table of its variables. */
const REQUEST_BYTES = 8328;
const VARIABLES_BYTES = 4096;

/** Workers of an application server: a request comes over the local socket, a few questions go to the database. */
export const PHP_FPM: Image = {
  path: '/usr/sbin/php-fpm',
  symbols: [
    'main',
    'fcgi_accept_request',
    'php_execute_script',
    'zend_execute_ex',
    'mysqlnd_query',
    'php_output_write',
  ],
  *main(u) {
    const { random } = u;
    const buffer = u.buffer(BUFFER);
    const listener = yield* listenOn(u, socketAddress(u, APPLICATION_SOCKET), 128);
    const database = socketAddress(u, '127.0.0.1', DATABASE_PORT);
    // The pool: this process and two children share the listening socket.
    for (let child = 0; child < 2; child += 1) {
      const pid = yield u.fork(function* (v) {
        return yield* work(v);
      });
      if (pid < 0) return 1;
    }
    return yield* work(u);

    function* work(v: typeof u): ReturnType<NonNullable<Image['main']>> {
      const memory = v === u ? buffer : v.buffer(BUFFER);
      const to = v === u ? database : socketAddress(v, '127.0.0.1', DATABASE_PORT);
      for (;;) {
        v.in('main', 'fcgi_accept_request');
        const request = yield v.call('accept4', listener, 0, 0, 0);
        if (request < 0) continue;
        // fcgi_init_request(): the request and its variables.
        const state = yield* malloc(v, REQUEST_BYTES);
        const variables = yield* malloc(v, VARIABLES_BYTES);
        yield receive(v, request, memory, 4096);
        v.in('main', 'php_execute_script', 'zend_execute_ex');
        yield v.work(random.logNormal(900_000, 0.4));
        v.in('main', 'php_execute_script', 'zend_execute_ex', 'mysqlnd_query');
        const connection = yield* connectTo(v, to);
        for (let query = random.between(1, 4); query > 0 && connection >= 0; query -= 1) {
          const statement = random.weighted(QUERIES);
          yield send(v, connection, v.string(statement), statement.length);
          if ((yield receive(v, connection, memory, BUFFER)) <= 0) break;
          yield v.work(random.logNormal(60_000, 0.4));
        }
        if (connection >= 0) yield v.close(connection);
        v.in('main', 'php_execute_script', 'php_output_write');
        writeText(v, memory, PAGE);
        yield* sendAll(v, request, memory, random.between(2_000, 30_000));
        yield* free(v, variables);
        yield* free(v, state);
        yield v.close(request);
      }
    }
  },
};
const PAGE =
  'Content-type: text/html; charset=UTF-8\r\n\r\n<!DOCTYPE html><html><head><title>Shop</title></head><body><h1>Your orders</h1>';
const QUERIES = [
  [97, 'SELECT o.id, o.total FROM orders o WHERE o.customer = ? ORDER BY o.created DESC LIMIT 20'],
  [3, 'SELECT MONTH(o.created), SUM(o.total) FROM orders o GROUP BY MONTH(o.created)'],
] as const;
