import { createSkb } from './skb-alloc.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { ECONNREFUSED } from '../../errno.ts';
import type { Machine } from '../../machine.ts';
import { AF_INET, AF_INET6 } from '../../net/ip-address.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP } from '../../net/packet.ts';
import type { Packet } from '../../net/packet.ts';
import type { SkBuff } from '../../net/skb.ts';
import { addProtocol } from './ip-input.ts';
import { sendUnconnected } from './ip-output.ts';
import { pingRcv } from './ping.ts';
import { consumeSkb } from './skb-free.ts';
import { reportError } from './sock-wake.ts';
import {
  ICMP_ECHOREPLY,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  ICMP_ECHO,
  ICMPV6_DEST_UNREACH,
  ICMPV6_PORT_UNREACH,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_ECHO_REPLY,
} from '../../net/icmp.ts';

/** Types and codes (include/uapi/linux/icmp.h, icmpv6.h). */

/** What an error message carries along: the packet that it is about. */
export interface IcmpError extends Packet {
  readonly about: Packet;
}

const icmpSend = kernelFunction(
  '__icmp_send',
  120,
  (m, skb: SkBuff, type: number, code: number, _info: number, _parm: null): void => {
    const { packet, device } = skb;
    if (device === null) return;
    const error: IcmpError = {
      ...packet,
      source: packet.destination,
      destination: packet.source,
      protocol: packet.source.family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6,
      sport: type,
      dport: code,
      bytes: 28,
      payload: packet.payload.subarray(0, 28),
      about: packet,
    };
    sendUnconnected(m, createSkb(m, m.network.route(packet.source)?.device ?? device, error));
  },
);
/** Nobody has this port. */
export function sendUnreachable(m: Machine, skb: SkBuff): void {
  if (skb.packet.source.family === AF_INET) icmpSend(m, skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, null);
  else icmpSend(m, skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0, null);
}

const icmpReply = kernelFunction('icmp_reply', 90, (m, _param: null, skb: SkBuff): void => {
  const { packet, device } = skb;
  if (device === null) return;
  const type = packet.source.family === AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
  const reply: Packet = { ...packet, source: packet.destination, destination: packet.source, sport: type };
  sendUnconnected(m, createSkb(m, m.network.route(packet.source)?.device ?? device, reply));
});
const icmpEcho = kernelFunction('icmp_echo', 20, (m, skb: SkBuff): number => {
  icmpReply(m, null, skb);
  return 0;
});
/** Tells the socket that sent the packet which the error is about. */
const icmpUnreach = kernelFunction('icmp_unreach', 40, (m, skb: SkBuff): number => {
  const { about } = skb.packet as IcmpError;
  if (about?.protocol !== IPPROTO_UDP) return 0;
  const sk = m.network.bound(m.network.datagram, about.source, about.sport, about.dport);
  if (sk !== undefined && sk.dport !== 0) reportError(m, sk, ECONNREFUSED);
  return 0;
});
function receive(m: Machine, skb: SkBuff): number {
  const type = skb.packet.sport;
  if (type === (skb.packet.protocol === IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY)) return pingRcv(m, skb);
  if (type === ICMP_ECHO || type === ICMPV6_ECHO_REQUEST) icmpEcho(m, skb);
  else if (type === ICMP_DEST_UNREACH || type === ICMPV6_DEST_UNREACH) icmpUnreach(m, skb);
  consumeSkb(m, skb);
  return 0;
}
const icmpRcv = kernelFunction('icmp_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
const icmpv6Rcv = kernelFunction('icmpv6_rcv', 45, (m, skb: SkBuff): number => receive(m, skb));
addProtocol(AF_INET, IPPROTO_ICMP, icmpRcv);
addProtocol(AF_INET6, IPPROTO_ICMPV6, icmpv6Rcv);
