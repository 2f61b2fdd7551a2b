import { AF_INET } from './ip-address.ts';
import { NO_BYTES, TCP_FIN, TCP_PSH } from './packet.ts';
import type { Packet } from './packet.ts';
import type { SkBuff } from './skb.ts';

/** enum of gso_type in include/linux/skbuff.h. */
const SKB_GSO_TCPV4 = 1;
const SKB_GSO_TCPV6 = 16;

/** skb_shinfo()->gso_segs; 0 of a packet that goes as it is. */
export function gsoSegs({ gsoSize, packet }: SkBuff): number {
  return gsoSize === 0 ? 0 : Math.ceil(packet.bytes / gsoSize);
}
export function gsoType({ gsoSize, packet }: SkBuff): number {
  if (gsoSize === 0) return 0;
  return packet.source.family === AF_INET ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
}

/** The packets that a segment of several MSS is on the wire: sequence numbers go on, the last has the flags of the end. */
export function cutPacket(packet: Packet, gsoSize: number): readonly Packet[] {
  const { bytes, payload, flags, seq } = packet;
  const packets: Packet[] = [];
  for (let at = 0; at < bytes; at += gsoSize) {
    const isLast = at + gsoSize >= bytes;
    packets.push({
      ...packet,
      seq: seq + at,
      flags: isLast ? flags : flags & ~(TCP_FIN | TCP_PSH),
      bytes: isLast ? bytes - at : gsoSize,
      payload: at < payload.length ? payload.subarray(at, at + gsoSize) : NO_BYTES,
    });
  }
  return packets;
}
