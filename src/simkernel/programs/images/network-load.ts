import { EPOLL } from '../../functions/fs/poll-events.ts';
import {
  accept,
  addressRoom,
  bind,
  connect,
  connectTo,
  Epoll,
  listenOn,
  receive,
  socket,
  SOCK_NONBLOCK,
  socketAddress,
} from '../sockets.ts';
import { resolve } from '../resolver.ts';
import type { Image } from '../image.ts';
import { syslog } from './syslog.ts';
import { sendAll } from './web.ts';
import { SOCK_DGRAM } from '../../net/sock.ts';
import { MS } from '../../time/units.ts';
import { O_WRONLY, O_APPEND } from '../../fs/fcntl.ts';

const BUFFER = 65_536;

/** An old application server: one connection at a time, and a backlog that is too short for rush hours. */
export const LEGACY: Image = {
  path: '/opt/legacy/bin/appserver',
  symbols: ['main', 'accept_loop', 'handle_client', 'compute'],
  *main(u) {
    const buffer = u.buffer(BUFFER);
    const listener = yield* listenOn(u, socketAddress(u, '0.0.0.0', 8080), 4);
    for (;;) {
      u.in('main', 'accept_loop');
      const from = addressRoom(u);
      const client = yield u.call('accept', listener, from.at, from.length);
      if (client < 0) continue;
      u.in('main', 'accept_loop', 'handle_client');
      if ((yield receive(u, client, buffer, 4096)) > 0) {
        u.in('main', 'accept_loop', 'handle_client', 'compute');
        yield u.work(u.random.logNormal(9 * MS, 0.5));
        u.in('main', 'accept_loop', 'handle_client');
        yield* sendAll(u, client, buffer, u.random.between(500, 9_000));
      }
      yield u.close(client);
    }
  },
};

/** Checks whether other machines still answer; some do not listen, some are behind a firewall, one is gone. */
export const AGENT: Image = {
  path: '/usr/bin/checkd',
  symbols: ['main', 'run_checks', 'check_tcp', 'wait_writable', 'resolve_host'],
  *main(u) {
    const targets = [
      ['198.51.100.20', 443],
      ['198.51.100.20', 25],
      ['198.51.100.30', 5432],
      ['192.0.2.77', 22],
      ['fd00::3', 8000],
    ] as const;
    const names = ['api.example.org', 'updates.example.org', 'old.example.org'];
    for (;;) {
      for (const [host, port] of targets) {
        u.in('main', 'run_checks', 'check_tcp');
        const to = socketAddress(u, host, port);
        const fd = yield socket(u, to, 1 | SOCK_NONBLOCK);
        const status = yield connect(u, fd, to);
        u.in('main', 'run_checks', 'check_tcp', 'wait_writable');
        const ready = status === 0 ? 1 : yield u.call('poll', u.pollfd(fd, EPOLL.OUT), 1, 2_500);
        if (ready <= 0) yield* syslog(u, `<28>checkd: ${host} port ${port}: no answer`);
        yield u.close(fd);
        yield u.nanosleep(u.random.logNormal(90 * MS, 0.4));
      }
      u.in('main', 'run_checks', 'resolve_host');
      const name = u.random.pick(names);
      const found = yield* resolve(u, name, 443);
      if (typeof found === 'number') yield* syslog(u, `<28>checkd: ${name}: cannot resolve`);
      u.in('main', 'run_checks');
      yield u.nanosleep(u.random.logNormal(250 * MS, 0.4));
    }
  },
};

/** Copies large files to another site. */
export const RSYNC: Image = {
  path: '/usr/bin/rsync',
  symbols: ['main', 'start_client', 'send_files', 'perform_io'],
  *main(u) {
    const buffer = u.buffer(BUFFER);
    for (;;) {
      u.in('main', 'start_client');
      const fd = yield* connectTo(u, socketAddress(u, '198.51.100.40', 873));
      u.in('main', 'start_client', 'send_files', 'perform_io');
      const file = yield u.openat('/srv/export/image.raw');
      for (let piece = 0; piece < 40 && fd >= 0; piece += 1) {
        const size = yield u.read(file, buffer, BUFFER);
        if (size <= 0 || (yield* sendAll(u, fd, buffer, size)) < size) break;
        yield u.work(u.random.logNormal(40_000, 0.4));
      }
      yield u.close(file);
      if (fd >= 0) yield u.close(fd);
      u.in('main');
      yield u.nanosleep(u.random.exponential(400 * MS));
    }
  },
};

/** Collects the logs of other machines: one connection for each, everything goes into one file. */
export const COLLECTOR: Image = {
  path: '/usr/bin/logcollect',
  symbols: ['main', 'event_loop', 'on_accept', 'on_readable', 'append_lines'],
  *main(u) {
    const buffer = u.buffer(BUFFER);
    const listener = yield* listenOn(u, socketAddress(u, '0.0.0.0', 6514), 64);
    const log = yield u.openat('/var/log/remote.log', O_WRONLY | O_APPEND);
    const epoll = new Epoll(u);
    yield* epoll.open();
    yield epoll.add(listener);
    for (;;) {
      u.in('main', 'event_loop');
      const count = yield epoll.wait(5_000);
      for (let i = 0; i < count; i += 1) {
        const { fd } = epoll.at(i);
        u.in('main', 'event_loop', fd === listener ? 'on_accept' : 'on_readable');
        if (fd === listener) {
          yield epoll.add(yield accept(u, fd, SOCK_NONBLOCK));
          continue;
        }
        const size = yield receive(u, fd, buffer, BUFFER);
        u.in('main', 'event_loop', 'on_readable', 'append_lines');
        if (size > 0) yield u.write(log, buffer, size);
        else yield u.close(fd);
      }
    }
  },
};

/** Takes counters as datagrams and adds them up when it finds the time: bursts do not fit into its buffer. */
export const STATSD: Image = {
  path: '/usr/bin/statsd',
  symbols: ['main', 'recv_loop', 'parse_metric', 'flush_metrics'],
  *main(u) {
    const address = socketAddress(u, '0.0.0.0', 8125);
    const fd = yield socket(u, address, SOCK_DGRAM);
    const option = u.buffer(16);
    u.view(option, 4).setInt32(0, 16_384, true);
    yield u.call('setsockopt', fd, 1, 8, option, 4);
    yield bind(u, fd, address);
    const buffer = u.buffer(2048);
    for (let received = 0; ; received += 1) {
      u.in('main', 'recv_loop');
      if ((yield receive(u, fd, buffer, 2048)) <= 0) continue;
      u.in('main', 'recv_loop', 'parse_metric');
      yield u.work(u.random.logNormal(15_000, 0.4));
      if (received % 200 !== 199) continue;
      u.in('main', 'flush_metrics');
      yield u.work(u.random.logNormal(4 * MS, 0.3));
    }
  },
};
