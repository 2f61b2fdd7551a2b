import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { SackBlock } from '../../net/packet.ts';
import type { Segment } from '../../net/segment.ts';
import { frameCount, segmentEnd } from '../../net/segment.ts';
import type { SkBuff } from '../../net/skb.ts';
import { TCP_CA_RECOVERY } from '../../net/tcp-sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { GFP_ATOMIC } from '../mm/gfp.ts';
import { TCP_FRAG_IN_RTX_QUEUE, tcpFragment } from './tcp-segment.ts';

/* net/ipv4/tcp_input.c and tcp_recovery.c: what selective acknowledgements say, and what is lost by the time they came (RACK, RFC 8985). */

/** Segments with one beyond them that have arrived: more than reordering explains. */
const REORDERING = 3;
/** How many blocks fit beside timestamps. */
const MOST_BLOCKS = 3;

/** tcp_rack_advance(): what was sent later than all that has arrived before. */
export function rackAdvance(m: Machine, sk: TcpSock, segment: Segment): void {
  const { sentAt, retransmitted } = segment;
  const rttNs = m.cpu.time - sentAt;
  // An answer to the first of two sendings: nothing was lost then.
  if (retransmitted && rttNs < sk.minRttNs) return;
  sk.rackRttNs = rttNs;
  sk.rackAdvanced = true;
  if (!isBeforeLatest(sk, segment)) [sk.rackSentAt, sk.rackEnd] = [sentAt, segmentEnd(segment)];
}
/** Parts of one burst were sent at the same time, in their order. */
function isBeforeLatest(sk: TcpSock, segment: Segment): boolean {
  const { sentAt } = segment;
  return sentAt < sk.rackSentAt || (sentAt === sk.rackSentAt && segmentEnd(segment) <= sk.rackEnd);
}
/** include/net/tcp.h: TCP_SKB_CB(skb)->sacked. */
const TCPCB_SACKED_ACKED = 1;
const TCPCB_LOST = 4;
const TCPCB_EVER_RETRANS = 0x80;
const stateOf = ({ sacked, lost, retransmitted }: Segment): number =>
  (sacked ? TCPCB_SACKED_ACKED : 0) | (lost ? TCPCB_LOST : 0) | (retransmitted ? TCPCB_EVER_RETRANS : 0);
const tcpSacktagOne = kernelFunction(
  'tcp_sacktag_one',
  10,
  (
    _m,
    _sk: TcpSock,
    _state: null,
    sacked: number,
    _start: number,
    _end: number,
    _duplicate: number,
    _frames: number,
    _bytes: number,
    _sentUs: number,
  ): number => (sacked & ~TCPCB_LOST) | TCPCB_SACKED_ACKED,
);
function markArrived(m: Machine, sk: TcpSock, segment: Segment): void {
  const { seq, bytes, sentAt } = segment;
  const frames = frameCount(bytes, sk.mss);
  const sentUs = Math.floor(sentAt / 1000);
  const state = tcpSacktagOne(m, sk, null, stateOf(segment), seq, segmentEnd(segment), 0, frames, bytes, sentUs);
  segment.sacked = (state & TCPCB_SACKED_ACKED) !== 0;
  segment.lost = (state & TCPCB_LOST) !== 0;
  rackAdvance(m, sk, segment);
}
/** Cuts a segment of which only whole frames at one end are in the block; 1: what is left of it in its place is in the block. */
const tcpMatchSkbToSack = kernelFunction(
  'tcp_match_skb_to_sack',
  14,
  (m, sk: TcpSock, segment: Segment, start: number, end: number): number => {
    const { mss } = sk;
    const isIn = segment.seq >= start && segmentEnd(segment) <= end;
    if (isIn || segment.bytes <= mss) return isIn ? 1 : 0;
    const begins = segment.seq >= start;
    const frames = begins ? Math.floor((end - segment.seq) / mss) : Math.ceil((start - segment.seq) / mss);
    if (frames === 0 || frames * mss >= segment.bytes) return 0;
    tcpFragment(m, sk, TCP_FRAG_IN_RTX_QUEUE, segment, frames * mss, mss, GFP_ATOMIC);
    return begins ? 1 : 0;
  },
);
const tcpSacktagWalk = kernelFunction(
  'tcp_sacktag_walk',
  14,
  (
    m,
    first: Segment,
    sk: TcpSock,
    _nextDup: null,
    _state: null,
    start: number,
    end: number,
    _isDuplicate: boolean,
  ): Segment | null => {
    const { rtxQueue } = sk;
    // The queue grows where a segment is cut.
    for (let i = rtxQueue.indexOf(first); i < rtxQueue.length; i += 1) {
      const segment = rtxQueue[i]!;
      if (segment.seq >= end) return segment;
      if (segment.sacked || segmentEnd(segment) <= start) continue;
      if (tcpMatchSkbToSack(m, sk, segment, start, end) === 1) markArrived(m, sk, segment);
    }
    return null;
  },
);
/** Marks what the peer says that it has, although something before it is missing. */
export const tcpSacktagWriteQueue = kernelFunction(
  'tcp_sacktag_write_queue',
  30,
  (m, sk: TcpSock, skb: SkBuff, _priorUna: number, _state: null): number => {
    for (const [start, end] of skb.packet.sack ?? []) {
      const [first] = sk.rtxQueue;
      if (first !== undefined && end > sk.sndUna) tcpSacktagWalk(m, first, sk, null, null, start, end, false);
    }
    return 0;
  },
);

/** How much later a segment may arrive than one that was sent after it. */
function reorderingWindow(sk: TcpSock, sacked: number): number {
  if (sk.caState >= TCP_CA_RECOVERY || sacked >= REORDERING) return 0;
  return Math.min(sk.minRttNs / 4, sk.srttNs / 8);
}
const tcpMarkSkbLost = kernelFunction('tcp_mark_skb_lost', 10, (_m, _sk: TcpSock, segment: Segment): void => {
  segment.lost = true;
});
/** Where the time goes until something else may be known to be lost; 0: there is nothing to wait for. */
interface Timeout extends KernelObject {
  untilNs: number;
}
const tcpRackDetectLoss = kernelFunction('tcp_rack_detect_loss', 18, (m, sk: TcpSock, wait: Timeout): void => {
  const sacked = sk.rtxQueue.reduce((count, segment) => count + (segment.sacked ? 1 : 0), 0);
  const window = reorderingWindow(sk, sacked);
  wait.untilNs = 0;
  for (const segment of sk.rtxQueue) {
    if (segment.sacked || segment.lost || !isBeforeLatest(sk, segment)) continue;
    const left = sk.rackRttNs + window - (m.cpu.time - segment.sentAt);
    if (left <= 0) tcpMarkSkbLost(m, sk, segment);
    else wait.untilNs = Math.max(wait.untilNs, left);
  }
});
export const detectLoss = inlined(2, (m, sk: TcpSock): number => {
  const wait = { address: m.scratch, untilNs: 0 };
  tcpRackDetectLoss(m, sk, wait);
  return wait.untilNs;
});

/** The ranges that arrived early, the one that came last in front (RFC 2018). */
export function sackBlocks(sk: TcpSock): readonly SackBlock[] {
  const blocks: [number, number][] = [];
  for (const { packet } of sk.outOfOrder) {
    const last = blocks.at(-1);
    const end = packet.seq + packet.bytes;
    if (last !== undefined && packet.seq <= last[1]) last[1] = Math.max(last[1], end);
    else blocks.push([packet.seq, end]);
  }
  const newest = blocks.findIndex(([start, end]) => start <= sk.lastEarly && sk.lastEarly < end);
  if (newest > 0) blocks.unshift(...blocks.splice(newest, 1));
  return blocks.slice(0, MOST_BLOCKS);
}
