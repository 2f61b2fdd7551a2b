import { EAGAIN, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOENT, ENOTCONN, EPIPE, EPROTOTYPE } from '../../errno.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { wait } from '../../execution/pending.ts';
import type { Result, Sleeping } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { AF_UNIX, ANY_V4 } from '../../net/ip-address.ts';
import { KEPT_BYTES, udpPacket } from '../../net/packet.ts';
import type { SkBuff } from '../../net/skb.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, SHUTDOWN_RCV, SHUTDOWN_SEND } from '../../net/sock.ts';
import type { Message, Socket, SocketAddress } from '../../net/sock.ts';
import { TCP_ESTABLISHED } from '../../net/tcp-sock.ts';
import type { UnixSock } from '../../net/unix-sock.ts';
import { copyFromUser } from './message.ts';
import { EPOLL } from '../fs/poll-events.ts';
import { doSendSigInfo } from '../kernel/signal.ts';
import { createDataSkb } from './skb-alloc.ts';
import { skbCopyDatagramIter } from './skb-copy.ts';
import { consumeSkb } from './skb-free.ts';
import { hasWriteSpace, sockDefReadable } from './sock-wake.ts';
import { sleepOn, wakeInterruptible } from '../kernel/wait-queue.ts';
import { SIGPIPE } from '../../tasks/signals.ts';

/* net/unix/af_unix.c: what is sent and received. */

/** What one buffer of a stream holds. */
const PIECE = 32_768;
/** Datagrams that may wait (net.unix.max_dgram_qlen). */
const MAX_DATAGRAMS = 512;

export const unixSock = (socket: Socket): UnixSock => socket.sk as UnixSock;
/** The socket that an address names. */
export function findUnix(m: Machine, address: SocketAddress, type: number): UnixSock | number {
  if (address.family !== AF_UNIX) return -EINVAL;
  const found = m.network.unixSockets.get(address.path);
  // A file without a listener refuses; without a file there is nobody.
  if (found === undefined)
    return address.path.startsWith('/') && m.fileSystem.find(address.path) ? -ECONNREFUSED : -ENOENT;
  return found.type === type ? (found as UnixSock) : -EPROTOTYPE;
}

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
  leave(m, to);
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
export const unixStreamSendmsg = sleepingFunction(
  'unix_stream_sendmsg',
  60,
  function* (m, socket: Socket, message: Message, size: number) {
    const sk = unixSock(socket);
    let sent = 0;
    while (sent < size) {
      takeUp(m, sk);
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
export const unixDgramSendmsg = sleepingFunction(
  'unix_dgram_sendmsg',
  80,
  function* (m, socket: Socket, message: Message, size: number) {
    const sk = unixSock(socket);
    const to = message.name === null ? sk.peer : findUnix(m, message.name, sk.type);
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
    leave(m, from);
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
      takeUp(m, sk);
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

export const unixStreamRecvmsg = kernelFunction(
  'unix_stream_recvmsg',
  16,
  (m, socket: Socket, message: Message, size: number, flags: number): Result =>
    unixStreamReadGeneric(
      m,
      { address: m.scratch, socket, message, size, flags, iter: { address: m.scratch, message, done: 0 } },
      1,
    ),
);
export const unixDgramRecvmsg = sleepingFunction(
  'unix_dgram_recvmsg',
  50,
  function* (m, socket: Socket, message: Message, size: number, flags: number) {
    const sk = unixSock(socket);
    for (;;) {
      takeUp(m, sk);
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
