import { EAGAIN } from '../../errno.ts';
import { EPOLL } from '../../functions/fs/poll-events.ts';
import {
  accept,
  connectTo,
  Epoll,
  listenOn,
  receive,
  send,
  SOCK_NONBLOCK,
  socketAddress,
  writeText,
} from '../sockets.ts';
import type { UserCall, UserSocketAddress } from '../sockets.ts';
import type { Image } from '../image.ts';
import { free, malloc, memalign } from '../malloc.ts';
import type { UserContext } from '../user.ts';
import { O_WRONLY, O_APPEND, O_CREAT } from '../../fs/fcntl.ts';
import { SIGUSR1 } from '../../tasks/signals.ts';
import { IPPROTO_TCP } from '../../net/packet.ts';
import { TCP_NODELAY } from '../../net/socket-options.ts';
import { MSG_NOSIGNAL } from '../../net/sock.ts';

const ACCESS_LOG = '/var/log/nginx/access.log';
const HTTP_PORT = 80;
const WWW_DATA = 33;
const BACKLOG = 511;
const BUFFER = 65_536;
const HEADER_BYTES = 238;
const OK = 'HTTP/1.1 200 OK\r\nServer: nginx/1.26.2\r\nContent-Type: text/html\r\nConnection: keep-alive\r\n';
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nServer: nginx/1.26.2\r\nContent-Type: text/html\r\n';
/** BEGIN_REQUEST and PARAMS records. */
const FASTCGI =
  '\u0001\u0001\u0000\u0001\u0000\u0008\u0000\u0000\u0000\u0001\u0001\u0004SCRIPT_FILENAME/var/www/html/shop.php';
export const APPLICATION_SOCKET = '/run/php/php-fpm.sock';
const FOLDER = '/var/www/html';
const CYCLE = ['main', 'ngx_worker_process_cycle', 'ngx_process_events_and_timers'];

/** One of the worker processes: serves files itself and asks the application server for the rest. */
export const NGINX: Image = {
  path: '/usr/sbin/nginx',
  symbols: [
    'main',
    'ngx_worker_process_cycle',
    'ngx_process_events_and_timers',
    'ngx_epoll_process_events',
    'ngx_event_accept',
    'ngx_http_wait_request_handler',
    'ngx_http_process_request',
    'ngx_http_static_handler',
    'ngx_http_upstream_init',
    'ngx_http_log_handler',
    'ngx_open_cached_file',
    'ngx_unix_send',
    'ngx_unix_recv',
  ],
  *main(u) {
    const buffer = u.buffer(BUFFER);
    let log = yield u.openat(ACCESS_LOG, O_WRONLY | O_APPEND);
    yield u.onSignal(SIGUSR1, function* (v) {
      yield v.close(log);
      log = yield v.openat(ACCESS_LOG, O_WRONLY | O_APPEND | O_CREAT, 0o644);
      return 0;
    });
    const listeners = [
      yield* listenShared(u, socketAddress(u, '0.0.0.0', HTTP_PORT)),
      yield* listenShared(u, socketAddress(u, '::', HTTP_PORT)),
    ];
    // The port needs root, the work does not.
    yield u.call('setgid', WWW_DATA);
    yield u.call('setuid', WWW_DATA);
    const application = socketAddress(u, APPLICATION_SOCKET);
    const one = u.buffer(16);
    u.view(one, 4).setInt32(0, 1, true);
    const transfers = new Map<number, Transfer>();
    const pools = new Map<number, number>();
    const epoll = new Epoll(u);
    yield* epoll.open();
    for (const listener of listeners) yield epoll.add(listener, EPOLL.IN | EPOLL.EXCLUSIVE);
    for (;;) {
      u.in(...CYCLE, 'ngx_epoll_process_events');
      const count = yield epoll.wait();
      yield u.work(u.random.logNormal(2_500, 0.4));
      for (let i = 0; i < count; i += 1) {
        const { fd } = epoll.at(i);
        if (listeners.includes(fd)) {
          u.in(...CYCLE, 'ngx_event_accept');
          const connection = yield accept(u, fd, SOCK_NONBLOCK);
          if (connection < 0) continue;
          pools.set(connection, yield* memalign(u, CONNECTION_POOL));
          yield u.call('setsockopt', connection, IPPROTO_TCP, TCP_NODELAY, one, 4);
          yield epoll.add(connection);
        } else if (transfers.has(fd)) {
          yield* proceed(u, epoll, fd, buffer, transfers);
        } else {
          yield* serve(u, epoll, fd, buffer, application, transfers, pools);
          if (!transfers.has(fd)) {
            u.in(...CYCLE, 'ngx_http_process_request', 'ngx_http_log_handler');
            yield u.write(log, buffer, u.random.between(90, 240));
          }
        }
      }
    }
  },
};

/** Sizes of ngx_http_core_module: connection_pool_size, request_pool_size, client_header_buffer_size. */
const CONNECTION_POOL = 512;
const REQUEST_POOL = 4096;
const HEADER_BUFFER = 1024;

/** Every worker has its own socket on the port; the kernel spreads connections over them (SO_REUSEPORT). */
function* listenShared(u: UserContext, address: UserSocketAddress): UserCall {
  return yield* listenOn(u, address, BACKLOG, 0o4000, true);
}

/** A file on its way to a client whose socket is full. */
interface Transfer {
  readonly file: number;
  offset: number;
}
/** One request of a connection, or its end. */
function* serve(
  u: UserContext,
  epoll: Epoll,
  fd: number,
  buffer: number,
  application: UserSocketAddress,
  transfers: Map<number, Transfer>,
  pools: Map<number, number>,
): UserCall {
  u.in(...CYCLE, 'ngx_http_wait_request_handler', 'ngx_unix_recv');
  const size = yield receive(u, fd, buffer, 4096);
  // Nothing yet, or the client has left or broken off.
  if (size <= 0) return size === -EAGAIN ? 0 : yield* closeConnection(u, fd, pools);
  // ngx_create_pool() for the request; the header's buffer is too large for the connection's pool.
  u.in(...CYCLE, 'ngx_http_wait_request_handler');
  const header = yield* malloc(u, HEADER_BUFFER);
  const pool = yield* memalign(u, REQUEST_POOL);
  const result = yield* answer(u, epoll, fd, buffer, size, application, transfers);
  yield* free(u, pool);
  yield* free(u, header);
  return result;
}
function* closeConnection(u: UserContext, fd: number, pools: Map<number, number>): UserCall {
  const result = yield u.close(fd);
  const pool = pools.get(fd);
  pools.delete(fd);
  if (pool !== undefined) yield* free(u, pool);
  return result;
}
function* answer(
  u: UserContext,
  epoll: Epoll,
  fd: number,
  buffer: number,
  size: number,
  application: UserSocketAddress,
  transfers: Map<number, Transfer>,
): UserCall {
  const { random } = u;
  const path = /^GET (\S+)/.exec(u.text(buffer, Math.min(size, 256)))?.[1] ?? '/';
  u.in(...CYCLE, 'ngx_http_process_request');
  yield u.work(random.logNormal(30_000, 0.5));
  if (path.endsWith('.php')) return yield* forward(u, fd, buffer, application);
  u.in(...CYCLE, 'ngx_http_process_request', 'ngx_http_static_handler', 'ngx_open_cached_file');
  const file = yield u.openat(`${FOLDER}${path}`);
  u.in(...CYCLE, 'ngx_http_process_request', 'ngx_http_static_handler', 'ngx_unix_send');
  writeText(u, buffer, file < 0 ? NOT_FOUND : OK);
  yield* sendAll(u, fd, buffer, HEADER_BYTES);
  if (file < 0) return 0;
  transfers.set(fd, { file, offset: 0 });
  return yield* proceed(u, epoll, fd, buffer, transfers);
}
/** Sends as much of a file as the socket takes; the rest when it has room again. */
function* proceed(
  u: UserContext,
  epoll: Epoll,
  fd: number,
  buffer: number,
  transfers: Map<number, Transfer>,
): UserCall {
  const transfer = transfers.get(fd)!;
  u.in(...CYCLE, 'ngx_http_process_request', 'ngx_http_static_handler', 'ngx_unix_send');
  const waited = transfer.offset > 0;
  for (;;) {
    const part = yield u.pread(transfer.file, buffer, BUFFER, transfer.offset);
    if (part <= 0) break;
    yield u.work(u.random.logNormal(8_000, 0.4));
    const sent = yield send(u, fd, buffer, part, MSG_NOSIGNAL);
    if (sent === -EAGAIN) return waited ? 0 : yield epoll.change(fd, EPOLL.OUT);
    if (sent <= 0) break;
    transfer.offset += sent;
  }
  transfers.delete(fd);
  yield u.close(transfer.file);
  return waited ? yield epoll.change(fd, EPOLL.IN | EPOLL.RDHUP) : 0;
}
/** FastCGI over a local socket. */
function* forward(u: UserContext, fd: number, buffer: number, application: UserSocketAddress): UserCall {
  u.in(...CYCLE, 'ngx_http_process_request', 'ngx_http_upstream_init');
  const upstream = yield* connectTo(u, application);
  if (upstream < 0) return yield* sendAll(u, fd, buffer, HEADER_BYTES);
  writeText(u, buffer, FASTCGI);
  yield send(u, upstream, buffer, 620);
  let total = HEADER_BYTES;
  for (;;) {
    const part = yield receive(u, upstream, buffer, BUFFER);
    if (part <= 0) break;
    total += part;
  }
  yield u.close(upstream);
  writeText(u, buffer, OK);
  return yield* sendAll(u, fd, buffer, Math.min(total, BUFFER));
}
/** The socket takes what it has room for: the rest when it has more. */
export function* sendAll(u: UserContext, fd: number, buffer: number, count: number): UserCall {
  const pollfd = u.pollfd(fd, EPOLL.OUT);
  let sent = 0;
  while (sent < count) {
    const part = yield send(u, fd, buffer + sent, count - sent, MSG_NOSIGNAL);
    if (part > 0) sent += part;
    else if (part !== -EAGAIN || (yield u.call('poll', pollfd, 1, 10_000)) <= 0) break;
  }
  return sent;
}
