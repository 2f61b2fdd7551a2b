import { accept, listenOn, receive, send, socketAddress } from '../sockets.ts';
import type { UserCall } from '../sockets.ts';
import type { Image } from '../image.ts';
import type { UserContext } from '../user.ts';
import { SIGCHLD } from '../../tasks/signals.ts';
import { O_RDWR } from '../../fs/fcntl.ts';

const PORT = 22;
const BUFFER = 4096;
const SSHD_UID = 122;
const USER = 1000;
const UNCHANGED = 0xffffffff;
/** Messages of a login: version, key exchange, authentication. */
const LOGIN_MESSAGES = 6;

/** Waits for connections; each gets a process that gives up root before it listens to the other side. */
export const SSHD: Image = {
  path: '/usr/sbin/sshd',
  symbols: ['main', 'server_accept_loop', 'privsep_preauth', 'do_authentication2', 'do_authenticated', 'server_loop2'],
  *main(u) {
    u.in('main', 'server_accept_loop');
    yield u.onSignal(SIGCHLD, function* (v) {
      // Reaps whoever has finished.
      yield v.call('wait4', -1, 0, 1, 0);
      return 0;
    });
    const listener = yield* listenOn(u, socketAddress(u, '0.0.0.0', PORT), 128);
    const pollfd = u.buffer(8);
    u.view(pollfd, 8).setInt32(0, listener, true);
    u.view(pollfd, 8).setInt16(4, 1, true);
    for (;;) {
      if ((yield u.call('poll', pollfd, 1, -1)) <= 0) continue;
      const connection = yield accept(u, listener);
      if (connection < 0) continue;
      yield u.fork((child) => session(child, listener, connection));
      yield u.close(connection);
    }
  },
};

/** The unprivileged child talks to the network; root's powers are gone for good, which it checks. */
function* dropPrivileges(u: UserContext, uid: number): UserCall {
  yield u.call('setgroups', 0, 0);
  yield u.call('setresgid', uid, uid, uid);
  yield u.call('setresuid', uid, uid, uid);
  yield u.call('setuid', 0);
  return yield u.call('setresuid', UNCHANGED, 0, UNCHANGED);
}
function* session(u: UserContext, listener: number, connection: number): UserCall {
  const buffer = u.buffer(BUFFER);
  yield u.close(listener);
  u.in('main', 'privsep_preauth');
  const preauth = yield u.fork(function* (v) {
    yield* dropPrivileges(v, SSHD_UID);
    v.in('main', 'privsep_preauth', 'do_authentication2');
    const memory = v.buffer(BUFFER);
    yield send(v, connection, memory, 41);
    for (let message = 0; message < LOGIN_MESSAGES; message += 1) {
      const size = yield receive(v, connection, memory, BUFFER);
      if (size <= 0) return 255;
      yield v.work(v.random.logNormal(message === 2 ? 1_800_000 : 60_000, 0.3));
      yield send(v, connection, memory, v.random.between(60, 1_100));
    }
    return 0;
  });
  yield u.wait4(preauth);
  u.in('main', 'do_authenticated');
  yield u.call('setfsuid', USER);
  yield u.call('setfsuid', 0);
  yield u.fork(function* (v) {
    yield* dropPrivileges(v, USER);
    v.in('main', 'do_authenticated', 'server_loop2');
    const memory = v.buffer(BUFFER);
    // A shell at the far end of a pseudo terminal: every keystroke comes back, and now and then more.
    for (;;) {
      const size = yield receive(v, connection, memory, BUFFER);
      if (size <= 0) return 0;
      yield v.work(v.random.logNormal(25_000, 0.4));
      yield send(v, connection, memory, v.random.chance(0.12) ? v.random.between(400, 3_000) : 36);
    }
  });
  yield u.close(connection);
  yield u.wait4(-1);
  yield u.write(1, buffer, 1);
  return 0;
}

/** What the person at the other end types now and then: commands, and functions of the shell. */
const TYPED = [
  'ls -l',
  'ls -l | wc -l',
  'grep sshd /var/log/syslog | sort | wc -l',
  'date',
  'newest',
  'failures',
  'kill 4021',
  'kill -2 4021',
];
/** From one line to the next: reading what came, thinking, typing. */
const THINK_NS = 900_000_000;

/** A session that somebody is in: a pseudo terminal with a shell at it, and lines that come over the connection. */
export const SSH_SESSION: Image = {
  path: '/usr/libexec/openssh/sshd-session',
  symbols: ['main', 'do_authenticated', 'do_exec_pty', 'server_loop2', 'channel_after_poll'],
  *main(u) {
    u.in('main', 'do_authenticated', 'do_exec_pty');
    const master = yield u.openat('/dev/ptmx', O_RDWR);
    yield u.fork(function* (v) {
      yield v.close(master);
      yield v.execve('/usr/bin/bash', ['-bash']);
      return 127;
    });
    for (;;) {
      u.in('main', 'do_authenticated', 'server_loop2');
      yield u.nanosleep(u.random.logNormal(THINK_NS, 0.6));
      u.in('main', 'do_authenticated', 'server_loop2', 'channel_after_poll');
      const line = `${u.random.pick(TYPED)}\n`;
      yield u.write(master, u.string(line), line.length);
    }
  },
};
