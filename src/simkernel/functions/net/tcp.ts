import { GFP_KERNEL } from '../mm/gfp.ts';
import { tcpStreamAllocSkb } from './skb-alloc.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending, wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TICK_NS } from '../../memory/kernel-data.ts';
import { RESET } from '../../net/drop-reasons.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { KEPT_BYTES, TCP_ACK, TCP_FIN } from '../../net/packet.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, SHUTDOWN_RCV, SHUTDOWN_SEND, TCP_CLOSE } from '../../net/sock.ts';
import type { Message, Socket, SocketAddress } from '../../net/sock.ts';
import { appendData, createSegment } from '../../net/segment.ts';
import {
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from '../../net/tcp-sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EFAULT, EINTR, EINVAL, ENETUNREACH, ENOTCONN, EPIPE } from '../../errno.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { tcpRcvSpaceAdjust } from '../../tracepoints/tcp.ts';
import { copyFromUser } from './message.ts';
import { EPOLL } from '../fs/poll-events.ts';
import { setTaskState } from '../kernel/sched.ts';
import { doSendSigInfo } from '../kernel/signal.ts';
import { skbCopyDatagramIter } from './skb-copy.ts';
import { kfreeSkbQuietly } from './skb-free.ts';
import { MAX_SCHEDULE_TIMEOUT, scheduleTimeout } from '../kernel/sleep.ts';
import { hasMemory, hasWriteSpace } from './sock-wake.ts';
import { dropRequestsOf } from './tcp-listen.ts';
import { tcpConnect, tcpPush, tcpSendAck, tcpSendActiveReset, tcpSendFin } from './tcp-output.ts';
import { lockSock, releaseSock } from './tcp-receive.ts';
import { sizeGoal } from './tcp-segment.ts';
import { changeState, inetCskDestroySock, tcpDone, tcpSetState } from './tcp-state.ts';
import {
  addWaitEntry,
  currentWaitEntry,
  finishWait,
  prepareToWaitExclusive,
  removeWaitEntry,
  wokenWaitEntry,
} from '../kernel/wait-queue.ts';
import { SIGPIPE } from '../../tasks/signals.ts';
import { O_NONBLOCK } from '../../fs/fcntl.ts';

// Connecting.

const inetHashConnect = kernelFunction('inet_hash_connect', 160, (m, _row: null, sk: TcpSock): number => {
  if (sk.num === 0) {
    const port = m.network.ephemeralPort(sk.remote, sk.dport);
    if (port === 0) return -EADDRNOTAVAIL;
    sk.setLocal(m, sk.local, port);
  } else if (m.network.connection(sk.num, sk.remote, sk.dport) !== undefined) {
    return -EADDRNOTAVAIL;
  }
  m.network.addConnection(sk);
  return 0;
});
function startConnecting(m: Machine, sk: TcpSock, to: SocketAddress): number {
  if (to.family === 1) return -EINVAL;
  const route = m.network.route(to.ip);
  if (route === undefined) return -ENETUNREACH;
  sk.setLocal(m, route.source, sk.num);
  sk.setRemote(m, to.ip, to.port);
  sk.setRoute(route.device);
  tcpSetState(m, sk, TCP_SYN_SENT);
  const refused = inetHashConnect(m, null, sk);
  if (refused !== 0) {
    tcpSetState(m, sk, TCP_CLOSE);
    return refused;
  }
  const isn = m.network.initialSequence();
  sk.sndUna = sk.sndNxt = sk.writeSeq = isn;
  return tcpConnect(m, sk);
}
type UserAddress = KernelObject & { readonly value: SocketAddress };
const tcpV4Connect = kernelFunction(
  'tcp_v4_connect',
  320,
  (m, sk: TcpSock, uaddr: UserAddress, _length: number): number => startConnecting(m, sk, uaddr.value),
);
const tcpV6Connect = kernelFunction(
  'tcp_v6_connect',
  360,
  (m, sk: TcpSock, uaddr: UserAddress, _length: number): number => startConnecting(m, sk, uaddr.value),
);
export function tcpProtocolConnect(m: Machine, sk: TcpSock, address: UserAddress, length: number): number {
  return (sk.family === AF_INET ? tcpV4Connect : tcpV6Connect)(m, sk, address, length);
}

// Listening.

export const inetCskListenStart = kernelFunction('inet_csk_listen_start', 90, (m, sk: TcpSock): number => {
  const others = m.network.listeners.get(sk.num) ?? [];
  const taken = others.some((other) => other.local === sk.local || (other.local.isAny && other.family === sk.family));
  if (taken && !sk.reusePort) return -EADDRINUSE;
  changeState(m, sk, TCP_LISTEN);
  m.network.addListener(sk);
  return 0;
});
const waitForConnect = sleepingFunction(
  'inet_csk_wait_for_connect',
  20,
  function* (m, sk: TcpSock, timeout: number) {
    const { socket } = sk;
    if (socket === null) return -EINVAL;
    const entry = currentWaitEntry(m, true);
    for (;;) {
      prepareToWaitExclusive(m, socket.queue, entry, TASK_INTERRUPTIBLE);
      releaseSock(m, sk);
      if (sk.acceptQueue.length === 0) yield* wait(scheduleTimeout(m, timeout));
      lockSock(m, sk, 0);
      finishWait(m, socket.queue, entry);
      if (sk.acceptQueue.length > 0) return 0;
      if (sk.state !== TCP_LISTEN) return -EINVAL;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
    }
  },
  { traceable: false },
);
/** Takes the first finished connection; waits for one unless asked not to. Null with the reason in `arg`. */
export const inetCskAccept = sleepingFunction(
  'inet_csk_accept',
  70,
  function* (m, sk: TcpSock, arg: KernelObject & { readonly flags: number; err: number }) {
    lockSock(m, sk, 0);
    if (sk.state !== TCP_LISTEN) arg.err = -EINVAL;
    else if (sk.acceptQueue.length === 0)
      arg.err = (arg.flags & O_NONBLOCK) !== 0 ? -EAGAIN : yield* wait(waitForConnect(m, sk, MAX_SCHEDULE_TIMEOUT));
    let child: TcpSock | null = null;
    if (arg.err === 0) {
      child = sk.acceptQueue.shift() ?? null;
      sk.storeAckBacklog();
    }
    releaseSock(m, sk);
    return child;
  },
);

// Sending.

/** The error of a send after the connection is over (sk_stream_error). */
function sendError(m: Machine, sk: TcpSock, flags: number): number {
  const error = sk.takeError();
  if (error !== 0) return error;
  if ((flags & MSG_NOSIGNAL) === 0) doSendSigInfo(m, SIGPIPE, null, m.cpu.current, 0);
  return -EPIPE;
}
const skStreamWaitMemory = sleepingFunction('sk_stream_wait_memory', 30, function* (m, sk: TcpSock, timeout: number) {
  const { socket } = sk;
  if (socket === null) return -EPIPE;
  const entry = wokenWaitEntry(m);
  addWaitEntry(socket.queue, entry);
  while (!hasMemory(sk) && sk.error === 0 && (sk.shutdown & SHUTDOWN_SEND) === 0) {
    if (m.cpu.current.pendingSignal !== 0) break;
    setTaskState(m, m.cpu.current, TASK_INTERRUPTIBLE);
    releaseSock(m, sk);
    sk.noSpace = true;
    if (!hasMemory(sk)) yield* wait(scheduleTimeout(m, timeout));
    setTaskState(m, m.cpu.current, TASK_RUNNING);
    lockSock(m, sk, 0);
  }
  removeWaitEntry(entry);
  return m.cpu.current.pendingSignal === 0 ? 0 : -EINTR;
});
const CAN_SEND: ReadonlySet<number> = new Set([TCP_ESTABLISHED, TCP_CLOSE_WAIT]);

const tcpSendmsgLocked = sleepingFunction(
  'tcp_sendmsg_locked',
  70,
  function* (m, sk: TcpSock, message: Message, size: number) {
    const goal = sizeGoal(sk);
    let copied = 0;
    while (copied < size) {
      if (!CAN_SEND.has(sk.state) || sk.error !== 0 || (sk.shutdown & SHUTDOWN_SEND) !== 0)
        return copied > 0 ? copied : sendError(m, sk, message.flags);
      if (!hasMemory(sk)) {
        tcpPush(m, sk, message.flags, sk.mss, 1, goal);
        sk.noSpace = true;
        if ((message.flags & MSG_DONTWAIT) !== 0) return copied > 0 ? copied : -EAGAIN;
        const waited = yield* wait(skStreamWaitMemory(m, sk, MAX_SCHEDULE_TIMEOUT));
        if (waited !== 0) return copied > 0 ? copied : waited;
        continue;
      }
      const last = sk.sendQueue.at(-1);
      const room = last === undefined || (last.flags & TCP_FIN) !== 0 ? 0 : goal - last.bytes;
      const bytes = Math.min(room > 0 ? room : goal, size - copied);
      const payload = copyFromUser(m, message, copied, bytes, KEPT_BYTES);
      if (payload === undefined) {
        if (copied > 0) tcpPush(m, sk, message.flags, sk.mss, 0, goal);
        return copied > 0 ? copied : -EFAULT;
      }
      m.spend(120);
      if (last !== undefined && room > 0) {
        appendData(m, last, payload, bytes);
      } else {
        const memory = tcpStreamAllocSkb(m, sk, GFP_KERNEL, 0);
        sk.sendQueue.push(createSegment(m, memory, sk, sk.writeSeq, payload, bytes, TCP_ACK));
      }
      sk.writeSeq += bytes;
      sk.addQueued(bytes);
      copied += bytes;
    }
    tcpPush(m, sk, message.flags, sk.mss, 0, goal);
    return copied;
  },
);
export const tcpSendmsg = kernelFunction(
  'tcp_sendmsg',
  14,
  (m, sk: TcpSock, message: Message, size: number): Result => {
    lockSock(m, sk, 0);
    const sent = tcpSendmsgLocked(m, sk, message, size);
    const after = (n: number): number => {
      releaseSock(m, sk);
      return n;
    };
    return sent instanceof Pending ? sent.then(after) : after(sent);
  },
);

// Receiving.

const waitWoken = kernelFunction('wait_woken', 10, (m, _entry: KernelObject, mode: number, timeout: number): Result => {
  setTaskState(m, m.cpu.current, mode);
  return scheduleTimeout(m, timeout);
});
const skWaitData = kernelFunction('sk_wait_data', 25, (m, sk: TcpSock, timeo: number, _skb: null): Result => {
  const { socket } = sk;
  if (socket === null) return 0;
  const entry = wokenWaitEntry(m);
  addWaitEntry(socket.queue, entry);
  setTaskState(m, m.cpu.current, TASK_INTERRUPTIBLE);
  releaseSock(m, sk);
  // Who has only said that no more is sent still waits for what the peer says.
  const isOver = (sk.shutdown & SHUTDOWN_RCV) !== 0 || sk.state === TCP_CLOSE;
  const ready = sk.receiveQueue.length > 0 || sk.error !== 0 || isOver;
  const waited = ready ? timeo : waitWoken(m, entry, TASK_INTERRUPTIBLE, timeo);
  const after = (left: number): number => {
    setTaskState(m, m.cpu.current, TASK_RUNNING);
    lockSock(m, sk, 0);
    removeWaitEntry(entry);
    return left;
  };
  return waited instanceof Pending ? waited.then(after) : after(waited);
});

/** What was read makes room: the peer is told when that is worth a packet. */
const tcpCleanupRbuf = kernelFunction('tcp_cleanup_rbuf', 14, (m, sk: TcpSock, copied: number): void => {
  if (sk.state === TCP_CLOSE || copied <= 0) return;
  const window = sk.freeWindow();
  const grown = window >= 2 * sk.rcvWnd && window >= sk.mss;
  if (grown || (sk.ackPending >= 2 && !sk.pingpong)) tcpSendAck(m, sk);
});
const rcvSpaceAdjust = kernelFunction('tcp_rcv_space_adjust', 12, (m, sk: TcpSock): void => {
  tcpRcvSpaceAdjust(m, sk);
});

const tcpRecvmsgLocked = sleepingFunction(
  'tcp_recvmsg_locked',
  60,
  function* (m, sk: TcpSock, message: Message, size: number, flags: number, _tss: null, _cmsg: null) {
    if (sk.state === TCP_LISTEN) return -ENOTCONN;
    let copied = 0;
    let timeout = sk.receiveTimeoutNs === 0 ? MAX_SCHEDULE_TIMEOUT : Math.ceil(sk.receiveTimeoutNs / TICK_NS);
    const iter = { address: m.scratch, message, done: 0 };
    while (copied < size) {
      const [skb] = sk.receiveQueue;
      if (skb !== undefined) {
        const n = Math.min(size - copied, skb.len - skb.taken);
        if (skbCopyDatagramIter(m, skb, skb.taken, iter, n) !== 0) return copied > 0 ? copied : -EFAULT;
        copied += n;
        if ((flags & MSG_PEEK) !== 0) break;
        skb.taken += n;
        sk.copiedSeq += n;
        sk.addReceived(-n);
        if (skb.taken < skb.len) break;
        sk.receiveQueue.shift();
        kfreeSkbQuietly(m, skb);
        continue;
      }
      if (copied > 0) break;
      if (sk.error !== 0) return sk.takeError();
      if ((sk.shutdown & SHUTDOWN_RCV) !== 0 || sk.finReceived) return 0;
      if (sk.state === TCP_CLOSE) return -ENOTCONN;
      if ((flags & MSG_DONTWAIT) !== 0 || timeout === 0) return -EAGAIN;
      if (m.cpu.current.pendingSignal !== 0) return -EINTR;
      timeout = yield* wait(skWaitData(m, sk, timeout, null));
    }
    if (copied > 0 && (flags & MSG_PEEK) === 0) {
      rcvSpaceAdjust(m, sk);
      tcpCleanupRbuf(m, sk, copied);
    }
    sk.storeAll();
    return copied;
  },
);
export const tcpRecvmsg = kernelFunction(
  'tcp_recvmsg',
  20,
  (m, sk: TcpSock, message: Message, size: number, flags: number): Result => {
    lockSock(m, sk, 0);
    const got = tcpRecvmsgLocked(m, sk, message, size, flags, null, null);
    const after = (n: number): number => {
      releaseSock(m, sk);
      return n;
    };
    return got instanceof Pending ? got.then(after) : after(got);
  },
);

// Closing.

/** tcp_close_state(): moves on by one's own FIN; says whether one has to be sent. */
function closeState(m: Machine, sk: TcpSock): boolean {
  switch (sk.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      tcpSetState(m, sk, TCP_FIN_WAIT1);
      return true;
    case TCP_CLOSE_WAIT:
      tcpSetState(m, sk, TCP_LAST_ACK);
      return true;
    case TCP_SYN_SENT:
      tcpSetState(m, sk, TCP_CLOSE);
      return false;
    default:
      return false;
  }
}
export const tcpShutdown = kernelFunction('tcp_shutdown', 30, (m, sk: TcpSock, how: number): void => {
  if ((how & SHUTDOWN_SEND) === 0) return;
  if (closeState(m, sk)) tcpSendFin(m, sk);
});

function stopListening(m: Machine, sk: TcpSock): void {
  dropRequestsOf(m, sk);
  for (const child of sk.acceptQueue.splice(0)) {
    child.isOrphan = true;
    tcpSendActiveReset(m, child, RESET.TCP_ABORT_ON_CLOSE);
    tcpDone(m, child);
  }
  sk.storeAckBacklog();
}
const innerTcpClose = kernelFunction('__tcp_close', 70, (m, sk: TcpSock, _timeout: number): void => {
  sk.addShutdown(m, SHUTDOWN_RCV | SHUTDOWN_SEND);
  if (sk.state === TCP_LISTEN) {
    tcpSetState(m, sk, TCP_CLOSE);
    stopListening(m, sk);
    sk.isOrphan = true;
    inetCskDestroySock(m, sk);
    return;
  }
  let unread = 0;
  for (const skb of sk.receiveQueue.splice(0)) {
    unread += skb.len - skb.taken;
    kfreeSkbQuietly(m, skb);
  }
  sk.addReceived(-sk.rmemAlloc);
  if (unread > 0 && sk.state !== TCP_CLOSE) {
    // The peer must not believe that this was read.
    tcpSetState(m, sk, TCP_CLOSE);
    tcpSendActiveReset(m, sk, RESET.TCP_ABORT_ON_CLOSE);
  } else if (closeState(m, sk)) {
    tcpSendFin(m, sk);
  }
  sk.isOrphan = true;
  sk.setSocket(m, null);
});
export const tcpClose = kernelFunction('tcp_close', 14, (m, sk: TcpSock, timeout: number): void => {
  lockSock(m, sk, 0);
  innerTcpClose(m, sk, timeout);
  releaseSock(m, sk);
  if (sk.state === TCP_CLOSE) inetCskDestroySock(m, sk);
});

export const tcpPoll = kernelFunction(
  'tcp_poll',
  25,
  (m, file: File, socket: Socket, table: PollTable | null): number => {
    table?.wait(m, file, socket.queue);
    const sk = socket.sk as TcpSock;
    if (sk.state === TCP_LISTEN) return sk.acceptQueue.length > 0 ? EPOLL.IN | EPOLL.RDNORM : 0;
    let mask = 0;
    if (sk.shutdown === (SHUTDOWN_RCV | SHUTDOWN_SEND) || sk.state === TCP_CLOSE) mask |= EPOLL.HUP;
    if ((sk.shutdown & SHUTDOWN_RCV) !== 0) mask |= EPOLL.IN | EPOLL.RDNORM | EPOLL.RDHUP;
    if (sk.state !== TCP_SYN_SENT && sk.state !== TCP_SYN_RECV) {
      if (sk.receiveQueue.length > 0) mask |= EPOLL.IN | EPOLL.RDNORM;
      if ((sk.shutdown & SHUTDOWN_SEND) !== 0 || hasWriteSpace(sk)) mask |= EPOLL.OUT | EPOLL.WRNORM;
      else sk.noSpace = true;
    }
    if (sk.error !== 0) mask |= EPOLL.ERR;
    return mask;
  },
);
