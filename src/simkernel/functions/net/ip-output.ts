import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { AF_INET } from '../../net/ip-address.ts';
import type { SkBuff } from '../../net/skb.ts';
import type { Machine } from '../../machine.ts';
import { devQueueXmit } from './dev-xmit.ts';
import { neighOutput } from './neighbour.ts';

type Owner = KernelObject | null;

const ipFinishOutput2 = kernelFunction(
  'ip_finish_output2',
  28,
  (m, _net: KernelObject, _sk: Owner, skb: SkBuff): number =>
    skb.device?.hasArp === true ? neighOutput(m, skb.device, skb) : devQueueXmit(m, skb, null),
);
const innerIpFinishOutput = kernelFunction(
  '__ip_finish_output',
  12,
  (m, net: KernelObject, sk: Owner, skb: SkBuff): number => ipFinishOutput2(m, net, sk, skb),
);
const ipFinishOutput = kernelFunction('ip_finish_output', 10, (m, net: KernelObject, sk: Owner, skb: SkBuff): number =>
  innerIpFinishOutput(m, net, sk, skb),
);
const ipOutput = kernelFunction('ip_output', 16, (m, net: KernelObject, sk: Owner, skb: SkBuff): number =>
  ipFinishOutput(m, net, sk, skb),
);
const innerIpLocalOut = kernelFunction(
  '__ip_local_out',
  18,
  (_m, _net: KernelObject, _sk: Owner, _skb: SkBuff): number => 1,
);
const ipLocalOut = kernelFunction('ip_local_out', 10, (m, net: KernelObject, sk: Owner, skb: SkBuff): number => {
  innerIpLocalOut(m, net, sk, skb);
  return ipOutput(m, net, sk, skb);
});
const innerIpQueueXmit = kernelFunction(
  '__ip_queue_xmit',
  45,
  (m, sk: Owner, skb: SkBuff, _fl: null, _tos: number): number => ipLocalOut(m, m.network.initNet, sk, skb),
);
/** How TCP over IPv4 sends a segment. */
export const ipQueueXmit = kernelFunction('ip_queue_xmit', 8, (m, sk: Owner, skb: SkBuff, fl: null): number =>
  innerIpQueueXmit(m, sk, skb, fl, 0),
);
/** How datagrams and replies over IPv4 go out. */
export const ipSendSkb = kernelFunction('ip_send_skb', 10, (m, net: KernelObject, skb: SkBuff): number =>
  ipLocalOut(m, net, null, skb),
);
/** How SYN-ACKs go out: there is no socket with a route yet. */
export const ipBuildAndSendPkt = kernelFunction(
  'ip_build_and_send_pkt',
  30,
  (m, skb: SkBuff, sk: Owner, _saddr: number, _daddr: number, _opt: null, _tos: number): number =>
    ipLocalOut(m, m.network.initNet, sk, skb),
);

const ip6FinishOutput2 = kernelFunction(
  'ip6_finish_output2',
  28,
  (m, _net: KernelObject, _sk: Owner, skb: SkBuff): number => devQueueXmit(m, skb, null),
);
const ip6FinishOutput = kernelFunction(
  'ip6_finish_output',
  16,
  (m, net: KernelObject, sk: Owner, skb: SkBuff): number => ip6FinishOutput2(m, net, sk, skb),
);
const ip6Output = kernelFunction('ip6_output', 16, (m, net: KernelObject, sk: Owner, skb: SkBuff): number =>
  ip6FinishOutput(m, net, sk, skb),
);
const ip6LocalOut = kernelFunction('ip6_local_out', 20, (m, net: KernelObject, sk: Owner, skb: SkBuff): number =>
  ip6Output(m, net, sk, skb),
);
/** From TCP over IPv6, and for its SYN-ACKs. */
export const ip6Xmit = kernelFunction(
  'ip6_xmit',
  40,
  (m, sk: Owner, skb: SkBuff, _fl6: null, _mark: number, _opt: null, _tclass: number, _priority: number): number =>
    ip6LocalOut(m, m.network.initNet, sk, skb),
);
export const inet6CskXmit = kernelFunction('inet6_csk_xmit', 35, (m, sk: Owner, skb: SkBuff, _fl: null): number =>
  ip6Xmit(m, sk, skb, null, 0, null, 0, 0),
);
export const ip6SendSkb = kernelFunction('ip6_send_skb', 12, (m, skb: SkBuff): number =>
  ip6LocalOut(m, m.network.initNet, null, skb),
);

/** Sends a packet that no connection stands behind: resets, ICMP. */
export function sendUnconnected(m: Machine, skb: SkBuff): void {
  if (skb.packet.source.family === AF_INET) ipSendSkb(m, m.network.initNet, skb);
  else ip6SendSkb(m, skb);
}
