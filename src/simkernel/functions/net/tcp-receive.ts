import { createSkb } from './skb-alloc.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import type { Machine } from '../../machine.ts';
import { DROP, RESET } from '../../net/drop-reasons.ts';
import { AF_INET, AF_INET6 } from '../../net/ip-address.ts';
import { IPPROTO_TCP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../net/packet.ts';
import type { Packet } from '../../net/packet.ts';
import { gsoSegs } from '../../net/gso.ts';
import type { Endpoint } from '../../net/network.ts';
import type { SkBuff } from '../../net/skb.ts';
import { TCP_ESTABLISHED, TCP_LISTEN } from '../../net/tcp-sock.ts';
import { TcpSock } from '../../net/tcp-sock.ts';
import type { RequestSock, TimeWaitSock } from '../../net/tcp-sock.ts';
import { addProtocol } from './ip-input.ts';
import { sendUnconnected } from './ip-output.ts';
import { localBhDisable, localBhEnable } from '../kernel/bottom-half.ts';
import { dropSkb } from './skb-free.ts';
import { tcpRcvEstablished, tcpRcvStateProcess } from './tcp-input.ts';
import { receiveOnListener, receiveOnRequest } from './tcp-listen.ts';
import { sendReset } from './tcp-output.ts';

function doReceive(m: Machine, sk: TcpSock, skb: SkBuff): number {
  if (sk.state === TCP_ESTABLISHED) {
    tcpRcvEstablished(m, sk, skb);
    return 0;
  }
  const reason = sk.state === TCP_LISTEN ? receiveOnListener(m, sk, skb) : tcpRcvStateProcess(m, sk, skb);
  if (reason !== 0) {
    sendReset(m, sk, skb, RESET.TCP_STATE);
    dropSkb(m, sk, skb, reason);
  }
  return 0;
}
const tcpV4DoRcv = kernelFunction('tcp_v4_do_rcv', 16, (m, sk: TcpSock, skb: SkBuff): number => doReceive(m, sk, skb));
const tcpV6DoRcv = kernelFunction('tcp_v6_do_rcv', 16, (m, sk: TcpSock, skb: SkBuff): number => doReceive(m, sk, skb));
function receiveOn(m: Machine, sk: TcpSock, skb: SkBuff): number {
  return (sk.family === AF_INET ? tcpV4DoRcv : tcpV6DoRcv)(m, sk, skb);
}

/** The socket is in use by a system call: the packet waits until that lets go of it. */
const tcpAddBacklog = kernelFunction('tcp_add_backlog', 25, (m, sk: TcpSock, skb: SkBuff): number => {
  if (sk.backlog.length * skb.truesize > sk.rcvbuf + sk.sndbuf) {
    dropSkb(m, sk, skb, DROP.SOCKET_BACKLOG);
    return DROP.SOCKET_BACKLOG;
  }
  sk.backlog.push(skb);
  return 0;
});

/** A connection that is over answers for itself as long as late packets may come. */
function receiveOnTimeWait(m: Machine, tw: TimeWaitSock, skb: SkBuff): void {
  const { packet } = skb;
  if ((packet.flags & TCP_RST) !== 0) {
    m.network.removeConnection(tw);
  } else if (packet.bytes > 0 || (packet.flags & (TCP_FIN | TCP_SYN)) !== 0) {
    const end = packet.seq + packet.bytes + ((packet.flags & TCP_FIN) !== 0 ? 1 : 0);
    if (end > tw.rcvNxt) tw.rcvNxt = end;
    const answer: Packet = {
      ...packet,
      source: tw.local,
      destination: tw.remote,
      sport: tw.num,
      dport: tw.dport,
      seq: tw.sndNxt,
      ack: tw.rcvNxt,
      flags: TCP_ACK,
      window: 65_535,
      bytes: 0,
      payload: packet.payload.subarray(0, 0),
    };
    sendUnconnected(m, createSkb(m, tw.device, answer));
  }
  dropSkb(m, null, skb, DROP.NOT_SPECIFIED);
}

/** A connection that has no socket yet belongs to its listener. */
function receiveOnHalfOpen(m: Machine, req: RequestSock, skb: SkBuff): void {
  const { listener } = req;
  takeUp(m, listener);
  receiveOnRequest(m, req, skb);
  leave(m, listener);
}

function receive(m: Machine, skb: SkBuff): number {
  const { packet } = skb;
  m.spend(LOOKUP_NS);
  const endpoint = m.network.connection(packet.dport, packet.source, packet.sport) ?? listener(m, packet);
  if (endpoint === undefined) {
    sendReset(m, null, skb, RESET.NO_SOCKET);
    dropSkb(m, null, skb, DROP.NO_SOCKET);
    return 0;
  }
  if (endpoint instanceof TcpSock) {
    takeUp(m, endpoint);
    endpoint.segsIn += Math.max(1, gsoSegs(skb));
    const status = endpoint.owned ? tcpAddBacklog(m, endpoint, skb) : receiveOn(m, endpoint, skb);
    leave(m, endpoint);
    return status;
  }
  if ('isRequest' in endpoint) receiveOnHalfOpen(m, endpoint as RequestSock, skb);
  else receiveOnTimeWait(m, endpoint as TimeWaitSock, skb);
  return 0;
}
/** __inet_lookup_skb() */
const LOOKUP_NS = 40;
function listener(m: Machine, packet: Packet): Endpoint | undefined {
  return m.network.bound(m.network.listeners, packet.destination, packet.dport, packet.sport);
}
const tcpV4Rcv = kernelFunction('tcp_v4_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
const tcpV6Rcv = kernelFunction('tcp_v6_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
addProtocol(AF_INET, IPPROTO_TCP, tcpV4Rcv);
addProtocol(AF_INET6, IPPROTO_TCP, tcpV6Rcv);

/** From here on the socket belongs to this system call. Nobody sleeps while he has it. */
export const lockSock = kernelFunction('lock_sock_nested', 14, (m, sk: TcpSock, _subclass: number): void => {
  takeUp(m, sk);
  sk.owned = true;
});
const drainBacklog = kernelFunction('__release_sock', 14, (m, sk: TcpSock): void => {
  for (let skb = sk.backlog.shift(); skb !== undefined; skb = sk.backlog.shift()) receiveOn(m, sk, skb);
});
export const releaseSock = kernelFunction('release_sock', 14, (m, sk: TcpSock): void => {
  localBhDisable(m);
  if (sk.backlog.length > 0) drainBacklog(m, sk);
  sk.owned = false;
  leave(m, sk);
  localBhEnable(m);
});
