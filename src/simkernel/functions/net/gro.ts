import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { IPPROTO_TCP, TCP_ACK, TCP_FIN, TCP_PSH } from '../../net/packet.ts';
import type { Packet } from '../../net/packet.ts';
import { gsoSegs } from '../../net/gso.ts';
import { appendPacket } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { kfreeSkbQuietly } from './skb-free.ts';

/* net/core/gro.c and net/ipv4/tcp_offload.c: segments of one connection that come back to back become one buffer. */

/** enum gro_result */
export const GRO = { mergedFree: 1, held: 2, normal: 3 } as const;
/** GRO_LEGACY_MAX_SIZE, and how many flows are held at once. */
const MAX_SIZE = 65_536;
const MAX_FLOWS = 8;
/** Flags that a segment may have and still be put together with others. */
const PLAIN = TCP_ACK | TCP_PSH;

/** struct gro_node: the buffers that a poll has put aside, the oldest first. */
export interface GroNode extends KernelObject {
  readonly held: SkBuff[];
  /** Takes a buffer on its way: netif_receive_skb(). */
  readonly deliver: (m: Machine, skb: SkBuff) => number;
  /** NAPI_GRO_CB(skb)->same_flow of the one under way: it has become a part of one that is held. */
  isMerged: boolean;
}

function isSameFlow(a: Packet, b: Packet): boolean {
  return a.dport === b.dport && a.sport === b.sport && a.source === b.source && a.destination === b.destination;
}
/** What the merged buffer can be told to go on with: the next bytes, acknowledging the same. */
function mayFollow({ packet, gsoSize }: SkBuff, next: Packet): boolean {
  const size = gsoSize === 0 ? packet.bytes : gsoSize;
  return (
    next.bytes > 0 &&
    next.bytes <= size &&
    next.seq === packet.seq + packet.bytes &&
    next.ack === packet.ack &&
    next.sack === undefined &&
    (next.flags & ~(PLAIN | TCP_FIN)) === 0 &&
    packet.bytes + next.bytes < MAX_SIZE &&
    // The machine keeps the beginning of a buffer's data only: what it knows of the next is not thrown away.
    next.payload.length === 0
  );
}

const skbGroReceive = kernelFunction('skb_gro_receive', 30, (m, p: SkBuff, skb: SkBuff): number => {
  appendPacket(m, p, skb);
  // Its data is the other's now (NAPI_GRO_FREE_STOLEN_HEAD).
  kfreeSkbQuietly(m, skb);
  return 0;
});
/** Returns the buffer that must go up before anything else of the flow: it is full, or does not go on with this one. */
const tcpGroReceive = kernelFunction(
  'tcp_gro_receive',
  22,
  (m, node: GroNode, skb: SkBuff, _th: null): SkBuff | null => {
    const { packet } = skb;
    const before = node.held.find((other) => isSameFlow(other.packet, packet));
    if (before === undefined) return null;
    if (!mayFollow(before, packet)) return before;
    const ends = packet.bytes < (before.gsoSize || before.packet.bytes) || (packet.flags & (TCP_PSH | TCP_FIN)) !== 0;
    skbGroReceive(m, before, skb);
    node.isMerged = true;
    return ends ? before : null;
  },
);
const tcp4GroReceive = kernelFunction('tcp4_gro_receive', 14, (m, node: GroNode, skb: SkBuff): SkBuff | null =>
  tcpGroReceive(m, node, skb, null),
);
const inetGroReceive = kernelFunction('inet_gro_receive', 18, (m, node: GroNode, skb: SkBuff): SkBuff | null =>
  tcp4GroReceive(m, node, skb),
);
const ipv6GroReceive = kernelFunction('ipv6_gro_receive', 20, (m, node: GroNode, skb: SkBuff): SkBuff | null =>
  tcpGroReceive(m, node, skb, null),
);

const tcpGroComplete = kernelFunction('tcp_gro_complete', 8, (_m, _skb: SkBuff): void => {});
const inetGroComplete = kernelFunction('inet_gro_complete', 12, (m, skb: SkBuff, _nhoff: number): number => {
  tcpGroComplete(m, skb);
  return 0;
});
const ipv6GroComplete = kernelFunction('ipv6_gro_complete', 12, (m, skb: SkBuff, _nhoff: number): number => {
  tcpGroComplete(m, skb);
  return 0;
});
/** A held buffer goes up; one that stayed alone needs no new headers. */
const groComplete = kernelFunction('gro_complete.constprop.0', 12, (m, node: GroNode, skb: SkBuff): void => {
  node.held.splice(node.held.indexOf(skb), 1);
  if (gsoSegs(skb) > 1) (skb.packet.source.family === AF_INET ? inetGroComplete : ipv6GroComplete)(m, skb, 0);
  node.deliver(m, skb);
});
/** The poll is over: nothing waits for the next one. */
const innerGroFlush = kernelFunction('__gro_flush', 14, (m, node: GroNode, _flushOld: number): void => {
  for (let skb = node.held[0]; skb !== undefined; skb = node.held[0]) groComplete(m, node, skb);
});
export function groFlush(m: Machine, node: GroNode): void {
  if (node.held.length > 0) innerGroFlush(m, node, 0);
}

/** Puts a buffer to the one of its flow that is held, or holds it; what cannot be held goes up at once. */
export const devGroReceive = kernelFunction('dev_gro_receive', 24, (m, node: GroNode, skb: SkBuff): number => {
  const { packet } = skb;
  if (packet.protocol !== IPPROTO_TCP) return GRO.normal;
  node.isMerged = false;
  const full = (packet.source.family === AF_INET ? inetGroReceive : ipv6GroReceive)(m, node, skb);
  if (full !== null) groComplete(m, node, full);
  if (node.isMerged) return GRO.mergedFree;
  if (packet.bytes === 0 || packet.sack !== undefined || (packet.flags & ~PLAIN) !== 0) return GRO.normal;
  if (node.held.length >= MAX_FLOWS) groComplete(m, node, node.held[0]!);
  node.held.push(skb);
  return GRO.held;
});
