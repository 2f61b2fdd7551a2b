import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { NO_BYTES, TCP_FIN } from '../../net/packet.ts';
import { createSegment, frameCount, moveTail, segmentEnd, trimSegment } from '../../net/segment.ts';
import type { Segment } from '../../net/segment.ts';
import { TCP_CA_OPEN, TCP_CA_RECOVERY } from '../../net/tcp-sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { GFP_ATOMIC } from '../mm/gfp.ts';
import { tcpStreamAllocSkb } from './skb-alloc.ts';
import { MS } from '../../time/units.ts';

/* net/ipv4/tcp_output.c: how much of the stream goes into one buffer, and how buffers are cut. */

/** Segments that the loopback device carries in one piece. */
const LOOPBACK_GOAL = 32_768;
/** sk_gso_max_size: 64 KiB less MAX_TCP_HEADER and one. */
const GSO_MAX_SIZE = 65_215;
/** tcp_bound_to_half_wnd(): no peer's window is too small for this. */
const MIN_GOAL = 68;
/** net.ipv4.tcp_min_tso_segs, tcp_tso_rtt_log and tcp_tso_win_divisor; sk_pacing_shift. */
const MIN_TSO_SEGS = 2;
const TSO_RTT_LOG = 9;
const TSO_WIN_DIVISOR = 3;
const PACING_SHIFT = 10;
/** net.ipv4.tcp_pacing_ss_ratio and tcp_pacing_ca_ratio. */
const SLOW_START_RATIO = 2;
const AVOIDANCE_RATIO = 1.2;
/** enum tcp_queue */
export const TCP_FRAG_IN_RTX_QUEUE = 1;

/** tcp_xmit_size_goal(): bytes that one buffer may carry, whole segments that fit into half of the peer's window. */
export function sizeGoal({ device, mss, maxWindow }: TcpSock): number {
  const most = Math.min(GSO_MAX_SIZE, Math.max(MIN_GOAL, Math.floor(maxWindow / 2)));
  if (device !== null && device.mtu > LOOPBACK_GOAL) return Math.min(LOOPBACK_GOAL, most);
  return Math.max(mss, most - (most % mss));
}

/** tcp_update_pacing_rate(): bytes a second that the connection is good for. */
function pacingRate({ srttNs, mss, cwnd, ssthresh, packetsOut }: TcpSock): number {
  if (srttNs === 0) return Infinity;
  const ratio = cwnd < ssthresh / 2 ? SLOW_START_RATIO : AVOIDANCE_RATIO;
  return (ratio * mss * Math.max(cwnd, packetsOut) * 1e9) / srttNs;
}
/** Frames that may leave in one piece: what the connection sends in a millisecond, more to a peer that is near. */
export const tcpTsoSegs = kernelFunction('tcp_tso_segs', 6, (_m, sk: TcpSock, mss: number): number => {
  let bytes = pacingRate(sk) / 2 ** PACING_SHIFT;
  const distance = Math.floor(sk.minRttNs / 1e3) >> TSO_RTT_LOG;
  if (sk.minRttNs !== Infinity && distance < 32) bytes += GSO_MAX_SIZE >>> distance;
  return Math.max(MIN_TSO_SEGS, Math.floor(Math.min(bytes, GSO_MAX_SIZE) / mss));
});

/** tcp_packets_in_flight(): frames that are on the way as far as is known. */
export function inFlight(sk: TcpSock): number {
  let frames = sk.packetsOut;
  if (sk.caState === TCP_CA_OPEN) return frames;
  for (const { lost, sacked, bytes } of sk.rtxQueue) if (lost || sacked) frames -= frameCount(bytes, sk.mss);
  return frames;
}
/** tcp_cwnd_test(): frames that the congestion window has room for; no more than half of it at once. */
export function windowQuota(sk: TcpSock): number {
  const { cwnd } = sk;
  const out = inFlight(sk);
  return out >= cwnd ? 0 : Math.min(Math.max(cwnd >> 1, 1), cwnd - out);
}
/** tcp_mss_split_point(): bytes of a long segment that go now: whole frames, as the windows allow. */
export function splitPoint(sk: TcpSock, segment: Segment, maxSegs: number, mayEndShort: boolean): number {
  const window = sk.sndUna + sk.sndWnd - segment.seq;
  const most = sk.mss * maxSegs;
  const needed = Math.min(segment.bytes, window);
  if (most <= needed) return most;
  const partial = needed % sk.mss;
  return partial === 0 || mayEndShort ? needed : needed - partial;
}
/** tcp_minshall_check(): a frame that was not full has not been acknowledged. */
export function isSmallUnderWay({ packetsOut, sndSml, sndUna }: TcpSock): boolean {
  return packetsOut > 0 && sndSml > sndUna;
}
/** tcp_tso_should_defer(): the acknowledgement that allows a longer burst is nearly here. */
export function shouldDefer(m: Machine, sk: TcpSock, segment: Segment, maxSegs: number): boolean {
  const [oldest] = sk.rtxQueue;
  if (sk.caState >= TCP_CA_RECOVERY || oldest === undefined || (segment.flags & TCP_FIN) !== 0) return false;
  const now = m.cpu.time;
  // Only between bursts that follow each other closely.
  if (now - sk.lastSent > MS) return false;
  const sendWindow = sk.sndUna + sk.sndWnd - segment.seq;
  const limit = Math.min(sendWindow, (sk.cwnd - sk.packetsOut) * sk.mss);
  if (limit >= maxSegs * sk.mss || (sk.sendQueue.length > 1 && limit >= segment.bytes)) return false;
  if (limit >= Math.min(sk.sndWnd, sk.cwnd * sk.mss) / TSO_WIN_DIVISOR) return false;
  return now - oldest.sentAt >= sk.srttNs / 2;
}

const skbSplit = kernelFunction('skb_split', 20, (m, skb: Segment, skb1: Segment, len: number): void =>
  moveTail(m, skb, skb1, len),
);
/** A segment with so many bytes stays in its queue; behind it is one with the others. */
function cut(m: Machine, sk: TcpSock, queue: Segment[], segment: Segment, bytes: number, gfp: number): Segment {
  const { seq, flags, sentAt, retransmitted, lost, sacked } = segment;
  const rest = createSegment(m, tcpStreamAllocSkb(m, sk, gfp, 1), sk, seq + bytes, NO_BYTES, 0, flags);
  Object.assign(rest, { sentAt, retransmitted, lost, sacked });
  skbSplit(m, segment, rest, bytes);
  queue.splice(queue.indexOf(segment) + 1, 0, rest);
  return rest;
}
/** tso_fragment(): the head of the send queue keeps so many bytes. */
export function tsoFragment(m: Machine, sk: TcpSock, segment: Segment, bytes: number): void {
  cut(m, sk, sk.sendQueue, segment, bytes, GFP_ATOMIC);
}
/** Cuts a segment that has been sent: only a part of it goes again. */
export const tcpFragment = kernelFunction(
  'tcp_fragment',
  30,
  (m, sk: TcpSock, _queue: number, segment: Segment, bytes: number, mss: number, gfp: number): number => {
    const before = frameCount(segment.bytes, mss);
    const rest = cut(m, sk, sk.rtxQueue, segment, bytes, gfp);
    sk.packetsOut += frameCount(segment.bytes, mss) + frameCount(rest.bytes, mss) - before;
    return 0;
  },
);
/** Takes off the front of a segment what the peer has. */
const tcpTrimHead = kernelFunction('tcp_trim_head', 18, (m, sk: TcpSock, segment: Segment, bytes: number): number => {
  trimSegment(m, segment, bytes);
  sk.addQueued(-bytes);
  return 0;
});
/** tcp_tso_acked(): of a segment of several frames the first may have arrived alone; returns how many did. */
export function partlyAcked(m: Machine, sk: TcpSock, segment: Segment, ack: number): number {
  if (ack <= segment.seq || ack >= segmentEnd(segment) || segment.bytes <= sk.mss) return 0;
  const before = frameCount(segment.bytes, sk.mss);
  tcpTrimHead(m, sk, segment, ack - segment.seq);
  return before - frameCount(segment.bytes, sk.mss);
}
