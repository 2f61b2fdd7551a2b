import { bind, receive, sendTo, socket, socketAddress } from '../sockets.ts';
import type { UserCall } from '../sockets.ts';
import type { Image } from '../image.ts';
import { calloc, free, malloc } from '../malloc.ts';
import type { UserContext } from '../user.ts';
import { SOCK_DGRAM } from '../../net/sock.ts';
import { O_WRONLY, O_APPEND, O_CREAT } from '../../fs/fcntl.ts';
import { SIGHUP } from '../../tasks/signals.ts';

const LOG_SOCKET = '/run/systemd/journal/dev-log';
const MESSAGE = 8192;
const SYSLOG = '/var/log/syslog';
/** smsg_t */
const MESSAGE_OBJECT = 960;

/** Takes what daemons have to say, and keeps it; SIGHUP has it open its file anew. */
export const RSYSLOGD: Image = {
  path: '/usr/sbin/rsyslogd',
  symbols: ['main', 'imuxsock_run', 'processMsg', 'writeFile'],
  *main(u) {
    const address = socketAddress(u, LOG_SOCKET);
    const fd = yield socket(u, address, SOCK_DGRAM);
    yield bind(u, fd, address);
    let log = yield u.openat(SYSLOG, O_WRONLY | O_APPEND);
    yield u.onSignal(SIGHUP, function* (v) {
      yield v.close(log);
      log = yield v.openat(SYSLOG, O_WRONLY | O_APPEND | O_CREAT, 0o640);
      return 0;
    });
    const buffer = u.buffer(MESSAGE);
    for (;;) {
      u.in('main', 'imuxsock_run');
      const size = yield receive(u, fd, buffer, MESSAGE);
      if (size <= 0) continue;
      u.in('main', 'imuxsock_run', 'processMsg', 'writeFile');
      // msgConstruct() and the raw text that it keeps.
      const message = yield* calloc(u, 1, MESSAGE_OBJECT);
      const raw = yield* malloc(u, size + 1);
      yield u.work(u.random.logNormal(9_000, 0.4));
      yield u.write(log, buffer, size + 1);
      yield* free(u, raw);
      yield* free(u, message);
    }
  },
};

/** syslog(3): a datagram to the log daemon; nobody waits for an answer. */
export function* syslog(u: UserContext, text: string): UserCall {
  const to = socketAddress(u, LOG_SOCKET);
  const fd = yield socket(u, to, SOCK_DGRAM);
  if (fd < 0) return fd;
  const sent = yield sendTo(u, fd, u.string(text), text.length, to);
  yield u.close(fd);
  return sent;
}
