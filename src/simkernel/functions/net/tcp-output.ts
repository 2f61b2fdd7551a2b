import { fillSkb } from '../../net/skb.ts';
import { GFP_ATOMIC } from '../mm/gfp.ts';
import { allocTcpHeader, cloneSkb, createSkb, tcpStreamAllocSkb } from './skb-alloc.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { RESET } from '../../net/drop-reasons.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { IPPROTO_TCP, NO_BYTES, TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../net/packet.ts';
import type { Packet } from '../../net/packet.ts';
import type { SkBuff } from '../../net/skb.ts';
import { createSegment, frameCount, segmentEnd } from '../../net/segment.ts';
import type { Segment } from '../../net/segment.ts';
import {
  MAX_RTO_NS,
  MIN_RTO_NS,
  TCP_CA_OPEN,
  TCP_CA_RECOVERY,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_CLOSE_WAIT,
  TCP_FIN_WAIT1,
  TCP_LAST_ACK,
} from '../../net/tcp-sock.ts';
import type { TcpSock, WriteTimer } from '../../net/tcp-sock.ts';
import { tcpRetransmitSkbEvent, tcpSendReset } from '../../tracepoints/tcp.ts';
import { inet6CskXmit, ipQueueXmit, sendUnconnected } from './ip-output.ts';
import { clearSockTimer, resetSockTimer } from './sock-timer.ts';
import { sackBlocks } from './tcp-sack.ts';
import {
  inFlight,
  isSmallUnderWay,
  shouldDefer,
  splitPoint,
  TCP_FRAG_IN_RTX_QUEUE,
  tcpFragment,
  tcpTsoSegs,
  tsoFragment,
  windowQuota,
} from './tcp-segment.ts';

const NAGLE_OFF = 1;
/** The longest that an acknowledgement waits for data to ride on. */
const DELACK_NS = 40e6;
function packetOf(sk: TcpSock, segment: Pick<Segment, 'seq' | 'bytes' | 'payload' | 'flags'>): Packet {
  const packet: Packet = {
    source: sk.local,
    destination: sk.remote,
    protocol: IPPROTO_TCP,
    sport: sk.num,
    dport: sk.dport,
    seq: segment.seq,
    ack: sk.rcvNxt,
    flags: segment.flags,
    window: sk.rcvWnd,
    bytes: segment.bytes,
    payload: segment.payload,
  };
  // Data leaves no room for the option.
  if (sk.outOfOrder.length === 0 || segment.bytes > 0) return packet;
  const sack = sackBlocks(sk);
  sk.storeSacks(sack);
  return { ...packet, sack };
}

/** Sends a clone of a segment, or the segment itself: headers, then the network layer of its family. */
const transmitSkb = kernelFunction(
  '__tcp_transmit_skb',
  85,
  (m, sk: TcpSock, segment: Segment, clone: number, gfp: number, _rcvNxt: number): number => {
    sk.rcvWnd = sk.freeWindow();
    sk.rcvWup = sk.rcvNxt;
    sk.segsOut += frameCount(segment.bytes, sk.mss);
    sk.bytesSent += segment.bytes;
    if (segment.bytes > 0) {
      sk.pingpong ||= m.cpu.time - sk.lastReceived < DELACK_NS;
      sk.lastSent = m.cpu.time;
    }
    sk.ackPending = 0;
    clearSockTimer(sk.delackTimer);
    segment.sentAt = m.cpu.time;
    const packet = packetOf(sk, segment);
    const memory = clone === 0 ? segment.memory : cloneSkb(m, segment.memory, gfp, packet);
    const skb = fillSkb(m, memory, sk.device, packet, sk);
    if (segment.bytes > sk.mss) skb.gsoSize = sk.mss;
    sk.storeAll();
    return sk.family === AF_INET ? ipQueueXmit(m, sk, skb, null) : inet6CskXmit(m, sk, skb, null);
  },
);

export function armWriteTimer(m: Machine, sk: TcpSock, delayNs: number, pending: WriteTimer = 'retransmit'): void {
  sk.pending = pending;
  resetSockTimer(m, sk.writeTimer, delayNs);
}
/** tcp_rearm_rto(): the timer counts from the last progress. */
export const tcpRearmRto = kernelFunction('tcp_rearm_rto', 8, (m, sk: TcpSock): void => {
  if (sk.rtxQueue.length === 0) {
    sk.pending = 'none';
    clearSockTimer(sk.writeTimer);
  } else {
    armWriteTimer(m, sk, sk.rtoNs);
  }
});
/** Loss at the end of what is sent shows by nothing: the last of it is sent again before the timeout is near (RFC 8985, 7). */
const tcpScheduleLossProbe = kernelFunction(
  'tcp_schedule_loss_probe',
  14,
  (m, sk: TcpSock, _advancingRto: number): number => {
    if (sk.caState !== TCP_CA_OPEN || sk.tlpHighSeq !== 0 || sk.packetsOut === 0 || sk.srttNs === 0) return 0;
    // A single segment may wait for a delayed acknowledgement; the timeout itself is never exceeded.
    const timeout = 2 * sk.srttNs + (sk.packetsOut === 1 ? MIN_RTO_NS : PROBE_MIN_NS);
    armWriteTimer(m, sk, Math.min(timeout, sk.rtoNs), 'loss-probe');
    return 1;
  },
);
/** TCP_TIMEOUT_MIN: two ticks. */
const PROBE_MIN_NS = 8e6;
/** tcp_set_xmit_timer(): the timer counts from the last progress. */
export function setTransmitTimer(m: Machine, sk: TcpSock): void {
  if (tcpScheduleLossProbe(m, sk, 1) === 0) tcpRearmRto(m, sk);
}
/** New data when there is any that may go, else the last segment once more; no acknowledgement, and the timeout follows. */
export const tcpSendLossProbe = kernelFunction('tcp_send_loss_probe', 30, (m, sk: TcpSock): void => {
  const [head] = sk.sendQueue;
  const last = sk.rtxQueue.at(-1);
  const room = head === undefined ? 0 : sk.sndUna + sk.sndWnd - head.seq;
  if (head !== undefined && room >= Math.min(head.bytes, sk.mss)) {
    if (head.bytes > sk.mss) tsoFragment(m, sk, head, sk.mss);
    sendHead(m, sk, head, GFP_ATOMIC);
    sk.tlpHighSeq = sk.sndNxt;
  } else if (last !== undefined) {
    const tail = lastFrame(m, sk, last);
    sk.tlpHighSeq = sk.sndNxt;
    innerTcpRetransmitSkb(m, sk, tail, 1);
    tail.retransmitted = true;
    sk.totalRetrans += 1;
  }
  tcpRearmRto(m, sk);
});
function lastFrame(m: Machine, sk: TcpSock, segment: Segment): Segment {
  const { mss, rtxQueue } = sk;
  if (segment.bytes <= mss) return segment;
  const before = (frameCount(segment.bytes, mss) - 1) * mss;
  tcpFragment(m, sk, TCP_FRAG_IN_RTX_QUEUE, segment, before, mss, GFP_ATOMIC);
  return rtxQueue.at(-1)!;
}

/** tcp_nagle_check(): a frame that is not full waits while another such frame is under way. */
function isNagleHeld(sk: TcpSock, segment: Segment, nonagle: number): boolean {
  if (segment.bytes >= sk.mss || (segment.flags & TCP_FIN) !== 0) return false;
  return nonagle === 0 && !sk.noDelay && sk.sendQueue.length === 1 && isSmallUnderWay(sk);
}
/** Makes the head of the send queue as long as it may be now; false: it has to wait. */
function fitHead(m: Machine, sk: TcpSock, head: Segment, nonagle: number): boolean {
  const quota = windowQuota(sk);
  if (quota === 0) return false;
  const wndEnd = sk.sndUna + sk.sndWnd;
  if (head.bytes <= sk.mss) {
    return (head.bytes === 0 || head.seq + head.bytes <= wndEnd) && !isNagleHeld(sk, head, nonagle);
  }
  if (head.seq + sk.mss > wndEnd) return false;
  const maxSegs = tcpTsoSegs(m, sk, sk.mss);
  if (shouldDefer(m, sk, head, maxSegs)) return false;
  const mayEndShort = nonagle !== 0 || sk.noDelay || !isSmallUnderWay(sk);
  const limit = splitPoint(sk, head, Math.min(quota, maxSegs), mayEndShort);
  if (head.bytes > limit) tsoFragment(m, sk, head, limit);
  return true;
}
/** The head of the send queue goes on its way. */
function sendHead(m: Machine, sk: TcpSock, segment: Segment, gfp: number): number {
  const { sendQueue, rtxQueue, mss } = sk;
  const frames = frameCount(segment.bytes, mss);
  sendQueue.shift();
  rtxQueue.push(segment);
  sk.packetsOut += frames;
  sk.sndNxt = segmentEnd(segment);
  if (segment.bytes < frames * mss) sk.sndSml = sk.sndNxt;
  const err = transmitSkb(m, sk, segment, 1, gfp, 0);
  // tcp_event_new_data_sent()
  if (rtxQueue.length === 1) tcpRearmRto(m, sk);
  return err;
}
/** Sends what the peer's window, the congestion window and Nagle allow; returns 1 when nothing is under way and nothing could be sent. */
const tcpWriteXmit = kernelFunction(
  'tcp_write_xmit',
  40,
  (m, sk: TcpSock, _mss: number, nonagle: number, pushOne: number, gfp: number): number => {
    const { sendQueue, rtxQueue } = sk;
    let sent = 0;
    while (sendQueue.length > 0 && (pushOne === 0 || sent < pushOne)) {
      const segment = sendQueue[0]!;
      if (!fitHead(m, sk, segment, nonagle)) break;
      sendHead(m, sk, segment, gfp);
      sent += 1;
    }
    if (sent > 0) tcpScheduleLossProbe(m, sk, 0);
    return sent === 0 && rtxQueue.length === 0 && sendQueue.length > 0 ? 1 : 0;
  },
);
const tcpPushPendingFrames = kernelFunction(
  '__tcp_push_pending_frames',
  12,
  (m, sk: TcpSock, mss: number, nonagle: number): void => {
    // Nothing under way and a closed window: only a probe can find out that it has opened.
    if (tcpWriteXmit(m, sk, mss, nonagle, 0, GFP_ATOMIC) === 0 || sk.pending !== 'none') return;
    armWriteTimer(m, sk, sk.rtoNs, 'probe');
  },
);
export const tcpPush = kernelFunction(
  'tcp_push',
  18,
  (m, sk: TcpSock, _flags: number, mss: number, nonagle: number, _goal: number): void => {
    const last = sk.sendQueue.at(-1);
    if (last === undefined) return;
    last.flags |= TCP_PSH;
    tcpPushPendingFrames(m, sk, mss, nonagle);
  },
);

/** A SYN takes its place in the retransmit queue as any other segment. */
export const tcpConnect = kernelFunction('tcp_connect', 260, (m, sk: TcpSock): number => {
  const syn = createSegment(m, tcpStreamAllocSkb(m, sk, GFP_ATOMIC, 1), sk, sk.writeSeq, NO_BYTES, 0, TCP_SYN);
  sk.writeSeq += 1;
  sk.sndNxt = sk.writeSeq;
  sk.rtxQueue.push(syn);
  sk.packetsOut += 1;
  transmitSkb(m, sk, syn, 1, GFP_ATOMIC, 0);
  armWriteTimer(m, sk, sk.rtoNs);
  return 0;
});

export const tcpSendFin = kernelFunction('tcp_send_fin', 45, (m, sk: TcpSock): void => {
  const last = sk.sendQueue.at(-1);
  if (last !== undefined) {
    last.flags |= TCP_FIN;
  } else {
    const memory = tcpStreamAllocSkb(m, sk, GFP_ATOMIC, 1);
    sk.sendQueue.push(createSegment(m, memory, sk, sk.writeSeq, NO_BYTES, 0, TCP_ACK | TCP_FIN));
  }
  sk.writeSeq += 1;
  tcpPushPendingFrames(m, sk, sk.mss, NAGLE_OFF);
});

const sendBareAck = kernelFunction('__tcp_send_ack', 45, (m, sk: TcpSock, rcvNxt: number, flags: number): void => {
  const ack = createSegment(m, allocTcpHeader(m, GFP_ATOMIC), sk, sk.sndNxt, NO_BYTES, 0, TCP_ACK | flags);
  transmitSkb(m, sk, ack, 0, GFP_ATOMIC, rcvNxt);
});
export const tcpSendAck = kernelFunction('tcp_send_ack', 6, (m, sk: TcpSock): void => sendBareAck(m, sk, sk.rcvNxt, 0));
/** A byte that the peer has, said again: it answers with its window. */
const tcpXmitProbeSkb = kernelFunction(
  'tcp_xmit_probe_skb',
  20,
  (m, sk: TcpSock, urgent: number, _mib: number): number => {
    const seq = sk.sndUna - (urgent === 0 ? 1 : 0);
    const probe = createSegment(m, allocTcpHeader(m, GFP_ATOMIC), sk, seq, NO_BYTES, 0, TCP_ACK);
    return transmitSkb(m, sk, probe, 0, GFP_ATOMIC, sk.rcvNxt);
  },
);
/** Sends what little the window has room for; asks for more when there is none. */
const tcpWriteWakeup = kernelFunction('tcp_write_wakeup', 25, (m, sk: TcpSock, mib: number): number => {
  const [head] = sk.sendQueue;
  const room = head === undefined ? 0 : Math.min(sk.mss, sk.sndUna + sk.sndWnd - head.seq);
  if (head === undefined || (room <= 0 && head.bytes > 0)) return tcpXmitProbeSkb(m, sk, 0, mib);
  if (head.bytes > room) tsoFragment(m, sk, head, room);
  return sendHead(m, sk, head, GFP_ATOMIC);
});
/** The peer's window is closed, or too small for what is next: asks again and again, ever less often. */
export const tcpSendProbe0 = kernelFunction('tcp_send_probe0', 20, (m, sk: TcpSock): void => {
  tcpWriteWakeup(m, sk, 0);
  if (sk.rtxQueue.length > 0 || sk.sendQueue.length === 0) {
    sk.probesOut = sk.backoff = 0;
    return;
  }
  sk.probesOut += 1;
  sk.backoff = Math.min(sk.backoff + 1, MOST_BACKOFF);
  armWriteTimer(m, sk, Math.min(sk.rtoNs * 2 ** sk.backoff, MAX_RTO_NS), 'probe');
});
/** net.ipv4.tcp_retries2 */
const MOST_BACKOFF = 15;
export const tcpSendDelayedAck = kernelFunction('tcp_send_delayed_ack', 14, (m, sk: TcpSock): void => {
  if (sk.delackTimer.dueNs === 0) resetSockTimer(m, sk.delackTimer, DELACK_NS);
});

const innerTcpRetransmitSkb = kernelFunction(
  '__tcp_retransmit_skb',
  40,
  (m, sk: TcpSock, segment: Segment, segs: number): number => {
    const most = segs * sk.mss;
    if (segment.bytes > most) tcpFragment(m, sk, TCP_FRAG_IN_RTX_QUEUE, segment, most, sk.mss, GFP_ATOMIC);
    const err = transmitSkb(m, sk, segment, 1, GFP_ATOMIC, 0);
    tcpRetransmitSkbEvent(m, sk, segment, err);
    return err;
  },
);
export const tcpRetransmitSkb = kernelFunction(
  'tcp_retransmit_skb',
  14,
  (m, sk: TcpSock, segment: Segment, segs: number): number => {
    const err = innerTcpRetransmitSkb(m, sk, segment, segs);
    segment.retransmitted = true;
    segment.lost = false;
    sk.totalRetrans += 1;
    sk.storeAll();
    return err;
  },
);
/** Sends again what is marked lost, as far as the congestion window goes. */
export const tcpXmitRetransmitQueue = kernelFunction('tcp_xmit_retransmit_queue', 25, (m, sk: TcpSock): void => {
  let out = inFlight(sk);
  for (const segment of [...sk.rtxQueue]) {
    if (!segment.lost) continue;
    // Proportional rate reduction (tcp_cwnd_reduction) always has room for the oldest: nothing goes on without it.
    const room = Math.max(sk.cwnd - out, segment === sk.rtxQueue[0] ? 1 : 0);
    if (room <= 0) return;
    tcpRetransmitSkb(m, sk, segment, room);
    out += frameCount(segment.bytes, sk.mss);
  }
  tcpRearmRto(m, sk);
});

/** An orderly end is not possible: the peer is told at once. */
export const tcpSendActiveReset = kernelFunction(
  'tcp_send_active_reset',
  40,
  (m, sk: TcpSock, reason: number): void => {
    tcpSendReset(m, sk, null, reason);
    const reset = createSegment(m, allocTcpHeader(m, GFP_ATOMIC), sk, sk.sndNxt, NO_BYTES, 0, TCP_RST | TCP_ACK);
    transmitSkb(m, sk, reset, 0, GFP_ATOMIC, sk.rcvNxt);
  },
);

/** Answers a packet that belongs to no connection. */
function reset(m: Machine, sk: TcpSock | null, skb: SkBuff, reason: number): void {
  const { packet, device } = skb;
  if ((packet.flags & TCP_RST) !== 0 || device === null) return;
  const hasAck = (packet.flags & TCP_ACK) !== 0;
  const answer: Packet = {
    source: packet.destination,
    destination: packet.source,
    protocol: IPPROTO_TCP,
    sport: packet.dport,
    dport: packet.sport,
    seq: hasAck ? packet.ack : 0,
    ack: packet.seq + packet.bytes + ((packet.flags & (TCP_SYN | TCP_FIN)) !== 0 ? 1 : 0),
    flags: hasAck ? TCP_RST : TCP_RST | TCP_ACK,
    window: 0,
    bytes: 0,
    payload: NO_BYTES,
  };
  tcpSendReset(m, sk, skb, reason);
  sendUnconnected(m, createSkb(m, device, answer));
}
const tcpV4SendReset = kernelFunction(
  'tcp_v4_send_reset',
  90,
  (m, sk: TcpSock | null, skb: SkBuff, reason: number): void => reset(m, sk, skb, reason),
);
const tcpV6SendReset = kernelFunction(
  'tcp_v6_send_reset',
  90,
  (m, sk: TcpSock | null, skb: SkBuff, reason: number): void => reset(m, sk, skb, reason),
);
export function sendReset(m: Machine, sk: TcpSock | null, skb: SkBuff, reason: number = RESET.NO_SOCKET): void {
  (skb.packet.source.family === AF_INET ? tcpV4SendReset : tcpV6SendReset)(m, sk, skb, reason);
}

/** States in which data may still go out. */
const SENDING: ReadonlySet<number> = new Set([
  TCP_ESTABLISHED,
  TCP_CLOSE_WAIT,
  TCP_FIN_WAIT1,
  TCP_CLOSING,
  TCP_LAST_ACK,
]);
export function pushPending(m: Machine, sk: TcpSock): void {
  if (sk.sendQueue.length > 0 && SENDING.has(sk.state)) tcpPushPendingFrames(m, sk, sk.mss, 0);
}
/** Growth of the congestion window: doubling per round trip in slow start, then one segment per round trip. */
export function growWindow(sk: TcpSock, acked: number): void {
  if (sk.caState === TCP_CA_RECOVERY) return;
  if (sk.cwnd < sk.ssthresh) {
    sk.cwnd += acked;
    return;
  }
  sk.cwndCount += acked;
  if (sk.cwndCount >= sk.cwnd) {
    sk.cwndCount -= sk.cwnd;
    sk.cwnd += 1;
  }
}
