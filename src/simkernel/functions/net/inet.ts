import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { AF_INET, AF_INET6 } from '../../net/ip-address.ts';
import { IPPROTO_UDP } from '../../net/packet.ts';
import { createSocket, setSocketState, SS_CONNECTED } from '../../net/socket-file.ts';
import { SOCK_STREAM, TCP_CLOSE } from '../../net/sock.ts';
import type { Message, Sock, Socket, SocketAddress, SocketOperations } from '../../net/sock.ts';
import { TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT, TcpSock } from '../../net/tcp-sock.ts';
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EALREADY,
  ECONNRESET,
  EINPROGRESS,
  EINTR,
  EINVAL,
  EISCONN,
  ENOTCONN,
} from '../../errno.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { CAP, nsCapable } from '../kernel/capability.ts';
import { bindDatagram } from './datagram.ts';
import { setTaskState } from '../kernel/sched.ts';
import { MAX_SCHEDULE_TIMEOUT, scheduleTimeout } from '../kernel/sleep.ts';
import { pingClose, pingRecvmsg, pingSendmsg } from './ping.ts';
import { SOCKET_FILES } from './socket-files.ts';
import { sockDefWakeup } from './sock-wake.ts';
import {
  inetCskAccept,
  inetCskListenStart,
  tcpClose,
  tcpPoll,
  tcpProtocolConnect,
  tcpRecvmsg,
  tcpSendmsg,
  tcpShutdown,
} from './tcp.ts';
import { lockSock, releaseSock } from './tcp-receive.ts';
import { tcpDone } from './tcp-state.ts';
import { closeDatagram, connectDatagram, datagramPoll, udpRecvmsg, udpSendmsg } from './udp.ts';
import { addWaitEntry, removeWaitEntry, wokenWaitEntry } from '../kernel/wait-queue.ts';
import { O_NONBLOCK } from '../../fs/fcntl.ts';

const FIRST_UNPRIVILEGED_PORT = 1024;

type UserAddress = KernelObject & { readonly value: SocketAddress };

// Addresses.

function bind(m: Machine, sk: Sock, address: SocketAddress): number {
  if (address.family === 1 || address.family !== sk.family) return -EAFNOSUPPORT;
  if (!address.ip.isAny && !m.network.isLocal(address.ip)) return -EADDRNOTAVAIL;
  if (address.port > 0 && address.port < FIRST_UNPRIVILEGED_PORT && nsCapable(m, null, CAP.NET_BIND_SERVICE) === 0)
    return -EACCES;
  if (sk.num !== 0) return -EINVAL;
  if (!(sk instanceof TcpSock)) return bindDatagram(m, sk, address.ip, address.port);
  const listeners = m.network.listeners.get(address.port) ?? [];
  if (listeners.some((other) => other.local === address.ip && !(other as TcpSock).reusePort)) return -EADDRINUSE;
  sk.setLocal(m, address.ip, address.port === 0 ? m.network.ephemeralPort(address.ip, 0) : address.port);
  return 0;
}
const innerInetBind = kernelFunction(
  '__inet_bind',
  120,
  (m, sk: Sock, uaddr: UserAddress, _length: number, _flags: number): number => bind(m, sk, uaddr.value),
);
const inetBind = kernelFunction('inet_bind', 18, (m, socket: Socket, uaddr: UserAddress, length: number): number =>
  innerInetBind(m, socket.sk, uaddr, length, 0),
);
const inet6Bind = kernelFunction('inet6_bind', 18, (m, socket: Socket, uaddr: UserAddress, length: number): number =>
  innerInetBind(m, socket.sk, uaddr, length, 0),
);

// Streams.

const isConnecting = (sk: TcpSock): boolean => sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV;
const waitForConnect = sleepingFunction(
  'inet_wait_for_connect',
  20,
  function* (m, sk: TcpSock, timeout: number) {
    const { socket } = sk;
    if (socket === null) return 0;
    const entry = wokenWaitEntry(m);
    addWaitEntry(socket.queue, entry);
    let left = timeout;
    while (isConnecting(sk) && left > 0) {
      const task = m.cpu.current;
      setTaskState(m, task, TASK_INTERRUPTIBLE);
      releaseSock(m, sk);
      if (isConnecting(sk)) left = yield* wait(scheduleTimeout(m, left));
      setTaskState(m, task, TASK_RUNNING);
      lockSock(m, sk, 0);
      if (m.cpu.current.pendingSignal !== 0) break;
    }
    removeWaitEntry(entry);
    return left;
  },
  { traceable: false },
);

const innerStreamConnect = sleepingFunction(
  '__inet_stream_connect',
  40,
  function* (m, socket: Socket, uaddr: UserAddress, length: number, flags: number, _isSendmsg: number) {
    const sk = socket.sk as TcpSock;
    if (sk.state === TCP_SYN_SENT && (flags & O_NONBLOCK) !== 0) return -EALREADY;
    if (sk.state !== TCP_CLOSE && sk.state !== TCP_SYN_SENT) return -EISCONN;
    if (sk.state === TCP_CLOSE) {
      const refused = tcpProtocolConnect(m, sk, uaddr, length);
      if (refused !== 0) return refused;
      if ((flags & O_NONBLOCK) !== 0) return -EINPROGRESS;
    }
    yield* wait(waitForConnect(m, sk, MAX_SCHEDULE_TIMEOUT));
    if (m.cpu.current.pendingSignal !== 0 && sk.state === TCP_SYN_SENT) return -EINTR;
    if (sk.state === TCP_CLOSE) return sk.error !== 0 ? sk.takeError() : -ECONNRESET;
    setSocketState(m, socket, SS_CONNECTED);
    return 0;
  },
);
const inetStreamConnect = sleepingFunction(
  'inet_stream_connect',
  14,
  function* (m, socket: Socket, uaddr: UserAddress, length: number, flags: number) {
    const sk = socket.sk as TcpSock;
    lockSock(m, sk, 0);
    const status = yield* wait(innerStreamConnect(m, socket, uaddr, length, flags, 0));
    releaseSock(m, sk);
    return status;
  },
);

const inetListen = kernelFunction('inet_listen', 30, (m, socket: Socket, backlog: number): number => {
  const sk = socket.sk as TcpSock;
  lockSock(m, sk, 0);
  sk.setMaxAckBacklog(backlog);
  const status = sk.state === TCP_LISTEN ? 0 : sk.state === TCP_CLOSE ? inetCskListenStart(m, sk) : -EINVAL;
  releaseSock(m, sk);
  return status;
});

interface AcceptArgument extends KernelObject {
  readonly flags: number;
  err: number;
  child: TcpSock | null;
}
const inetAccept = sleepingFunction(
  'inet_accept',
  30,
  function* (m, socket: Socket, _newSocket: null, arg: AcceptArgument) {
    arg.child = yield* wait(inetCskAccept(m, socket.sk as TcpSock, arg));
    return arg.err;
  },
);

const inetShutdown = kernelFunction('inet_shutdown', 30, (m, socket: Socket, how: number): number => {
  const sk = socket.sk as TcpSock;
  lockSock(m, sk, 0);
  let status = 0;
  if (sk.state === TCP_CLOSE) {
    status = -ENOTCONN;
  } else if (sk.state === TCP_SYN_SENT) {
    tcpDone(m, sk);
  } else {
    sk.addShutdown(m, how);
    tcpShutdown(m, sk, how);
  }
  sockDefWakeup(m, sk);
  releaseSock(m, sk);
  return status;
});

// What both kinds share.

/** struct proto of sockets for datagrams. */
const UDP = { sendmsg: udpSendmsg, recvmsg: udpRecvmsg, close: closeDatagram } as const;
const PING = {
  sendmsg: pingSendmsg,
  recvmsg: pingRecvmsg,
  close: (m: Machine, sk: Sock): void => pingClose(m, sk, 0),
} as const;
const datagrams = ({ protocol }: Sock): typeof UDP | typeof PING => (protocol === IPPROTO_UDP ? UDP : PING);

const sendmsg = (m: Machine, { sk }: Socket, message: Message, size: number): Result =>
  sk instanceof TcpSock ? tcpSendmsg(m, sk, message, size) : datagrams(sk).sendmsg(m, sk, message, size);
const recvmsg = (m: Machine, { sk }: Socket, message: Message, size: number, flags: number): Result =>
  sk instanceof TcpSock ? tcpRecvmsg(m, sk, message, size, flags) : datagrams(sk).recvmsg(m, sk, message, size, flags);
const inetSendmsg = kernelFunction('inet_sendmsg', 8, sendmsg);
const inetRecvmsg = kernelFunction('inet_recvmsg', 10, recvmsg);
const inet6Sendmsg = kernelFunction('inet6_sendmsg', 8, sendmsg);
const inet6Recvmsg = kernelFunction('inet6_recvmsg', 10, recvmsg);
const inetRelease = kernelFunction('inet_release', 18, (m, socket: Socket): Result => {
  if (socket.sk instanceof TcpSock) tcpClose(m, socket.sk, 0);
  else datagrams(socket.sk).close(m, socket.sk);
  return 0;
});
const inet6Release = kernelFunction('inet6_release', 8, (m, socket: Socket): Result => inetRelease(m, socket));

const poll = (m: Machine, file: File, socket: Socket, table: PollTable | null): number =>
  socket.sk instanceof TcpSock ? tcpPoll(m, file, socket, table) : datagramPoll(m, file, socket, table);

function getname(socket: Socket, peer: boolean): SocketAddress | null {
  const { sk } = socket;
  if (peer && sk.dport === 0) return null;
  const family = sk.family === AF_INET ? AF_INET : AF_INET6;
  return peer ? { family, ip: sk.remote, port: sk.dport } : { family, ip: sk.local, port: sk.num };
}
const addressAt = (m: Machine, value: SocketAddress): UserAddress => ({ address: m.stackObjects.sockaddr, value });
const lengthOf = (address: SocketAddress): number => (address.family === AF_INET6 ? 28 : 16);

function operations(
  bindFunction: typeof inetBind,
  release: typeof inetRelease,
  send: typeof inetSendmsg,
  receive: typeof inetRecvmsg,
): SocketOperations {
  const self: SocketOperations = {
    release: (m, socket) => release(m, socket),
    bind: (m, socket, address) => bindFunction(m, socket, addressAt(m, address), lengthOf(address)),
    connect: (m, socket, address, flags) =>
      socket.type === SOCK_STREAM
        ? inetStreamConnect(m, socket, addressAt(m, address), lengthOf(address), flags)
        : connectDatagram(m, socket, addressAt(m, address), lengthOf(address), flags),
    listen: (m, socket, backlog) => (socket.type === SOCK_STREAM ? inetListen(m, socket, backlog) : -EINVAL),
    accept(m, socket, flags) {
      const arg: AcceptArgument = { address: m.scratch, flags, err: 0, child: null };
      const finish = (status: number): Socket | number => {
        if (status < 0 || arg.child === null) return status;
        const accepted = createSocket(m, arg.child, self, SOCKET_FILES);
        setSocketState(m, accepted, SS_CONNECTED);
        return accepted;
      };
      const status = inetAccept(m, socket, null, arg);
      return typeof status === 'number' ? finish(status) : status.then(finish);
    },
    sendmsg: (m, socket, message, size) => send(m, socket, message, size),
    recvmsg: (m, socket, message, size, flags) => receive(m, socket, message, size, flags),
    shutdown: (m, socket, how) => inetShutdown(m, socket, how),
    poll,
    getname,
  };
  return self;
}
/** inet_stream_ops and inet_dgram_ops; inet6's. */
export const INET_OPERATIONS = operations(inetBind, inetRelease, inetSendmsg, inetRecvmsg);
export const INET6_OPERATIONS = operations(inet6Bind, inet6Release, inet6Sendmsg, inet6Recvmsg);
