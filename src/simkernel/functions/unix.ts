import { createDataSkb } from './skb-alloc.ts';
import { kernelFunction, sleepingFunction } from '../execution/kernel-function.ts';
import { Pending, wait } from '../execution/pending.ts';
import type { Result, Sleeping } from '../execution/pending.ts';
import type { File, PollTable } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { SOCKADDR_STORAGE } from '../net/socket-address.ts';
import { DROP } from '../net/drop-reasons.ts';
import { AF_UNIX, ANY_V4 } from '../net/ip-address.ts';
import { KEPT_BYTES, udpPacket } from '../net/packet.ts';
import type { SkBuff } from '../net/skb.ts';
import { createSocket, setSocketState, SS_CONNECTED } from '../net/socket-file.ts';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  SHUTDOWN_RCV,
  SHUTDOWN_SEND,
  SOCK_STREAM,
  TCP_CLOSE,
} from '../net/sock.ts';
import type { Message, Socket, SocketAddress, SocketOperations } from '../net/sock.ts';
import { TCP_ESTABLISHED, TCP_LISTEN } from '../net/tcp-sock.ts';
import { UnixSock } from '../net/unix-sock.ts';
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EFAULT,
  EINTR,
  EINVAL,
  EISCONN,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTOTYPE,
} from '../errno.ts';
import { copyFromUser } from './message.ts';
import { EPOLL } from './poll-events.ts';
import { callRcu } from './rcu.ts';
import { doSendSigInfo } from './signal.ts';
import { skbCopyDatagramIter } from './skb-copy.ts';
import { consumeSkb, dropSkb } from './skb-free.ts';
import { SOCKET_FILES } from './socket-files.ts';
import { hasWriteSpace, sockDefReadable, sockDefWakeup } from './sock-wake.ts';
import { sleepOn, wakeInterruptible } from './wait-queue.ts';

const SIGPIPE = 13;
const S_IFSOCK = 0o140755;
const O_NONBLOCK = 0o4000;
/** What one buffer of a stream holds. */
const PIECE = 32_768;
/** Datagrams that may wait (net.unix.max_dgram_qlen). */
const MAX_DATAGRAMS = 512;

const unixSock = (socket: Socket): UnixSock => socket.sk as UnixSock;

type UserAddress = KernelObject & { readonly value: SocketAddress };
function find(m: Machine, address: SocketAddress, type: number): UnixSock | number {
  if (address.family !== AF_UNIX) return -EINVAL;
  const found = m.network.unixSockets.get(address.path);
  // A file without a listener refuses; without a file there is nobody.
  if (found === undefined)
    return address.path.startsWith('/') && m.fileSystem.find(address.path) ? -ECONNREFUSED : -ENOENT;
  return found.type === type ? (found as UnixSock) : -EPROTOTYPE;
}

const unixBind = kernelFunction('unix_bind', 900, (m, socket: Socket, uaddr: UserAddress, _length: number): number => {
  const { value } = uaddr;
  const sk = unixSock(socket);
  if (value.family !== AF_UNIX || sk.path !== null) return -EINVAL;
  if (m.network.unixSockets.has(value.path)) return -EADDRINUSE;
  m.network.unixSockets.set(value.path, sk);
  if (value.path.startsWith('/') && m.fileSystem.find(value.path) === undefined)
    m.fileSystem.special(value.path, S_IFSOCK, {});
  sk.path = value.path;
  return 0;
});
const unixListen = kernelFunction('unix_listen', 40, (m, socket: Socket, backlog: number): number => {
  const sk = unixSock(socket);
  if (sk.type !== SOCK_STREAM) return -EOPNOTSUPP;
  if (sk.path === null) return -EINVAL;
  sk.setBacklog(backlog);
  sk.setState(m, TCP_LISTEN);
  return 0;
});

function pair(m: Machine, a: UnixSock, b: UnixSock): void {
  a.peer = b;
  b.peer = a;
  for (const sk of [a, b]) if (sk.type === SOCK_STREAM) sk.setState(m, TCP_ESTABLISHED);
}

const unixStreamConnect = sleepingFunction(
  'unix_stream_connect',
  260,
  function* (m, socket: Socket, uaddr: UserAddress, _length: number, flags: number) {
    const sk = unixSock(socket);
    if (sk.peer !== null) return -EISCONN;
    for (;;) {
      const other = find(m, uaddr.value, SOCK_STREAM);
      if (typeof other === 'number') return other;
      if (other.state !== TCP_LISTEN || other.socket === null) return -ECONNREFUSED;
      if (other.acceptQueue.length <= other.maxAckBacklog) {
        const server = new UnixSock(m, SOCK_STREAM);
        server.path = other.path;
        pair(m, sk, server);
        setSocketState(m, socket, SS_CONNECTED);
        other.acceptQueue.push(server);
        other.storeAckBacklog();
        sockDefReadable(m, other);
        return 0;
      }
      if ((flags & O_NONBLOCK) !== 0) return -EAGAIN;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      yield* wait(sleepOn(m, other.socket.queue, () => other.acceptQueue.length <= other.maxAckBacklog, true));
    }
  },
);
const unixDgramConnect = kernelFunction(
  'unix_dgram_connect',
  160,
  (m, socket: Socket, uaddr: UserAddress, _length: number, _flags: number): number => {
    const other = find(m, uaddr.value, socket.type);
    if (typeof other === 'number') return other;
    unixSock(socket).peer = other;
    setSocketState(m, socket, SS_CONNECTED);
    return 0;
  },
);
const unixSocketpair = kernelFunction('unix_socketpair', 45, (m, a: Socket, b: Socket): number => {
  pair(m, unixSock(a), unixSock(b));
  setSocketState(m, a, SS_CONNECTED);
  setSocketState(m, b, SS_CONNECTED);
  return 0;
});
export function connectPair(m: Machine, a: Socket, b: Socket): number {
  return unixSocketpair(m, a, b);
}

const unixAccept = sleepingFunction(
  'unix_accept',
  60,
  function* (m, socket: Socket, _newSocket: null, arg: KernelObject & { flags: number; child: UnixSock | null }) {
    const sk = unixSock(socket);
    if (sk.state !== TCP_LISTEN) return -EINVAL;
    while (sk.acceptQueue.length === 0) {
      if ((arg.flags & O_NONBLOCK) !== 0) return -EAGAIN;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      yield* wait(sleepOn(m, socket.queue, () => sk.acceptQueue.length > 0, true));
    }
    arg.child = sk.acceptQueue.shift() ?? null;
    sk.storeAckBacklog();
    wakeInterruptible(m, socket.queue, EPOLL.OUT);
    return 0;
  },
);

function brokenPipe(m: Machine, message: Message): number {
  if ((message.flags & MSG_NOSIGNAL) === 0) doSendSigInfo(m, SIGPIPE, null, m.cpu.current, 0);
  return -EPIPE;
}
function queue(m: Machine, from: UnixSock, to: UnixSock, message: Message, offset: number, count: number): boolean {
  const payload = copyFromUser(m, message, offset, count, KEPT_BYTES);
  if (payload === undefined) return false;
  const skb = createDataSkb(m, from, udpPacket(ANY_V4, 0, ANY_V4, 0, payload, count));
  from.addQueued(count);
  to.addReceived(count);
  to.receiveQueue.push(skb);
  return true;
}
const sockAllocSendPskb = kernelFunction(
  'sock_alloc_send_pskb',
  90,
  (m, sk: UnixSock, _header: number, _data: number, noblock: number, _err: null, _order: number): Result => {
    const { socket } = sk;
    if (socket === null || hasWriteSpace(sk)) return 0;
    if (noblock !== 0) return -EAGAIN;
    return sleepOn(m, socket.queue, () => hasWriteSpace(sk) || (sk.shutdown & SHUTDOWN_SEND) !== 0);
  },
);
/** Waits until there is room for another buffer. */
function* room(m: Machine, sk: UnixSock, count: number, flags: number): Sleeping {
  const noblock = flags & MSG_DONTWAIT;
  for (;;) {
    const status = yield* wait(sockAllocSendPskb(m, sk, 0, count, noblock, null, 0));
    if (status < 0 || hasWriteSpace(sk) || (sk.shutdown & SHUTDOWN_SEND) !== 0) return status;
    if (m.cpu.current.pendingSignal !== 0) return -EINTR;
  }
}
const unixStreamSendmsg = sleepingFunction(
  'unix_stream_sendmsg',
  60,
  function* (m, socket: Socket, message: Message, size: number) {
    const sk = unixSock(socket);
    let sent = 0;
    while (sent < size) {
      const { peer } = sk;
      if (sk.state !== TCP_ESTABLISHED) return sent > 0 ? sent : -ENOTCONN;
      if (peer === null || (sk.shutdown & SHUTDOWN_SEND) !== 0 || (peer.shutdown & SHUTDOWN_RCV) !== 0)
        return sent > 0 ? sent : brokenPipe(m, message);
      const count = Math.min(PIECE, size - sent);
      const status = yield* room(m, sk, count, message.flags);
      if (status < 0) return sent > 0 ? sent : status;
      if (!queue(m, sk, peer, message, sent, count)) return sent > 0 ? sent : -EFAULT;
      sent += count;
      sockDefReadable(m, peer);
    }
    return sent;
  },
);
const unixDgramSendmsg = sleepingFunction(
  'unix_dgram_sendmsg',
  80,
  function* (m, socket: Socket, message: Message, size: number) {
    const sk = unixSock(socket);
    const to = message.name === null ? sk.peer : find(m, message.name, sk.type);
    if (typeof to === 'number') return to;
    if (to === null) return -ENOTCONN;
    const status = yield* room(m, sk, size, message.flags);
    if (status < 0) return status;
    if (to.socket === null) return -ECONNREFUSED;
    if (to.receiveQueue.length >= MAX_DATAGRAMS) return -EAGAIN;
    if (!queue(m, sk, to, message, 0, size)) return -EFAULT;
    sockDefReadable(m, to);
    return size;
  },
);

/** The reader has taken a buffer: its sender may send more. */
function done(m: Machine, sk: UnixSock, skb: SkBuff): void {
  sk.addReceived(-skb.packet.bytes);
  const from = skb.owner as UnixSock | null;
  if (from !== null && from.socket !== null) {
    from.addQueued(-skb.packet.bytes);
    if (hasWriteSpace(from)) wakeInterruptible(m, from.socket.queue, EPOLL.OUT | EPOLL.WRNORM);
  }
  consumeSkb(m, skb);
}
interface ReadState extends KernelObject {
  readonly socket: Socket;
  readonly message: Message;
  readonly size: number;
  readonly flags: number;
  readonly iter: { readonly address: number; readonly message: Message; done: number };
}
const unixStreamReadActor = kernelFunction(
  'unix_stream_read_actor',
  8,
  (m, skb: SkBuff, skip: number, chunk: number, state: ReadState): number =>
    skbCopyDatagramIter(m, skb, skip, state.iter, chunk) === 0 ? chunk : -EFAULT,
);
const unixStreamReadGeneric = sleepingFunction(
  'unix_stream_read_generic',
  60,
  function* (m, state: ReadState, _freezable: number) {
    const { socket, size, flags } = state;
    const sk = unixSock(socket);
    let copied = 0;
    while (copied < size) {
      const [skb] = sk.receiveQueue;
      if (skb !== undefined) {
        const chunk = unixStreamReadActor(m, skb, skb.taken, Math.min(size - copied, skb.len - skb.taken), state);
        if (chunk < 0) return copied > 0 ? copied : chunk;
        copied += chunk;
        if ((flags & MSG_PEEK) !== 0) break;
        skb.taken += chunk;
        if (skb.taken < skb.len) break;
        sk.receiveQueue.shift();
        done(m, sk, skb);
        continue;
      }
      if (copied > 0) break;
      if (sk.error !== 0) return sk.takeError();
      if ((sk.shutdown & SHUTDOWN_RCV) !== 0) return 0;
      if ((flags & MSG_DONTWAIT) !== 0) return -EAGAIN;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      yield* wait(sleepOn(m, socket.queue, () => hasSomething(sk)));
    }
    return copied;
  },
);
const hasSomething = (sk: UnixSock): boolean =>
  sk.receiveQueue.length > 0 || sk.error !== 0 || (sk.shutdown & SHUTDOWN_RCV) !== 0;

const unixStreamRecvmsg = kernelFunction(
  'unix_stream_recvmsg',
  16,
  (m, socket: Socket, message: Message, size: number, flags: number): Result =>
    unixStreamReadGeneric(
      m,
      { address: m.scratch, socket, message, size, flags, iter: { address: m.scratch, message, done: 0 } },
      1,
    ),
);
const unixDgramRecvmsg = sleepingFunction(
  'unix_dgram_recvmsg',
  50,
  function* (m, socket: Socket, message: Message, size: number, flags: number) {
    const sk = unixSock(socket);
    for (;;) {
      const [skb] = sk.receiveQueue;
      if (skb !== undefined) {
        const n = Math.min(size, skb.len);
        if (skbCopyDatagramIter(m, skb, 0, { address: m.scratch, message, done: 0 }, n) !== 0) return -EFAULT;
        if ((flags & MSG_PEEK) !== 0) return n;
        sk.receiveQueue.shift();
        done(m, sk, skb);
        return n;
      }
      if ((sk.shutdown & SHUTDOWN_RCV) !== 0) return 0;
      if ((flags & MSG_DONTWAIT) !== 0) return -EAGAIN;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      yield* wait(sleepOn(m, socket.queue, () => hasSomething(sk), true));
    }
  },
);

const unixReleaseSock = kernelFunction('unix_release_sock', 90, (m, sk: UnixSock, _embrion: number): void => {
  const { peer } = sk;
  sk.setState(m, TCP_CLOSE);
  sk.addShutdown(m, SHUTDOWN_RCV | SHUTDOWN_SEND);
  sk.setSocket(m, null);
  if (sk.path !== null && m.network.unixSockets.get(sk.path) === sk) m.network.unixSockets.delete(sk.path);
  for (const child of sk.acceptQueue.splice(0)) unixReleaseSock(m, child, 1);
  for (const skb of sk.receiveQueue.splice(0)) dropSkb(m, sk, skb, DROP.NOT_SPECIFIED);
  if (peer !== null && peer.peer === sk && sk.type === SOCK_STREAM) {
    peer.peer = null;
    peer.addShutdown(m, SHUTDOWN_RCV | SHUTDOWN_SEND);
    sockDefWakeup(m, peer);
    if (peer.socket !== null) wakeInterruptible(m, peer.socket.queue, EPOLL.IN | EPOLL.HUP | EPOLL.RDHUP);
  } else if (peer !== null && peer.peer === sk) {
    peer.peer = null;
  }
  callRcu(m, () => callRcu(m, () => sk.free(m)));
});
const unixRelease = kernelFunction('unix_release', 12, (m, socket: Socket): Result => {
  unixReleaseSock(m, unixSock(socket), 0);
  return 0;
});
const unixShutdown = kernelFunction('unix_shutdown', 40, (m, socket: Socket, how: number): number => {
  const sk = unixSock(socket);
  sk.addShutdown(m, how);
  const other = ((how & SHUTDOWN_RCV) !== 0 ? SHUTDOWN_SEND : 0) | ((how & SHUTDOWN_SEND) !== 0 ? SHUTDOWN_RCV : 0);
  if (sk.peer !== null && sk.type === SOCK_STREAM) {
    sk.peer.addShutdown(m, other);
    sockDefWakeup(m, sk.peer);
  }
  return 0;
});
const unixPoll = kernelFunction('unix_poll', 20, (m, file: File, socket: Socket, table: PollTable | null): number => {
  table?.wait(m, file, socket.queue);
  const sk = unixSock(socket);
  let mask = 0;
  if (sk.shutdown === (SHUTDOWN_RCV | SHUTDOWN_SEND)) mask |= EPOLL.HUP;
  if ((sk.shutdown & SHUTDOWN_RCV) !== 0) mask |= EPOLL.RDHUP | EPOLL.IN | EPOLL.RDNORM;
  if (sk.receiveQueue.length > 0 || sk.acceptQueue.length > 0) mask |= EPOLL.IN | EPOLL.RDNORM;
  if (hasWriteSpace(sk)) mask |= EPOLL.OUT | EPOLL.WRNORM;
  return mask;
});

const addressAt = (m: Machine, value: SocketAddress): UserAddress => ({ address: m.scratch + SOCKADDR_STORAGE, value });
const LENGTH = 110;

/** unix_stream_ops and unix_dgram_ops. */
export const UNIX_OPERATIONS: SocketOperations = {
  release: (m, socket) => unixRelease(m, socket),
  bind: (m, socket, address) => unixBind(m, socket, addressAt(m, address), LENGTH),
  connect: (m, socket, address, flags) =>
    socket.type === SOCK_STREAM
      ? unixStreamConnect(m, socket, addressAt(m, address), LENGTH, flags)
      : unixDgramConnect(m, socket, addressAt(m, address), LENGTH, flags),
  listen: (m, socket, backlog) => unixListen(m, socket, backlog),
  accept(m, socket, flags) {
    const arg = { address: m.scratch, flags, child: null as UnixSock | null };
    const finish = (status: number): Socket | number => {
      if (status < 0 || arg.child === null) return status;
      const accepted = createSocket(m, arg.child, UNIX_OPERATIONS, SOCKET_FILES);
      setSocketState(m, accepted, SS_CONNECTED);
      return accepted;
    };
    const status = unixAccept(m, socket, null, arg);
    return status instanceof Pending ? status.then(finish) : finish(status);
  },
  sendmsg: (m, socket, message, size) =>
    socket.type === SOCK_STREAM
      ? unixStreamSendmsg(m, socket, message, size)
      : unixDgramSendmsg(m, socket, message, size),
  recvmsg: (m, socket, message, size, flags) =>
    socket.type === SOCK_STREAM
      ? unixStreamRecvmsg(m, socket, message, size, flags)
      : unixDgramRecvmsg(m, socket, message, size, flags),
  shutdown: (m, socket, how) => unixShutdown(m, socket, how),
  poll: (m, file, socket, table) => unixPoll(m, file, socket, table),
  getname: (socket, peer) => {
    const path = peer ? (unixSock(socket).peer?.path ?? null) : unixSock(socket).path;
    return path === null ? null : { family: AF_UNIX, path };
  },
};
