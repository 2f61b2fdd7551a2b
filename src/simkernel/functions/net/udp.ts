import { createSkb } from './skb-alloc.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, PollTable } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { AF_INET, AF_INET6 } from '../../net/ip-address.ts';
import { IPPROTO_UDP, KEPT_BYTES, udpPacket } from '../../net/packet.ts';
import { pullHeaders, setSkbOwner } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { removeFromPort } from '../../net/network.ts';
import { TCP_CLOSE } from '../../net/sock.ts';
import type { Message, Sock, Socket, SocketAddress } from '../../net/sock.ts';
import { TCP_ESTABLISHED } from '../../net/tcp-sock.ts';
import { EAFNOSUPPORT, EDESTADDRREQ, EFAULT, EMSGSIZE, ENETUNREACH } from '../../errno.ts';
import { sockRcvqueueFull } from '../../tracepoints/sock.ts';
import { bindDatagram, receiveDatagram } from './datagram.ts';
import { sendUnreachable } from './icmp.ts';
import { addProtocol } from './ip-input.ts';
import { ip6SendSkb, ipSendSkb } from './ip-output.ts';
import { copyFromUser } from './message.ts';
import { EPOLL } from '../fs/poll-events.ts';
import { callRcu } from '../kernel/rcu.ts';
import { dropSkb, kfreeSkbQuietly } from './skb-free.ts';
import { sockDefReadable } from './sock-wake.ts';

const MAX_DATAGRAM = 65_507;

type UserAddress = KernelObject & { readonly value: SocketAddress };

// Connecting a datagram socket only fixes where it sends to.

function connect(m: Machine, sk: Sock, { value }: UserAddress): number {
  if (value.family === 1 || value.family !== sk.family) return -EAFNOSUPPORT;
  const route = m.network.route(value.ip);
  if (route === undefined) return -ENETUNREACH;
  if (sk.num === 0) bindDatagram(m, sk, route.source, 0);
  else sk.setLocal(m, route.source, sk.num);
  sk.setRemote(m, value.ip, value.port);
  sk.setState(m, TCP_ESTABLISHED);
  return 0;
}
const ip4DatagramConnect = kernelFunction(
  'ip4_datagram_connect',
  180,
  (m, sk: Sock, uaddr: UserAddress, _length: number): number => connect(m, sk, uaddr),
);
const ip6DatagramConnect = kernelFunction(
  'ip6_datagram_connect',
  200,
  (m, sk: Sock, uaddr: UserAddress, _length: number): number => connect(m, sk, uaddr),
);
export const connectDatagram = kernelFunction(
  'inet_dgram_connect',
  18,
  (m, socket: Socket, uaddr: UserAddress, length: number, _flags: number): number =>
    (socket.sk.family === AF_INET ? ip4DatagramConnect : ip6DatagramConnect)(m, socket.sk, uaddr, length),
);

// Sending.

function makePacket(m: Machine, sk: Sock, message: Message, size: number): SkBuff | number {
  const to = message.name;
  const [ip, port] = to === null || to.family === 1 ? [sk.remote, sk.dport] : [to.ip, to.port];
  if (port === 0) return -EDESTADDRREQ;
  if (size > MAX_DATAGRAM) return -EMSGSIZE;
  const route = m.network.route(ip);
  if (route === undefined) return -ENETUNREACH;
  if (sk.num === 0) bindDatagram(m, sk, sk.local, 0);
  const payload = copyFromUser(m, message, 0, size, KEPT_BYTES);
  if (payload === undefined) return -EFAULT;
  const source = sk.local.isAny ? route.source : sk.local;
  return createSkb(m, route.device, udpPacket(source, sk.num, ip, port, payload, size), sk);
}
const ipMakeSkb = kernelFunction(
  'ip_make_skb',
  150,
  (
    m,
    sk: Sock,
    _fl: null,
    _getfrag: null,
    message: Message,
    size: number,
    _header: number,
    _ipc: null,
    _route: null,
    _cork: null,
    _flags: number,
  ): SkBuff | number => makePacket(m, sk, message, size),
);
const udpSendSkb = kernelFunction('udp_send_skb', 35, (m, skb: SkBuff, _fl4: null, _cork: null): number =>
  ipSendSkb(m, m.network.initNet, skb),
);
const udpV6SendSkb = kernelFunction('udp_v6_send_skb', 40, (m, skb: SkBuff, _fl6: null, _cork: null): number =>
  ip6SendSkb(m, skb),
);
const udpV4Sendmsg = kernelFunction('udp_sendmsg', 90, (m, sk: Sock, message: Message, size: number): number => {
  const skb = ipMakeSkb(m, sk, null, null, message, size, 8, null, null, null, 0);
  if (typeof skb === 'number') return skb;
  udpSendSkb(m, skb, null, null);
  return size;
});
const udpv6Sendmsg = kernelFunction('udpv6_sendmsg', 110, (m, sk: Sock, message: Message, size: number): number => {
  const skb = makePacket(m, sk, message, size);
  if (typeof skb === 'number') return skb;
  udpV6SendSkb(m, skb, null, null);
  return size;
});
export function udpSendmsg(m: Machine, sk: Sock, message: Message, size: number): Result {
  const error = sk.takeError();
  if (error !== 0) return error;
  return (sk.family === AF_INET ? udpV4Sendmsg : udpv6Sendmsg)(m, sk, message, size);
}

// Receiving.

const udpV4Recvmsg = sleepingFunction(
  'udp_recvmsg',
  60,
  function* (m, sk: Sock, message: Message, size: number, flags: number) {
    return yield* receiveDatagram(m, sk, message, size, flags);
  },
);
const udpv6Recvmsg = sleepingFunction(
  'udpv6_recvmsg',
  65,
  function* (m, sk: Sock, message: Message, size: number, flags: number) {
    return yield* receiveDatagram(m, sk, message, size, flags);
  },
);
export function udpRecvmsg(m: Machine, sk: Sock, message: Message, size: number, flags: number): Result {
  return (sk.family === AF_INET ? udpV4Recvmsg : udpv6Recvmsg)(m, sk, message, size, flags);
}

const udpEnqueueScheduleSkb = kernelFunction('__udp_enqueue_schedule_skb', 30, (m, sk: Sock, skb: SkBuff): number => {
  if (sk.rmemAlloc + skb.truesize > sk.rcvbuf) {
    sockRcvqueueFull(m, sk, skb);
    return -1;
  }
  setSkbOwner(m, skb, sk);
  sk.addReceived(skb.truesize);
  sk.receiveQueue.push(skb);
  leave(m, sk);
  sockDefReadable(m, sk);
  return 0;
});
const udpQueueRcvSkb = kernelFunction('udp_queue_rcv_skb', 20, (m, sk: Sock, skb: SkBuff): number => {
  pullHeaders(m, skb);
  if (udpEnqueueScheduleSkb(m, sk, skb) === 0) return 0;
  dropSkb(m, sk, skb, DROP.SOCKET_RCVBUFF);
  return -1;
});
const udpUnicastRcvSkb = kernelFunction(
  'udp_unicast_rcv_skb',
  10,
  (m, sk: Sock, skb: SkBuff, _header: KernelObject): number => udpQueueRcvSkb(m, sk, skb),
);
function receive(m: Machine, skb: SkBuff): number {
  const { packet } = skb;
  const sk = m.network.bound(m.network.datagram, packet.destination, packet.dport, packet.sport);
  const fits = sk !== undefined && (sk.dport === 0 || (sk.remote === packet.source && sk.dport === packet.sport));
  if (fits) return udpUnicastRcvSkb(m, sk, skb, { address: skb.memory.head.address });
  sendUnreachable(m, skb);
  dropSkb(m, null, skb, DROP.NO_SOCKET);
  return 0;
}
const udpRcv = kernelFunction('udp_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
const udpv6Rcv = kernelFunction('udpv6_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
addProtocol(AF_INET, IPPROTO_UDP, udpRcv);
addProtocol(AF_INET6, IPPROTO_UDP, udpv6Rcv);

export function datagramPoll(m: Machine, file: File, socket: Socket, table: PollTable | null): number {
  return udpPoll(m, file, socket, table);
}
const udpPoll = kernelFunction('udp_poll', 20, (m, file: File, socket: Socket, table: PollTable | null): number => {
  table?.wait(m, file, socket.queue);
  const { sk } = socket;
  takeUp(m, sk);
  return (
    (sk.receiveQueue.length > 0 ? EPOLL.IN | EPOLL.RDNORM : 0) |
    EPOLL.OUT |
    EPOLL.WRNORM |
    (sk.error !== 0 ? EPOLL.ERR : 0)
  );
});

const udpDestructSock = kernelFunction('udp_destruct_sock', 40, (m, sk: Sock): void => {
  for (const skb of sk.receiveQueue.splice(0)) kfreeSkbQuietly(m, skb);
  callRcu(m, () => callRcu(m, () => sk.free(m)));
});
const udpDestroySock = kernelFunction('udp_destroy_sock', 30, (m, sk: Sock): void => {
  removeFromPort(m.network.datagram, sk);
  sk.setState(m, TCP_CLOSE);
  sk.setSocket(m, null);
});
export function closeDatagram(m: Machine, sk: Sock): void {
  udpDestroySock(m, sk);
  udpDestructSock(m, sk);
}
