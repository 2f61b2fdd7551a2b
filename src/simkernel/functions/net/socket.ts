import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../../net/ip-address.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP, IPPROTO_TCP } from '../../net/packet.ts';
import { parseSocketAddress, socketAddressBytes } from '../../net/socket-address.ts';
import { createSocket } from '../../net/socket-file.ts';
import { MSG_DONTWAIT, Sock, SOCK_DGRAM, SOCK_STREAM, SOCKET } from '../../net/sock.ts';
import { createMessage } from './message.ts';
import type { Message, Socket, SocketAddress, SockKind } from '../../net/sock.ts';
import { TcpSock } from '../../net/tcp-sock.ts';
import { UnixSock } from '../../net/unix-sock.ts';
import {
  EAFNOSUPPORT,
  EBADF,
  EFAULT,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
} from '../../errno.ts';
import { INET6_OPERATIONS, INET_OPERATIONS } from './inet.ts';
import { SOCKET_FILES, sockRecvmsg, sockSendmsg } from './socket-files.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { initTcpTimers } from './tcp-sock-init.ts';
import { connectPair, UNIX_OPERATIONS } from './unix.ts';
import { getUserInt, getUserLong, putUserInt, userBytes } from '../x86/user-access.ts';
import { currentFile, fdInstall, getUnusedFd } from '../fs/vfs.ts';
import { O_RDWR, O_NONBLOCK } from '../../fs/fcntl.ts';
import {
  SOL_SOCKET,
  SO_TYPE,
  SO_ERROR,
  SO_SNDBUF,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_RCVTIMEO,
  TCP_NODELAY,
} from '../../net/socket-options.ts';

/** SOCK_NONBLOCK and SOCK_CLOEXEC share the type argument with the type. */
const TYPE_MASK = 0xf;
const BACKLOG_LIMIT = 4096;

type UserAddress = KernelObject & { readonly value: SocketAddress };

const securitySocketConnect = kernelFunction(
  'security_socket_connect',
  14,
  (_m, _socket: Socket, _address: UserAddress, _length: number): number => 0,
);
const securitySocketAccept = kernelFunction(
  'security_socket_accept',
  14,
  (_m, _socket: Socket, _newSocket: null): number => 0,
);
const securitySocketBind = kernelFunction(
  'security_socket_bind',
  14,
  (_m, _socket: Socket, _address: UserAddress, _length: number): number => 0,
);
const securitySocketListen = kernelFunction(
  'security_socket_listen',
  12,
  (_m, _socket: Socket, _backlog: number): number => 0,
);
const securitySocketCreate = kernelFunction(
  'security_socket_create',
  12,
  (_m, _family: number, _type: number, _protocol: number, _kern: number): number => 0,
);

/** The socket behind a descriptor, or the error. */
function socketOf(m: Machine, fd: number): Socket | number {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  return file.inode.operations === SOCKET_FILES ? (file.inode.channel as Socket) : -ENOTSOCK;
}
const isNonblocking = (socket: Socket): boolean => ((socket.file?.flags ?? 0) & O_NONBLOCK) !== 0;

const sockAllocFile = kernelFunction('sock_alloc_file', 260, (m, socket: Socket, flags: number, _dname: null): File => {
  const name = `socket:[${socket.inode.ino}]`;
  const file = m.anonymousFiles.open('sockfs', socket.inode, name, O_RDWR | (flags & O_NONBLOCK), socket);
  socket.file = file;
  storeWord(m.words, socket.address + SOCKET.file, file);
  return file;
});
function mapFd(m: Machine, socket: Socket, flags: number): number {
  const fd = getUnusedFd(m, 0, 1024, flags);
  fdInstall(m, fd, sockAllocFile(m, socket, flags, null));
  return fd;
}

// Creating.

/** What is to become a struct socket. */
interface NewSocket extends KernelObject {
  readonly family: number;
  readonly type: number;
}
/** inetsw: what a protocol's sockets for datagrams are. */
type DatagramKinds = { readonly [protocol: number]: SockKind };
const DATAGRAMS: DatagramKinds = { [IPPROTO_UDP]: 'UDP', [IPPROTO_ICMP]: 'PING' };
const DATAGRAMS_V6: DatagramKinds = { [IPPROTO_UDP]: 'UDPv6', [IPPROTO_ICMPV6]: 'PINGv6' };
const inetCreate = kernelFunction(
  'inet_create',
  420,
  (m, _net: KernelObject, { family, type }: NewSocket, protocol: number, _kern: number): Sock | number => {
    if (type === SOCK_DGRAM) {
      const kinds = family === AF_INET ? DATAGRAMS : DATAGRAMS_V6;
      const kind = kinds[protocol === 0 ? IPPROTO_UDP : protocol];
      return kind === undefined ? -EPROTONOSUPPORT : new Sock(m, family, kind);
    }
    if (type !== SOCK_STREAM) return -EPROTONOSUPPORT;
    const sk = new TcpSock(m, family);
    initTcpTimers(m, sk);
    return sk;
  },
);
const unixCreate = kernelFunction(
  'unix_create',
  350,
  (m, _net: KernelObject, { type }: NewSocket, _protocol: number, _kern: number): Sock => new UnixSock(m, type),
);
const innerSockCreate = kernelFunction(
  '__sock_create',
  90,
  (m, net: KernelObject, family: number, type: number, protocol: number, _res: null, kern: number): Socket | number => {
    const refused = securitySocketCreate(m, family, type, protocol, 0);
    if (refused !== 0) return refused;
    const made: NewSocket = { address: m.scratch, family, type };
    if (family === AF_UNIX)
      return createSocket(m, unixCreate(m, net, made, protocol, kern), UNIX_OPERATIONS, SOCKET_FILES);
    if (family !== AF_INET && family !== AF_INET6) return -EAFNOSUPPORT;
    const sk = inetCreate(m, net, made, protocol, kern);
    if (typeof sk === 'number') return sk;
    return createSocket(m, sk, family === AF_INET ? INET_OPERATIONS : INET6_OPERATIONS, SOCKET_FILES);
  },
);
const sysSocket = kernelFunction('__sys_socket', 25, (m, family: number, type: number, protocol: number): number => {
  const socket = innerSockCreate(m, m.network.initNet, family, type & TYPE_MASK, protocol, null, 0);
  return typeof socket === 'number' ? socket : mapFd(m, socket, type);
});
systemCall('socket', 12, (m, family, type, protocol) => sysSocket(m, family, type, protocol));

const sysSocketpair = kernelFunction(
  '__sys_socketpair',
  40,
  (m, family: number, type: number, protocol: number, fds: number): number => {
    if (family !== AF_UNIX) return -EOPNOTSUPP;
    const make = (): Socket | number =>
      innerSockCreate(m, m.network.initNet, family, type & TYPE_MASK, protocol, null, 0);
    const a = make();
    const b = make();
    if (typeof a === 'number' || typeof b === 'number') return -EAFNOSUPPORT;
    connectPair(m, a, b);
    const ok = putUserInt(m, fds, mapFd(m, a, type)) && putUserInt(m, fds + 4, mapFd(m, b, type));
    return ok ? 0 : -EFAULT;
  },
);
systemCall('socketpair', 12, (m, family, type, protocol, fds) => sysSocketpair(m, family, type, protocol, fds));

// Addresses.

/** move_addr_to_kernel(): the address at a user pointer, as kernel functions get it. */
const moveAddrToKernel = kernelFunction(
  'move_addr_to_kernel',
  22,
  (m, uaddr: number, length: number, kaddr: KernelObject & { value?: SocketAddress }): number => {
    if (length < 2 || length > 128) return -EINVAL;
    const bytes = userBytes(m, uaddr, length);
    if (bytes === undefined) return -EFAULT;
    const value = parseSocketAddress(bytes);
    if (value === undefined) return -EAFNOSUPPORT;
    m.arena.bytes.set(bytes, kaddr.address);
    kaddr.value = value;
    return 0;
  },
);
function userAddress(m: Machine, uaddr: number, length: number): UserAddress | number {
  const kaddr: KernelObject & { value?: SocketAddress } = { address: m.stackObjects.sockaddr };
  const status = moveAddrToKernel(m, uaddr, length, kaddr);
  return status !== 0 || kaddr.value === undefined ? status : (kaddr as UserAddress);
}
const moveAddrToUser = kernelFunction(
  'move_addr_to_user',
  25,
  (m, address: SocketAddress, uaddr: number, ulength: number): number => {
    const room = getUserInt(m, ulength);
    if (room === undefined) return -EFAULT;
    const bytes = socketAddressBytes(address);
    const n = Math.min(room, bytes.length);
    const to = userBytes(m, uaddr, n);
    if (to === undefined) return -EFAULT;
    to.set(bytes.subarray(0, n));
    putUserInt(m, ulength, bytes.length);
    return 0;
  },
);

const sysBind = kernelFunction('__sys_bind', 20, (m, fd: number, uaddr: number, length: number): Result => {
  const socket = socketOf(m, fd);
  if (typeof socket === 'number') return socket;
  const address = userAddress(m, uaddr, length);
  if (typeof address === 'number') return address;
  const refused = securitySocketBind(m, socket, address, length);
  return refused !== 0 ? refused : socket.operations.bind(m, socket, address.value);
});
systemCall('bind', 10, (m, fd, uaddr, length) => sysBind(m, fd, uaddr, length));

const sysListen = kernelFunction('__sys_listen', 18, (m, fd: number, backlog: number): number => {
  const socket = socketOf(m, fd);
  if (typeof socket === 'number') return socket;
  const limited = Math.min(backlog >>> 0, BACKLOG_LIMIT);
  const refused = securitySocketListen(m, socket, limited);
  return refused !== 0 ? refused : socket.operations.listen(m, socket, limited);
});
systemCall('listen', 10, (m, fd, backlog) => sysListen(m, fd, backlog));

const sysConnectFile = kernelFunction(
  '__sys_connect_file',
  12,
  (m, file: File, address: UserAddress, length: number, flags: number): Result => {
    const socket = file.inode.channel as Socket;
    const refused = securitySocketConnect(m, socket, address, length);
    return refused !== 0 ? refused : socket.operations.connect(m, socket, address.value, file.flags | flags);
  },
);
const sysConnect = kernelFunction('__sys_connect', 18, (m, fd: number, uaddr: number, length: number): Result => {
  const socket = socketOf(m, fd);
  if (typeof socket === 'number') return socket;
  const address = userAddress(m, uaddr, length);
  return typeof address === 'number' ? address : sysConnectFile(m, currentFile(m, fd)!, address, length, 0);
});
systemCall('connect', 10, (m, fd, uaddr, length) => sysConnect(m, fd, uaddr, length));

const doAccept = kernelFunction(
  'do_accept',
  40,
  (m, file: File, _arg: KernelObject, uaddr: number, ulength: number, flags: number): Result<File | number> => {
    const socket = file.inode.channel as Socket;
    const refused = securitySocketAccept(m, socket, null);
    if (refused !== 0) return refused;
    const accepted = socket.operations.accept(m, socket, file.flags);
    const after = (newSocket: Socket | number): File | number => {
      if (typeof newSocket === 'number') return newSocket;
      const newFile = sockAllocFile(m, newSocket, flags, null);
      const peer = uaddr === 0 ? null : newSocket.operations.getname(newSocket, true);
      return peer === null ? newFile : moveAddrToUser(m, peer, uaddr, ulength) || newFile;
    };
    return accepted instanceof Pending ? accepted.then(after) : after(accepted);
  },
);
const sysAccept4 = kernelFunction(
  '__sys_accept4',
  20,
  (m, fd: number, uaddr: number, ulength: number, flags: number): Result => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const accepted = doAccept(m, currentFile(m, fd)!, { address: m.scratch }, uaddr, ulength, flags);
    const after = (file: File | number): number => {
      if (typeof file === 'number') return file;
      const newFd = getUnusedFd(m, 0, 1024, flags);
      fdInstall(m, newFd, file);
      return newFd;
    };
    return accepted instanceof Pending ? accepted.then(after) : after(accepted);
  },
);
systemCall('accept4', 10, (m, fd, uaddr, ulength, flags) => sysAccept4(m, fd, uaddr, ulength, flags));
systemCall('accept', 10, (m, fd, uaddr, ulength) => sysAccept4(m, fd, uaddr, ulength, 0));

const sysGetsockname = kernelFunction(
  '__sys_getsockname',
  25,
  (m, fd: number, uaddr: number, ulength: number, peer: number): number => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const address = socket.operations.getname(socket, peer !== 0);
    return address === null ? -ENOTCONN : moveAddrToUser(m, address, uaddr, ulength);
  },
);
systemCall('getsockname', 10, (m, fd, uaddr, ulength) => sysGetsockname(m, fd, uaddr, ulength, 0));
systemCall('getpeername', 10, (m, fd, uaddr, ulength) => sysGetsockname(m, fd, uaddr, ulength, 1));

// Data.

const flagsFor = (socket: Socket, flags: number): number => flags | (isNonblocking(socket) ? MSG_DONTWAIT : 0);

const sysSendto = kernelFunction(
  '__sys_sendto',
  25,
  (m, fd: number, buffer: number, size: number, flags: number, uaddr: number, length: number): Result => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const name = uaddr === 0 ? null : userAddress(m, uaddr, length);
    if (typeof name === 'number') return name;
    const buffers = [{ address: buffer, size }];
    return sockSendmsg(m, socket, createMessage(m, buffers, name?.value ?? null, flagsFor(socket, flags)));
  },
);
systemCall('sendto', 10, (m, fd, buffer, size, flags, uaddr, length) =>
  sysSendto(m, fd, buffer, size, flags, uaddr, length),
);
const sysRecvfrom = kernelFunction(
  '__sys_recvfrom',
  25,
  (m, fd: number, buffer: number, size: number, flags: number, uaddr: number, ulength: number): Result => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const message = createMessage(m, [{ address: buffer, size }], null, flags);
    const got = sockRecvmsg(m, socket, message, flagsFor(socket, flags));
    const after = (n: number): number => {
      if (n >= 0 && uaddr !== 0 && message.name !== null) moveAddrToUser(m, message.name, uaddr, ulength);
      return n;
    };
    return got instanceof Pending ? got.then(after) : after(got);
  },
);
systemCall('recvfrom', 10, (m, fd, buffer, size, flags, uaddr, ulength) =>
  sysRecvfrom(m, fd, buffer, size, flags, uaddr, ulength),
);

/** struct user_msghdr on x86-64. */
const MSGHDR = { name: 0, nameLength: 8, iov: 16, iovLength: 24, control: 32, controlLength: 40, size: 56 } as const;
const IOVEC_SIZE = 16;
const MOST_IOVECS = 1024;
function readMessage(m: Machine, umsg: number, flags: number, forSending: boolean): Message | number {
  const iov = getUserLong(m, umsg + MSGHDR.iov);
  const count = getUserLong(m, umsg + MSGHDR.iovLength);
  const name = getUserLong(m, umsg + MSGHDR.name);
  const nameLength = getUserInt(m, umsg + MSGHDR.nameLength);
  if (iov === undefined || count === undefined || name === undefined || nameLength === undefined) return -EFAULT;
  if (count > MOST_IOVECS) return -EINVAL;
  const buffers: { address: number; size: number }[] = [];
  for (let i = 0; i < count; i += 1) {
    const address = getUserLong(m, iov + IOVEC_SIZE * i);
    const size = getUserLong(m, iov + IOVEC_SIZE * i + 8);
    if (address === undefined || size === undefined) return -EFAULT;
    buffers.push({ address, size });
  }
  const to = forSending && name !== 0 ? userAddress(m, name, nameLength) : null;
  if (typeof to === 'number') return to;
  return createMessage(m, buffers, to?.value ?? null, flags);
}
const sysSendmsg = kernelFunction(
  '__sys_sendmsg',
  45,
  (m, fd: number, umsg: number, flags: number, _forbid: number): Result => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const message = readMessage(m, umsg, flagsFor(socket, flags), true);
    return typeof message === 'number' ? message : sockSendmsg(m, socket, message);
  },
);
systemCall('sendmsg', 10, (m, fd, umsg, flags) => sysSendmsg(m, fd, umsg, flags, 1));
const sysRecvmsg = kernelFunction(
  '__sys_recvmsg',
  45,
  (m, fd: number, umsg: number, flags: number, _forbid: number): Result => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const message = readMessage(m, umsg, flags, false);
    if (typeof message === 'number') return message;
    const got = sockRecvmsg(m, socket, message, flagsFor(socket, flags));
    const after = (n: number): number => {
      const name = getUserLong(m, umsg + MSGHDR.name) ?? 0;
      if (n >= 0 && name !== 0 && message.name !== null)
        moveAddrToUser(m, message.name, name, umsg + MSGHDR.nameLength);
      return n;
    };
    return got instanceof Pending ? got.then(after) : after(got);
  },
);
systemCall('recvmsg', 10, (m, fd, umsg, flags) => sysRecvmsg(m, fd, umsg, flags, 1));

// Options and the end.

const sysShutdown = kernelFunction('__sys_shutdown', 15, (m, fd: number, how: number): number => {
  const socket = socketOf(m, fd);
  if (typeof socket === 'number') return socket;
  // SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2; inside they are bits.
  return how < 0 || how > 2 ? -EINVAL : socket.operations.shutdown(m, socket, how + 1);
});
systemCall('shutdown', 10, (m, fd, how) => sysShutdown(m, fd, how));

/** Options that change nothing that is simulated: they are taken and forgotten. */
const ACCEPTED: ReadonlySet<number> = new Set([2, 5, 6, 9, 10, 13, 21]);

/** What is asked for is doubled, for what the kernel needs beside the data; limits of sysctl and SOCK_MIN_*BUF. */
function bufferSize(asked: number, least: number): number {
  return Math.max(2 * Math.min(asked >>> 0, MAX_BUFFER), least);
}
/** net.core.rmem_max and wmem_max. */
const MAX_BUFFER = 212_992;
const MIN_RCVBUF = 2_304;
const MIN_SNDBUF = 2 * MIN_RCVBUF;
function setOption(m: Machine, sk: Sock, level: number, name: number, optval: number): number {
  const value = getUserInt(m, optval);
  if (value === undefined) return -EFAULT;
  if (level === IPPROTO_TCP && sk instanceof TcpSock) {
    if (name === TCP_NODELAY) sk.noDelay = value !== 0;
    return 0;
  }
  if (level !== SOL_SOCKET) return 0;
  switch (name) {
    case SO_SNDBUF:
      sk.setBuffers(bufferSize(value, MIN_SNDBUF), sk.rcvbuf);
      return 0;
    case SO_RCVBUF:
      sk.setBuffers(sk.sndbuf, bufferSize(value, MIN_RCVBUF));
      return 0;
    case SO_REUSEPORT:
      if (sk instanceof TcpSock) sk.reusePort = value !== 0;
      return 0;
    case SO_RCVTIMEO:
      if (sk instanceof TcpSock)
        sk.receiveTimeoutNs = (getUserLong(m, optval) ?? 0) * 1e9 + (getUserLong(m, optval + 8) ?? 0) * 1000;
      return 0;
    default:
      return ACCEPTED.has(name) ? 0 : -ENOPROTOOPT;
  }
}
const sysSetsockopt = kernelFunction(
  '__sys_setsockopt',
  60,
  (m, fd: number, level: number, name: number, optval: number, _length: number): number => {
    const socket = socketOf(m, fd);
    return typeof socket === 'number' ? socket : setOption(m, socket.sk, level, name, optval);
  },
);
systemCall('setsockopt', 10, (m, fd, level, name, optval, length) => sysSetsockopt(m, fd, level, name, optval, length));

const sysGetsockopt = kernelFunction(
  '__sys_getsockopt',
  60,
  (m, fd: number, level: number, name: number, optval: number, _length: number): number => {
    const socket = socketOf(m, fd);
    if (typeof socket === 'number') return socket;
    const { sk } = socket;
    const values: { readonly [option: number]: () => number } = {
      [SO_TYPE]: () => sk.type,
      [SO_ERROR]: () => -sk.takeError(),
      [SO_SNDBUF]: () => sk.sndbuf,
      [SO_RCVBUF]: () => sk.rcvbuf,
    };
    const read = level === SOL_SOCKET ? values[name] : () => 0;
    if (read === undefined) return -ENOPROTOOPT;
    return putUserInt(m, optval, read()) ? 0 : -EFAULT;
  },
);
systemCall('getsockopt', 10, (m, fd, level, name, optval, length) => sysGetsockopt(m, fd, level, name, optval, length));
