import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { Pending, wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { AF_UNIX } from '../../net/ip-address.ts';
import { createSocket, setSocketState, SS_CONNECTED } from '../../net/socket-file.ts';
import { SHUTDOWN_RCV, SHUTDOWN_SEND, SOCK_STREAM, TCP_CLOSE } from '../../net/sock.ts';
import type { Socket, SocketAddress, SocketOperations } from '../../net/sock.ts';
import { TCP_ESTABLISHED, TCP_LISTEN } from '../../net/tcp-sock.ts';
import { UnixSock } from '../../net/unix-sock.ts';
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EINTR, EINVAL, EISCONN, EOPNOTSUPP } from '../../errno.ts';
import { EPOLL } from '../fs/poll-events.ts';
import { callRcu } from '../kernel/rcu.ts';
import { dropSkb } from './skb-free.ts';
import { SOCKET_FILES } from './socket-files.ts';
import { hasWriteSpace, sockDefReadable, sockDefWakeup } from './sock-wake.ts';
import { sleepOn, wakeInterruptible } from '../kernel/wait-queue.ts';
import {
  findUnix,
  unixDgramRecvmsg,
  unixDgramSendmsg,
  unixSock,
  unixStreamRecvmsg,
  unixStreamSendmsg,
} from './unix-transfer.ts';
import { S_IFSOCK } from '../../fs/file-mode.ts';
import { O_NONBLOCK } from '../../fs/fcntl.ts';

/* net/unix/af_unix.c: sockets, connections, and what becomes of them. */

type UserAddress = KernelObject & { readonly value: SocketAddress };
const unixBind = kernelFunction('unix_bind', 900, (m, socket: Socket, uaddr: UserAddress, _length: number): number => {
  const { value } = uaddr;
  const sk = unixSock(socket);
  if (value.family !== AF_UNIX || sk.path !== null) return -EINVAL;
  if (m.network.unixSockets.has(value.path)) return -EADDRINUSE;
  m.network.unixSockets.set(value.path, sk);
  if (value.path.startsWith('/') && m.fileSystem.find(value.path) === undefined)
    m.fileSystem.special(value.path, S_IFSOCK | 0o755, {});
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
      const other = findUnix(m, uaddr.value, SOCK_STREAM);
      if (typeof other === 'number') return other;
      if (other.state !== TCP_LISTEN || other.socket === null) return -ECONNREFUSED;
      if (other.acceptQueue.length <= other.maxAckBacklog) {
        const server = new UnixSock(m, SOCK_STREAM);
        server.path = other.path;
        pair(m, sk, server);
        setSocketState(m, socket, SS_CONNECTED);
        other.acceptQueue.push(server);
        leave(m, other);
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
    const other = findUnix(m, uaddr.value, socket.type);
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
    takeUp(m, sk);
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
    leave(m, peer);
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
  takeUp(m, sk);
  let mask = 0;
  if (sk.shutdown === (SHUTDOWN_RCV | SHUTDOWN_SEND)) mask |= EPOLL.HUP;
  if ((sk.shutdown & SHUTDOWN_RCV) !== 0) mask |= EPOLL.RDHUP | EPOLL.IN | EPOLL.RDNORM;
  if (sk.receiveQueue.length > 0 || sk.acceptQueue.length > 0) mask |= EPOLL.IN | EPOLL.RDNORM;
  if (hasWriteSpace(sk)) mask |= EPOLL.OUT | EPOLL.WRNORM;
  return mask;
});

const addressAt = (m: Machine, value: SocketAddress): UserAddress => ({ address: m.stackObjects.sockaddr, value });
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
