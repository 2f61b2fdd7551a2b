import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { NetDevice } from '../../net/device.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { ETH_P_IP, ETH_P_IPV6 } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import type { Machine } from '../../machine.ts';
import { devAddPack } from './net-rx.ts';
import type { PacketType } from './net-rx.ts';
import { dropSkb } from './skb-free.ts';
import { NET_RX_DROP } from '../../net/device.ts';

/** What takes packets of a transport protocol (struct net_protocol, struct inet6_protocol). */
type TransportHandler = (m: Machine, skb: SkBuff) => number;
const v4Handlers = new Map<number, TransportHandler>();
const v6Handlers = new Map<number, TransportHandler>();

/** inet_add_protocol(), inet6_add_protocol(). */
export function addProtocol(family: number, protocol: number, handler: TransportHandler): void {
  (family === AF_INET ? v4Handlers : v6Handlers).set(protocol, handler);
}

const ipProtocolDeliverRcu = kernelFunction(
  'ip_protocol_deliver_rcu',
  14,
  (m, _net: KernelObject, skb: SkBuff, protocol: number): void => {
    const handler = v4Handlers.get(protocol);
    if (handler === undefined) dropSkb(m, null, skb, DROP.IP_NOPROTO);
    else handler(m, skb);
  },
);
const ipLocalDeliverFinish = kernelFunction(
  'ip_local_deliver_finish',
  12,
  (m, net: KernelObject, _sk: null, skb: SkBuff): number => {
    ipProtocolDeliverRcu(m, net, skb, skb.packet.protocol);
    return 0;
  },
);
const ipLocalDeliver = kernelFunction('ip_local_deliver', 12, (m, skb: SkBuff): number =>
  ipLocalDeliverFinish(m, m.network.initNet, null, skb),
);
const ipRcvCore = kernelFunction('ip_rcv_core', 22, (_m, skb: SkBuff, _net: KernelObject): SkBuff => skb);
const ipRcvFinish = kernelFunction('ip_rcv_finish', 22, (m, _net: KernelObject, _sk: null, skb: SkBuff): number => {
  if (m.network.isLocal(skb.packet.destination)) return ipLocalDeliver(m, skb);
  // It is not a router.
  dropSkb(m, null, skb, DROP.OTHERHOST);
  return NET_RX_DROP;
});
const ipRcv = kernelFunction(
  'ip_rcv',
  14,
  (m, skb: SkBuff, _device: NetDevice, _type: PacketType, _original: NetDevice): number =>
    ipRcvFinish(m, m.network.initNet, null, ipRcvCore(m, skb, m.network.initNet)),
);
devAddPack({ address: ipRcv.symbol.entry, protocol: ETH_P_IP, receive: ipRcv });

const ip6ProtocolDeliverRcu = kernelFunction(
  'ip6_protocol_deliver_rcu',
  16,
  (m, _net: KernelObject, skb: SkBuff, nexthdr: number, _final: number): void => {
    const handler = v6Handlers.get(nexthdr);
    if (handler === undefined) dropSkb(m, null, skb, DROP.IP_NOPROTO);
    else handler(m, skb);
  },
);
const ip6InputFinish = kernelFunction(
  'ip6_input_finish',
  12,
  (m, net: KernelObject, _sk: null, skb: SkBuff): number => {
    ip6ProtocolDeliverRcu(m, net, skb, skb.packet.protocol, 0);
    return 0;
  },
);
const ip6Input = kernelFunction('ip6_input', 12, (m, skb: SkBuff): number =>
  ip6InputFinish(m, m.network.initNet, null, skb),
);
const ip6RcvFinish = kernelFunction('ip6_rcv_finish', 22, (m, _net: KernelObject, _sk: null, skb: SkBuff): number => {
  if (m.network.isLocal(skb.packet.destination)) return ip6Input(m, skb);
  dropSkb(m, null, skb, DROP.OTHERHOST);
  return NET_RX_DROP;
});
const ipv6Rcv = kernelFunction(
  'ipv6_rcv',
  26,
  (m, skb: SkBuff, _device: NetDevice, _type: PacketType, _original: NetDevice): number =>
    ip6RcvFinish(m, m.network.initNet, null, skb),
);
devAddPack({ address: ipv6Rcv.symbol.entry, protocol: ETH_P_IPV6, receive: ipv6Rcv });
