import type { IpAddress } from './ip-address.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;

/** Not a protocol of IP's, but beside it: which host has an address (its number as an Ethernet type). */
export const ARP = 0x0806;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** Flags of a TCP header. */
export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;

export type SackBlock = readonly [start: number, end: number];

/** What an IP packet says: the part of it that both ends of a wire act upon. */
export interface Packet {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  /** Ports; type and code of ICMP. */
  readonly sport: number;
  readonly dport: number;
  /** Sequence numbers count on beyond 2^32; headers show the lower half. */
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly bytes: number;
  /** What a receiver of TCP has beyond `ack`, as first and last byte plus one, the newest first (RFC 2018). */
  readonly sack?: readonly SackBlock[];
  /** The first of those bytes: of large segments only the beginning is kept. */
  readonly payload: Uint8Array;
}

export const NO_BYTES = new Uint8Array(0);
/** So much of a segment's data is kept; the rest is counted. */
export const KEPT_BYTES = 1500;

export function udpPacket(
  source: IpAddress,
  sport: number,
  destination: IpAddress,
  dport: number,
  payload: Uint8Array,
  bytes = payload.length,
): Packet {
  return {
    source,
    destination,
    protocol: IPPROTO_UDP,
    sport,
    dport,
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    bytes,
    payload,
  };
}

/** Asks for, or tells, who has `destination`'s or `source`'s address; the operation is where ports are. */
export function arpPacket(operation: number, source: IpAddress, destination: IpAddress): Packet {
  return { ...udpPacket(source, operation, destination, 0, NO_BYTES), protocol: ARP };
}
