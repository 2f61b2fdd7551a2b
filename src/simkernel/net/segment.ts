import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { KEPT_BYTES, NO_BYTES, TCP_FIN, TCP_PSH, TCP_SYN } from './packet.ts';
import type { SkbMemory } from './skb.ts';

const SKB = structFields('sk_buff', { len: 'len', sk: 'sk' });

/**
 * A part of the byte stream in the send or the retransmit queue: an sk_buff of its own, which clones are sent from. The card
 * cuts it into frames of the connection's MSS.
 */
export interface Segment extends KernelObject {
  readonly memory: SkbMemory;
  seq: number;
  bytes: number;
  /** The first of those bytes. */
  payload: Uint8Array;
  flags: number;
  /** Zero until it is sent for the first time. */
  sentAt: number;
  retransmitted: boolean;
  lost: boolean;
  /** The peer has it, although something before it is missing. */
  sacked: boolean;
}

export function segmentEnd({ seq, bytes, flags }: Segment): number {
  return seq + bytes + ((flags & (TCP_FIN | TCP_SYN)) !== 0 ? 1 : 0);
}
/** tcp_skb_pcount(): how many frames it takes. */
export function frameCount(bytes: number, mss: number): number {
  return bytes <= mss ? 1 : Math.ceil(bytes / mss);
}
export function createSegment(
  m: Machine,
  memory: SkbMemory,
  sk: KernelObject,
  seq: number,
  payload: Uint8Array,
  bytes: number,
  flags: number,
): Segment {
  const { address } = memory;
  storeWord(m.words, address + SKB.sk, sk);
  const segment = {
    address,
    memory,
    seq,
    bytes,
    payload,
    flags,
    sentAt: 0,
    retransmitted: false,
    lost: false,
    sacked: false,
  };
  setLength(m, segment, bytes);
  return segment;
}
function setLength(m: Machine, segment: Segment, bytes: number): void {
  segment.bytes = bytes;
  m.words[(segment.address + SKB.len) >> 2] = bytes;
}
/** More data for a segment that has not been sent. */
export function appendData(m: Machine, segment: Segment, payload: Uint8Array, bytes: number): void {
  const kept = segment.payload;
  if (kept.length === segment.bytes && kept.length < KEPT_BYTES && payload.length > 0) {
    const joined = new Uint8Array(Math.min(KEPT_BYTES, kept.length + payload.length));
    joined.set(kept);
    joined.set(payload.subarray(0, joined.length - kept.length), kept.length);
    segment.payload = joined;
  }
  setLength(m, segment, segment.bytes + bytes);
}
/** The bytes from `bytes` on go to a segment that has none yet, with the flags that belong to the end. */
export function moveTail(m: Machine, from: Segment, to: Segment, bytes: number): void {
  to.payload = from.payload.subarray(bytes);
  setLength(m, to, from.bytes - bytes);
  from.payload = from.payload.subarray(0, bytes);
  from.flags &= ~(TCP_FIN | TCP_PSH);
  setLength(m, from, bytes);
}
/** What has been acknowledged of a segment goes. */
export function trimSegment(m: Machine, segment: Segment, bytes: number): void {
  segment.seq += bytes;
  segment.payload = bytes < segment.payload.length ? segment.payload.subarray(bytes) : NO_BYTES;
  setLength(m, segment, segment.bytes - bytes);
}
