import type { File, Inode, PollTable } from '../fs/file.ts';
import type { Result } from '../execution/pending.ts';
import type { HandOver } from '../execution/hand-over.ts';
import type { WaitQueue } from '../functions/kernel/wait-queue.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { AF_INET, AF_INET6, ANY_V4, ANY_V6 } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';
import type { SkBuff } from './skb.ts';

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SHUTDOWN_RCV = 1;
export const SHUTDOWN_SEND = 2;

export const SOCK = structFields('sock', {
  family: '__sk_common.skc_family',
  state: '__sk_common.skc_state',
  num: '__sk_common.skc_num',
  dport: '__sk_common.skc_dport',
  daddr: '__sk_common.skc_daddr',
  saddr: '__sk_common.skc_rcv_saddr',
  v6Daddr: '__sk_common.skc_v6_daddr',
  v6Saddr: '__sk_common.skc_v6_rcv_saddr',
  prot: '__sk_common.skc_prot',
  net: '__sk_common.skc_net',
  cookie: '__sk_common.skc_cookie',
  rmemAlloc: 'sk_backlog.rmem_alloc',
  rcvbuf: 'sk_rcvbuf',
  sndbuf: 'sk_sndbuf',
  wmemQueued: 'sk_wmem_queued',
  wmemAlloc: 'sk_wmem_alloc',
  protocol: 'sk_protocol',
  type: 'sk_type',
  ackBacklog: 'sk_ack_backlog',
  maxAckBacklog: 'sk_max_ack_backlog',
  socket: 'sk_socket',
  shutdown: 'sk_shutdown',
  err: 'sk_err',
  retransmitTimer: 'tcp_retransmit_timer',
});
const INET_SOCK = structFields('inet_sock', { saddr: 'inet_saddr', sport: 'inet_sport' });
const PROTO = structFields('proto', { name: 'name' });
export const SOCKET = structFields('socket', { state: 'state', type: 'type', file: 'file', sk: 'sk', wait: 'wq.wait' });
const TCP_SOCK = structFields('tcp_sock', {});
const UDP_SOCK = structFields('udp_sock', {});
const UNIX_SOCK = structFields('unix_sock', {});

/** net.core.rmem_default, wmem_default; TCP starts with tcp_rmem[1] and tcp_wmem[1]. */
const DEFAULT_BUFFER = 212_992;
const TCP_RCVBUF = 131_072;
const TCP_SNDBUF = 16_384 * 16;

/** Kinds of sockets: what struct holds one, and the name in struct proto. */
const SOCK_KINDS = {
  TCP: { protocol: 6, type: SOCK_STREAM, fields: TCP_SOCK, rcvbuf: TCP_RCVBUF, sndbuf: TCP_SNDBUF },
  TCPv6: { protocol: 6, type: SOCK_STREAM, fields: TCP_SOCK, rcvbuf: TCP_RCVBUF, sndbuf: TCP_SNDBUF },
  UDP: { protocol: 17, type: SOCK_DGRAM, fields: UDP_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
  UDPv6: { protocol: 17, type: SOCK_DGRAM, fields: UDP_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
  PING: { protocol: 1, type: SOCK_DGRAM, fields: INET_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
  PINGv6: { protocol: 58, type: SOCK_DGRAM, fields: INET_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
  'UNIX-STREAM': { protocol: 0, type: SOCK_STREAM, fields: UNIX_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
  UNIX: { protocol: 0, type: SOCK_DGRAM, fields: UNIX_SOCK, rcvbuf: DEFAULT_BUFFER, sndbuf: DEFAULT_BUFFER },
} as const;
export type SockKind = keyof typeof SOCK_KINDS;

/** struct sock: the network layer's side of a socket. Whoever changes a field writes the bytes that scripts read, too. */
export class Sock implements KernelObject, HandOver {
  readonly address: number;
  readonly family: number;
  readonly kind: SockKind;
  readonly type: number;
  readonly protocol: number;
  state = TCP_CLOSE;
  /** The file's side; null before accept() and after close(). */
  socket: Socket | null = null;
  local: IpAddress;
  remote: IpAddress;
  /** Local and remote port. */
  num = 0;
  dport = 0;
  readonly receiveQueue: SkBuff[] = [];
  rmemAlloc = 0;
  wmemQueued = 0;
  rcvbuf: number;
  sndbuf: number;
  shutdown = 0;
  /** sk_err: an errno that the next call returns. */
  error = 0;
  /** lock_sock(): packets that come meanwhile go to the backlog. */
  owned = false;
  readonly backlog: SkBuff[] = [];
  leftAt = 0;
  readonly cookie: number;
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;

  constructor(m: Machine, family: number, kind: SockKind) {
    const { fields, protocol, type, rcvbuf, sndbuf } = SOCK_KINDS[kind];
    this.words = m.words;
    this.bytes = m.arena.bytes;
    this.address = m.arena.allocate(fields.size, 64);
    this.family = family;
    this.kind = kind;
    this.protocol = protocol;
    this.type = type;
    this.rcvbuf = rcvbuf;
    this.sndbuf = sndbuf;
    this.local = this.remote = family === AF_INET6 ? ANY_V6 : ANY_V4;
    const { view } = m.arena;
    const { address } = this;
    view.setUint16(address + SOCK.family, family, true);
    view.setUint8(address + SOCK.state, this.state);
    view.setUint16(address + SOCK.protocol, protocol, true);
    view.setUint16(address + SOCK.type, type, true);
    storeWord(m.words, address + SOCK.prot, m.network.proto(kind));
    storeWord(m.words, address + SOCK.net, m.network.initNet);
    m.words[(address + SOCK.rcvbuf) >> 2] = rcvbuf;
    m.words[(address + SOCK.sndbuf) >> 2] = sndbuf;
    this.cookie = m.network.nextCookie();
    m.words[(address + SOCK.cookie) >> 2] = this.cookie;
  }
  setState(m: Machine, state: number): void {
    this.state = state;
    m.arena.bytes[this.address + SOCK.state] = state;
  }
  setLocal(m: Machine, address: IpAddress, port: number): void {
    this.local = address;
    this.num = port;
    const { bytes, view } = m.arena;
    if (address.family === AF_INET) {
      bytes.set(address.bytes, this.address + SOCK.saddr);
      bytes.set(address.bytes, this.address + INET_SOCK.saddr);
    } else {
      bytes.set(address.bytes, this.address + SOCK.v6Saddr);
    }
    view.setUint16(this.address + SOCK.num, port, true);
    view.setUint16(this.address + INET_SOCK.sport, port, false);
  }
  setRemote(m: Machine, address: IpAddress, port: number): void {
    this.remote = address;
    this.dport = port;
    const { bytes, view } = m.arena;
    bytes.set(address.bytes, this.address + (address.family === AF_INET ? SOCK.daddr : SOCK.v6Daddr));
    view.setUint16(this.address + SOCK.dport, port, false);
  }
  addReceived(bytes: number): void {
    this.rmemAlloc += bytes;
    this.words[(this.address + SOCK.rmemAlloc) >> 2] = this.rmemAlloc;
  }
  addQueued(bytes: number): void {
    this.wmemQueued += bytes;
    this.words[(this.address + SOCK.wmemQueued) >> 2] = this.wmemQueued;
  }
  setBuffers(sndbuf: number, rcvbuf: number): void {
    this.sndbuf = sndbuf;
    this.rcvbuf = rcvbuf;
    this.words[(this.address + SOCK.sndbuf) >> 2] = sndbuf;
    this.words[(this.address + SOCK.rcvbuf) >> 2] = rcvbuf;
  }
  setError(error: number): void {
    this.error = error;
    this.words[(this.address + SOCK.err) >> 2] = error;
  }
  /** sock_error(): tells of an error once. */
  takeError(): number {
    const { error } = this;
    if (error !== 0) this.setError(0);
    return -error;
  }
  addShutdown(m: Machine, how: number): void {
    this.shutdown |= how;
    m.arena.bytes[this.address + SOCK.shutdown] = this.shutdown;
  }
  setSocket(m: Machine, socket: Socket | null): void {
    this.socket = socket;
    storeWord(m.words, this.address + SOCK.socket, socket);
  }
  free(m: Machine): void {
    m.arena.free(this.address, SOCK_KINDS[this.kind].fields.size);
  }
}
/** include/net/tcp_states.h; every socket has one of these. */
export const TCP_CLOSE = 7;

/** An address as users give it. */
export type SocketAddress =
  | { readonly family: typeof AF_INET | typeof AF_INET6; readonly ip: IpAddress; readonly port: number }
  | { readonly family: 1; readonly path: string };

/** struct msghdr: user buffers, and where from or to. */
export interface Message extends KernelObject {
  readonly buffers: readonly { readonly address: number; readonly size: number }[];
  name: SocketAddress | null;
  readonly flags: number;
}
export const MSG_PEEK = 0x2;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

/** struct proto_ops: what the system calls do with a socket of this kind. */
export interface SocketOperations {
  release(m: Machine, socket: Socket): Result;
  bind(m: Machine, socket: Socket, address: SocketAddress): Result;
  connect(m: Machine, socket: Socket, address: SocketAddress, flags: number): Result;
  listen(m: Machine, socket: Socket, backlog: number): number;
  /** The new socket, or why there is none. */
  accept(m: Machine, socket: Socket, flags: number): Result<Socket | number>;
  sendmsg(m: Machine, socket: Socket, message: Message, size: number): Result;
  recvmsg(m: Machine, socket: Socket, message: Message, size: number, flags: number): Result;
  shutdown(m: Machine, socket: Socket, how: number): number;
  poll(m: Machine, file: File, socket: Socket, table: PollTable | null): number;
  getname(socket: Socket, peer: boolean): SocketAddress | null;
}

/** struct socket: the file's side. */
export interface Socket extends KernelObject {
  readonly type: number;
  readonly operations: SocketOperations;
  readonly sk: Sock;
  /** Sleepers: wq.wait. */
  readonly queue: WaitQueue;
  readonly inode: Inode;
  file: File | null;
}

/** struct proto of each kind of socket, by name: made when first asked for. */
export function createProto(m: Machine, name: string): KernelObject {
  const address = m.arena.allocate(PROTO.size);
  storeText(m.arena.bytes, address + PROTO.name, name, 32);
  return { address };
}

/** sock_gen_cookie(): sockets have theirs from the beginning; 0 for what is none. */
export function socketCookie(m: Machine, low: number, high: number): number {
  const at = m.arena.kernelAddress(low, high, SOCK.size);
  return at < 0 ? 0 : m.words[(at + SOCK.cookie) >> 2]!;
}
