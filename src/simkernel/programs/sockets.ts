import { AF_INET, AF_INET6, AF_UNIX, ipAddress } from '../net/ip-address.ts';
import { socketAddressBytes } from '../net/socket-address.ts';
import { EPOLL, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLL_EVENT_SIZE } from '../functions/fs/poll-events.ts';
import type { UserStep } from './image.ts';
import type { UserContext } from './user.ts';
import { SOCK_STREAM } from '../net/sock.ts';
import { SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT } from '../net/socket-options.ts';
import { O_NONBLOCK } from '../fs/fcntl.ts';

export const SOCK_NONBLOCK = O_NONBLOCK;

/** Steps of a program that give a number. */
export type UserCall = Generator<UserStep, number, number>;

/** A sockaddr in the program's memory. */
export interface UserSocketAddress {
  readonly at: number;
  readonly length: number;
  readonly family: number;
}

/** `10.0.2.3`, `fd00::1` with a port, or a path. */
export function socketAddress(u: UserContext, host: string, port = 0): UserSocketAddress {
  const isPath = host.startsWith('/') || host.startsWith('@');
  const family = isPath ? AF_UNIX : host.includes(':') ? AF_INET6 : AF_INET;
  const bytes = socketAddressBytes(
    isPath ? { family: AF_UNIX, path: host } : { family: ipAddress(host).family, ip: ipAddress(host), port },
  );
  const at = u.sharedBuffer(`sockaddr ${host} ${port}`, bytes.length);
  u.bytes(at, bytes.length).set(bytes);
  return { at, length: bytes.length, family };
}

/** Puts text into the program's memory; returns its length. */
export function writeText(u: UserContext, at: number, text: string): number {
  const bytes = u.bytes(at, text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return text.length;
}
/** Room for a peer's address and its length, as programs pass them to accept(). */
const ADDRESS_BYTES = 128;
export function accept(u: UserContext, listener: number, flags = 0): UserStep {
  const { at, length } = addressRoom(u);
  return u.call('accept4', listener, at, length, flags);
}
export function addressRoom(u: UserContext): { readonly at: number; readonly length: number } {
  const at = u.sharedBuffer('peer address', ADDRESS_BYTES + 8);
  u.view(at + ADDRESS_BYTES, 4).setInt32(0, ADDRESS_BYTES, true);
  return { at, length: at + ADDRESS_BYTES };
}
export function socket(u: UserContext, to: UserSocketAddress, type = SOCK_STREAM): UserStep {
  return u.call('socket', to.family, type, 0);
}
export function connect(u: UserContext, fd: number, to: UserSocketAddress): UserStep {
  return u.call('connect', fd, to.at, to.length);
}
export function bind(u: UserContext, fd: number, to: UserSocketAddress): UserStep {
  return u.call('bind', fd, to.at, to.length);
}
function listen(u: UserContext, fd: number, backlog: number): UserStep {
  return u.call('listen', fd, backlog);
}
export function send(u: UserContext, fd: number, buffer: number, size: number, flags = 0): UserStep {
  return u.call('sendto', fd, buffer, size, flags, 0, 0);
}
export function receive(u: UserContext, fd: number, buffer: number, size: number, flags = 0): UserStep {
  return u.call('recvfrom', fd, buffer, size, flags, 0, 0);
}
export function sendTo(u: UserContext, fd: number, buffer: number, size: number, to: UserSocketAddress): UserStep {
  return u.call('sendto', fd, buffer, size, 0, to.at, to.length);
}
/** A listening socket on an address: socket, bind, listen. A shared port may have several. */
export function* listenOn(u: UserContext, to: UserSocketAddress, backlog: number, flags = 0, shared = false): UserCall {
  const fd = yield socket(u, to, SOCK_STREAM | flags);
  const one = u.buffer(16);
  u.bytes(one, 4)[0] = 1;
  if (to.family !== AF_UNIX) yield u.call('setsockopt', fd, SOL_SOCKET, SO_REUSEADDR, one, 4);
  if (shared) yield u.call('setsockopt', fd, SOL_SOCKET, SO_REUSEPORT, one, 4);
  const bound = yield bind(u, fd, to);
  if (bound < 0) return bound;
  const listening = yield listen(u, fd, backlog);
  return listening < 0 ? listening : fd;
}
/** A connection to an address, or the error. */
export function* connectTo(u: UserContext, to: UserSocketAddress): UserCall {
  const fd = yield socket(u, to);
  const status = yield connect(u, fd, to);
  if (status >= 0) return fd;
  yield u.call('close', fd);
  return status;
}

/** An epoll instance of a program, with room for the events of one call. */
export class Epoll {
  fd = -1;
  private readonly u: UserContext;
  private readonly event: number;
  private readonly events: number;
  private readonly most: number;

  constructor(u: UserContext, most = 64) {
    this.u = u;
    this.most = most;
    this.event = u.buffer(16);
    this.events = u.buffer(EPOLL_EVENT_SIZE * most);
  }
  *open(): UserCall {
    this.fd = yield this.u.call('epoll_create1', 0);
    return this.fd;
  }
  private control(op: number, fd: number, events: number): UserStep {
    const view = this.u.view(this.event, EPOLL_EVENT_SIZE);
    view.setInt32(0, events, true);
    view.setInt32(4, fd, true);
    view.setInt32(8, 0, true);
    return this.u.call('epoll_ctl', this.fd, op, fd, this.event);
  }
  add(fd: number, events: number = EPOLL.IN | EPOLL.RDHUP): UserStep {
    return this.control(EPOLL_CTL_ADD, fd, events);
  }
  change(fd: number, events: number): UserStep {
    return this.control(EPOLL_CTL_MOD, fd, events);
  }
  remove(fd: number): UserStep {
    return this.control(EPOLL_CTL_DEL, fd, 0);
  }
  wait(timeoutMs = -1): UserStep {
    return this.u.call('epoll_wait', this.fd, this.events, this.most, timeoutMs);
  }
  /** What the last wait said about its n-th event. */
  at(n: number): { readonly fd: number; readonly events: number } {
    const view = this.u.view(this.events + EPOLL_EVENT_SIZE * n, EPOLL_EVENT_SIZE);
    return { events: view.getInt32(0, true), fd: view.getInt32(4, true) };
  }
}
