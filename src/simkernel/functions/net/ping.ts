import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { removeFromPort } from '../../net/network.ts';
import { KEPT_BYTES, udpPacket } from '../../net/packet.ts';
import { ICMP_HLEN, pullHeaders, setSkbOwner } from '../../net/skb.ts';
import { createSkb } from './skb-alloc.ts';
import type { SkBuff } from '../../net/skb.ts';
import { TCP_CLOSE } from '../../net/sock.ts';
import type { Message, Sock } from '../../net/sock.ts';
import { EDESTADDRREQ, EFAULT, EINVAL, ENETUNREACH } from '../../errno.ts';
import { sockRcvqueueFull } from '../../tracepoints/sock.ts';
import { bindDatagram, receiveDatagram } from './datagram.ts';
import { ip6SendSkb, ipSendSkb } from './ip-output.ts';
import { copyFromUser } from './message.ts';
import { callRcu } from '../kernel/rcu.ts';
import { dropSkb, kfreeSkbQuietly } from './skb-free.ts';
import { sockDefReadable } from './sock-wake.ts';
import { ICMP_ECHO, ICMPV6_ECHO_REQUEST } from '../../net/icmp.ts';

/** Echo sockets, by which `ping` needs no privileges (net/ipv4/ping.c): the kernel fills in who asks. */

function makeEcho(m: Machine, sk: Sock, message: Message, size: number): SkBuff | number {
  const to = message.name;
  const ip = to === null || to.family === 1 ? sk.remote : to.ip;
  if (ip.isAny) return -EDESTADDRREQ;
  const sent = copyFromUser(m, message, 0, size, KEPT_BYTES);
  if (sent === undefined) return -EFAULT;
  const type = sk.family === AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
  if (size < ICMP_HLEN || sent[0] !== type) return -EINVAL;
  const route = m.network.route(ip);
  if (route === undefined) return -ENETUNREACH;
  if (sk.num === 0) bindDatagram(m, sk, sk.local, 0);
  const datagram = udpPacket(route.source, type, ip, 0, sent.subarray(ICMP_HLEN), size - ICMP_HLEN);
  const seq = (sent[6]! << 8) | sent[7]!;
  return createSkb(m, route.device, { ...datagram, protocol: sk.protocol, ack: sk.num, seq }, sk);
}
const pingV4Sendmsg = kernelFunction('ping_v4_sendmsg', 140, (m, sk: Sock, message: Message, size: number): number => {
  const skb = makeEcho(m, sk, message, size);
  if (typeof skb === 'number') return skb;
  ipSendSkb(m, m.network.initNet, skb);
  return size;
});
const pingV6Sendmsg = kernelFunction('ping_v6_sendmsg', 160, (m, sk: Sock, message: Message, size: number): number => {
  const skb = makeEcho(m, sk, message, size);
  if (typeof skb === 'number') return skb;
  ip6SendSkb(m, skb);
  return size;
});
export function pingSendmsg(m: Machine, sk: Sock, message: Message, size: number): Result {
  const error = sk.takeError();
  if (error !== 0) return error;
  return (sk.family === AF_INET ? pingV4Sendmsg : pingV6Sendmsg)(m, sk, message, size);
}

export const pingRecvmsg = sleepingFunction(
  'ping_recvmsg',
  60,
  function* (m, sk: Sock, message: Message, size: number, flags: number) {
    return yield* receiveDatagram(m, sk, message, size, flags);
  },
);

const pingQueueRcvSkb = kernelFunction('ping_queue_rcv_skb', 20, (m, sk: Sock, skb: SkBuff): number => {
  pullHeaders(m, skb, ICMP_HLEN);
  if (sk.rmemAlloc + skb.truesize > sk.rcvbuf) {
    sockRcvqueueFull(m, sk, skb);
    dropSkb(m, sk, skb, DROP.SOCKET_RCVBUFF);
    return -1;
  }
  setSkbOwner(m, skb, sk);
  sk.addReceived(skb.truesize);
  sk.receiveQueue.push(skb);
  sockDefReadable(m, sk);
  return 0;
});
/** Gives the answer to an echo to whoever asked. */
export const pingRcv = kernelFunction('ping_rcv', 30, (m, skb: SkBuff): number => {
  const { packet } = skb;
  const sk = m.network.echoes.get(packet.ack)?.find(({ family }) => family === packet.source.family);
  if (sk === undefined) {
    dropSkb(m, null, skb, DROP.NO_SOCKET);
    return DROP.NO_SOCKET;
  }
  return pingQueueRcvSkb(m, sk, skb);
});

const pingUnhash = kernelFunction('ping_unhash', 20, (m, sk: Sock): void => removeFromPort(m.network.echoes, sk));
export const pingClose = kernelFunction('ping_close', 25, (m, sk: Sock, _timeout: number): void => {
  pingUnhash(m, sk);
  sk.setState(m, TCP_CLOSE);
  sk.setSocket(m, null);
  for (const skb of sk.receiveQueue.splice(0)) kfreeSkbQuietly(m, skb);
  callRcu(m, () => callRcu(m, () => sk.free(m)));
});
