import { kernelFunction } from '../../execution/kernel-function.ts';
import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../errno.ts';
import type { Machine } from '../../machine.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../net/packet.ts';
import { pullHeaders, setSkbOwner } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { SHUTDOWN_RCV, TCP_CLOSE } from '../../net/sock.ts';
import { gsoSegs } from '../../net/gso.ts';
import { frameCount, segmentEnd } from '../../net/segment.ts';
import {
  MIN_RTO_NS,
  TCP_CA_DISORDER,
  TCP_CA_OPEN,
  TCP_CA_RECOVERY,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from '../../net/tcp-sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { sockRcvqueueFull } from '../../tracepoints/sock.ts';
import { tcpProbe, tcpReceiveReset } from '../../tracepoints/tcp.ts';
import { dropSkb, freeSkbMemory, kfreeSkbQuietly } from './skb-free.ts';
import { skStreamWriteSpace, sockDefReadable, sockDefWakeup } from './sock-wake.ts';
import {
  armWriteTimer,
  growWindow,
  setTransmitTimer,
  pushPending,
  tcpSendAck,
  tcpSendDelayedAck,
  tcpXmitRetransmitQueue,
} from './tcp-output.ts';
import { partlyAcked } from './tcp-segment.ts';
import { TIME_WAIT_NS, tcpDone, tcpDoneWithError, tcpSetState, tcpTimeWait } from './tcp-state.ts';
import { detectLoss, rackAdvance, tcpSacktagWriteQueue } from './tcp-sack.ts';
import { enterRecovery, setCongestionState } from './tcp-timer.ts';

function isOver(sk: TcpSock): boolean {
  return sk.state === TCP_CLOSE;
}

/** RFC 6298, with the kernel's lower limit. */
function measureRoundTrip(sk: TcpSock, sampleNs: number): void {
  sk.minRttNs = Math.min(sk.minRttNs, sampleNs);
  if (sk.srttNs === 0) {
    sk.srttNs = sampleNs;
    sk.rttvarNs = sampleNs / 2;
  } else {
    sk.rttvarNs = 0.75 * sk.rttvarNs + 0.25 * Math.abs(sk.srttNs - sampleNs);
    sk.srttNs = 0.875 * sk.srttNs + 0.125 * sampleNs;
  }
  sk.rtoNs = sk.srttNs + Math.max(4 * sk.rttvarNs, MIN_RTO_NS);
}

/** Removes what has been acknowledged from the retransmit queue; returns how many frames that was. */
function cleanRtxQueue(m: Machine, sk: TcpSock, ack: number): number {
  const { rtxQueue } = sk;
  let acked = 0;
  let freed = 0;
  let hasRetransmitted = false;
  while (rtxQueue.length > 0 && segmentEnd(rtxQueue[0]!) <= ack) {
    const segment = rtxQueue.shift()!;
    // Karn: an answer to something sent twice measures nothing, nor what waited at the peer behind it (FLAG_RETRANS_DATA_ACKED).
    hasRetransmitted ||= segment.retransmitted;
    // What arrived before it was asked for again was measured by nobody either: when that was is not known.
    if (!segment.sacked) rackAdvance(m, sk, segment);
    if (!hasRetransmitted && !segment.sacked) measureRoundTrip(sk, Math.max(1000, m.cpu.time - segment.sentAt));
    acked += frameCount(segment.bytes, sk.mss);
    freed += segment.bytes;
    m.spend(25);
    freeSkbMemory(m, segment.memory);
  }
  if (rtxQueue.length > 0) acked += partlyAcked(m, sk, rtxQueue[0]!, ack);
  sk.packetsOut -= acked;
  sk.addQueued(-freed);
  sk.bytesAcked += ack - sk.sndUna;
  return acked;
}

/** tcp_identify_packet_loss(): by what has arrived since it is known what has not. */
function identifyLoss(m: Machine, sk: TcpSock): boolean {
  if (sk.rackAdvanced) {
    sk.rackAdvanced = false;
    const untilNs = detectLoss(m, sk);
    if (untilNs > 0) armWriteTimer(m, sk, untilNs + TCP_TIMEOUT_MIN_NS, 'reordering');
  }
  return sk.rtxQueue.some(({ lost }) => lost);
}
/** Two ticks: timers of sockets are no finer. */
const TCP_TIMEOUT_MIN_NS = 8e6;
/** Something is missing, or has been: what is known to be lost is sent again. */
const tcpFastretransAlert = kernelFunction(
  'tcp_fastretrans_alert',
  45,
  (m, sk: TcpSock, _priorUna: number, _dupAcks: number, _flag: null, _rexmit: null): void => {
    if (sk.caState >= TCP_CA_RECOVERY && sk.sndUna >= sk.highSeq) {
      if (sk.caState === TCP_CA_RECOVERY) sk.cwnd = sk.ssthresh;
      setCongestionState(m, sk, TCP_CA_OPEN);
    }
    const isLost = identifyLoss(m, sk);
    if (isLost && sk.caState < TCP_CA_RECOVERY) enterRecovery(m, sk, false);
    if (sk.caState < TCP_CA_RECOVERY) {
      const isEarly = sk.rtxQueue.some(({ sacked }) => sacked);
      setCongestionState(m, sk, isEarly ? TCP_CA_DISORDER : TCP_CA_OPEN);
    }
    if (isLost) tcpXmitRetransmitQueue(m, sk);
  },
);

const tcpAck = kernelFunction('tcp_ack', 55, (m, sk: TcpSock, skb: SkBuff, _flag: number): number => {
  const { packet } = skb;
  const { ack } = packet;
  const prior = sk.sndUna;
  if (ack > sk.sndNxt) return -1;
  sk.sndWnd = packet.window;
  sk.lastAck = m.cpu.time;
  sk.probesOut = 0;
  if (packet.window > 0) sk.backoff = 0;
  sk.maxWindow = Math.max(sk.maxWindow, packet.window);
  if (ack < prior) return 0;
  if (packet.sack !== undefined) tcpSacktagWriteQueue(m, sk, skb, prior, null);
  const acked = cleanRtxQueue(m, sk, ack);
  sk.sndUna = ack;
  if (ack > prior) {
    if (ack >= sk.tlpHighSeq) sk.tlpHighSeq = 0;
    sk.retransmits = 0;
    growWindow(sk, acked);
    setTransmitTimer(m, sk);
  }
  // tcp_ack_is_dubious()
  if (sk.caState !== TCP_CA_OPEN || packet.sack !== undefined) tcpFastretransAlert(m, sk, prior, 0, null, null);
  return 1;
});

/** A reset that belongs to the connection. */
const tcpReset = kernelFunction('tcp_reset', 60, (m, sk: TcpSock, _skb: SkBuff): void => {
  tcpReceiveReset(m, sk);
  const error = sk.state === TCP_SYN_SENT ? ECONNREFUSED : sk.state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
  tcpDoneWithError(m, sk, error);
});

/** Sequence number and flags must fit; returns 0 when the packet has been dealt with. */
const tcpValidateIncoming = kernelFunction(
  'tcp_validate_incoming',
  18,
  (m, sk: TcpSock, skb: SkBuff, _th: null, _synInerr: number): number => {
    const { packet } = skb;
    const end = packet.seq + packet.bytes + ((packet.flags & TCP_FIN) !== 0 ? 1 : 0);
    if (end < sk.rcvWup || packet.seq > sk.rcvNxt + sk.rcvbuf) {
      if ((packet.flags & TCP_RST) === 0) tcpSendAck(m, sk);
      dropSkb(m, sk, skb, end < sk.rcvWup ? DROP.TCP_OLD_SEQUENCE : DROP.TCP_INVALID_SEQUENCE);
      return 0;
    }
    if ((packet.flags & TCP_RST) !== 0) {
      tcpReset(m, sk, skb);
      dropSkb(m, sk, skb, DROP.TCP_RESET);
      return 0;
    }
    return 1;
  },
);

const tcpQueueRcv = kernelFunction('tcp_queue_rcv', 22, (m, sk: TcpSock, skb: SkBuff, _stolen: null): number => {
  pullHeaders(m, skb);
  setSkbOwner(m, skb, sk);
  // The first of it may have been here before.
  const fresh = skb.packet.seq + skb.packet.bytes - sk.rcvNxt;
  skb.taken = skb.packet.bytes - fresh;
  sk.rcvNxt += fresh;
  sk.bytesReceived += fresh;
  sk.addReceived(fresh);
  sk.receiveQueue.push(skb);
  return 0;
});
/** The peer says that it has no more to send. */
const tcpFin = kernelFunction('tcp_fin', 35, (m, sk: TcpSock): void => {
  sk.finReceived = true;
  sk.rcvNxt += 1;
  sk.addShutdown(m, SHUTDOWN_RCV);
  switch (sk.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      tcpSetState(m, sk, TCP_CLOSE_WAIT);
      sk.pingpong = true;
      break;
    case TCP_FIN_WAIT1:
      // Both sides have said it at once.
      tcpSendAck(m, sk);
      tcpSetState(m, sk, TCP_CLOSING);
      break;
    case TCP_FIN_WAIT2:
      tcpSendAck(m, sk);
      tcpTimeWait(m, sk, TCP_TIME_WAIT, TIME_WAIT_NS);
      return;
  }
  sockDefWakeup(m, sk);
});
/** tcp_ofo_queue(): what came early is now in its place. */
function takeOutOfOrder(m: Machine, sk: TcpSock): boolean {
  let fin = false;
  for (let first = sk.outOfOrder[0]; first !== undefined && first.packet.seq <= sk.rcvNxt; first = sk.outOfOrder[0]) {
    const { packet } = first;
    sk.outOfOrder.shift();
    if (packet.seq + packet.bytes <= sk.rcvNxt && packet.bytes > 0) {
      // What filled the gap had all of it, too.
      dropSkb(m, sk, first, DROP.TCP_OFO_DROP);
      continue;
    }
    fin = (packet.flags & TCP_FIN) !== 0;
    if (packet.bytes > 0) tcpQueueRcv(m, sk, first, null);
    else kfreeSkbQuietly(m, first);
  }
  return fin;
}
const tcpDataReady = kernelFunction('tcp_data_ready', 8, (m, sk: TcpSock): void => sockDefReadable(m, sk));

const tcpDataQueue = kernelFunction('tcp_data_queue', 35, (m, sk: TcpSock, skb: SkBuff): void => {
  const { packet } = skb;
  const isFin = (packet.flags & TCP_FIN) !== 0;
  if (packet.bytes === 0 && !isFin) {
    kfreeSkbQuietly(m, skb);
    return;
  }
  sk.lastReceived = m.cpu.time;
  if (packet.seq > sk.rcvNxt) {
    queueOutOfOrder(m, sk, skb);
    return;
  }
  if (packet.seq + packet.bytes + (isFin ? 1 : 0) <= sk.rcvNxt) {
    // It has been here before: the acknowledgement must have been lost.
    tcpSendAck(m, sk);
    dropSkb(m, sk, skb, DROP.TCP_OLD_DATA);
    return;
  }
  if (packet.bytes > 0) {
    if (sk.rmemAlloc + packet.bytes > sk.rcvbuf) {
      sockRcvqueueFull(m, sk, skb);
      tcpSendAck(m, sk);
      dropSkb(m, sk, skb, DROP.TCP_ZEROWINDOW);
      return;
    }
    tcpQueueRcv(m, sk, skb, null);
  } else {
    kfreeSkbQuietly(m, skb);
  }
  sk.ackPending += Math.max(1, gsoSegs(skb));
  const finFollows = takeOutOfOrder(m, sk);
  if (isFin || finFollows) tcpFin(m, sk);
  if (packet.bytes > 0) tcpDataReady(m, sk);
});
/** tcp_data_queue_ofo(): keeps it and asks for what is missing with a duplicate acknowledgement. */
function queueOutOfOrder(m: Machine, sk: TcpSock, skb: SkBuff): void {
  const { outOfOrder } = sk;
  const at = outOfOrder.findIndex(({ packet }) => packet.seq >= skb.packet.seq);
  if (at >= 0 && outOfOrder[at]!.packet.seq === skb.packet.seq) {
    dropSkb(m, sk, skb, DROP.TCP_OFOMERGE);
  } else {
    setSkbOwner(m, skb, sk);
    sk.lastEarly = skb.packet.seq;
    outOfOrder.splice(at < 0 ? outOfOrder.length : at, 0, skb);
  }
  tcpSendAck(m, sk);
}

/** Acknowledges now, soon or with the next data (__tcp_ack_snd_check). */
const tcpAckSndCheck = kernelFunction('__tcp_ack_snd_check', 12, (m, sk: TcpSock, _ofo: number): void => {
  const isQuick = !sk.pingpong && sk.quickAcks > 0;
  if (sk.ackPending >= 2 || isQuick || sk.finReceived) {
    if (sk.quickAcks > 0) sk.quickAcks -= 1;
    tcpSendAck(m, sk);
  } else {
    tcpSendDelayedAck(m, sk);
  }
});
function afterSegment(m: Machine, sk: TcpSock): void {
  if (isOver(sk)) return;
  pushPending(m, sk);
  // tcp_check_space(): somebody waits for room.
  if (sk.noSpace) skStreamWriteSpace(m, sk);
  if (sk.ackPending > 0) tcpAckSndCheck(m, sk, 1);
  sk.storeAll();
}

export const tcpRcvEstablished = kernelFunction('tcp_rcv_established', 45, (m, sk: TcpSock, skb: SkBuff): void => {
  tcpProbe(m, sk, skb);
  if (tcpValidateIncoming(m, sk, skb, null, 1) === 0) return;
  if ((skb.packet.flags & TCP_ACK) !== 0) tcpAck(m, sk, skb, 0);
  tcpDataQueue(m, sk, skb);
  afterSegment(m, sk);
});

/** The client's side of the handshake is over. */
const tcpFinishConnect = kernelFunction('tcp_finish_connect', 60, (m, sk: TcpSock, _skb: SkBuff): void => {
  tcpSetState(m, sk, TCP_ESTABLISHED);
  sk.retransmits = 0;
});
function answerToSyn(m: Machine, sk: TcpSock, skb: SkBuff): number {
  const { packet } = skb;
  if ((packet.flags & TCP_RST) !== 0) {
    tcpReset(m, sk, skb);
    dropSkb(m, sk, skb, DROP.TCP_RESET);
    return 0;
  }
  if ((packet.flags & (TCP_SYN | TCP_ACK)) !== (TCP_SYN | TCP_ACK) || packet.ack !== sk.sndNxt) {
    dropSkb(m, sk, skb, DROP.TCP_FLAGS);
    return 0;
  }
  sk.rcvNxt = sk.copiedSeq = sk.rcvWup = packet.seq + 1;
  tcpAck(m, sk, skb, 0);
  // The SYN's own sequence number is no data.
  sk.bytesAcked -= 1;
  tcpFinishConnect(m, sk, skb);
  sockDefWakeup(m, sk);
  tcpSendAck(m, sk);
  kfreeSkbQuietly(m, skb);
  return 0;
}

/** All states but the established one. Returns why the peer must be reset, 0 when the packet is dealt with. */
export const tcpRcvStateProcess = kernelFunction('tcp_rcv_state_process', 45, (m, sk: TcpSock, skb: SkBuff): number => {
  if (sk.state === TCP_CLOSE) {
    dropSkb(m, sk, skb, DROP.TCP_CLOSE);
    return 0;
  }
  if (sk.state === TCP_SYN_SENT) return answerToSyn(m, sk, skb);
  if (tcpValidateIncoming(m, sk, skb, null, 0) === 0) return 0;
  const { packet } = skb;
  if ((packet.flags & TCP_ACK) === 0 || tcpAck(m, sk, skb, 0) < 0) {
    dropSkb(m, sk, skb, DROP.TCP_FLAGS);
    return 0;
  }
  const allAcked = sk.sndUna === sk.writeSeq;
  switch (sk.state) {
    case TCP_SYN_RECV:
      tcpSetState(m, sk, TCP_ESTABLISHED);
      sk.bytesAcked -= 1;
      sockDefWakeup(m, sk);
      break;
    case TCP_FIN_WAIT1:
      if (!allAcked) break;
      tcpSetState(m, sk, TCP_FIN_WAIT2);
      // Nobody waits for the peer's last words: a timer that is cheaper than a socket does.
      if (sk.isOrphan && (packet.flags & TCP_FIN) === 0 && packet.bytes === 0) {
        tcpTimeWait(m, sk, TCP_FIN_WAIT2, TIME_WAIT_NS);
        kfreeSkbQuietly(m, skb);
        return 0;
      }
      sockDefWakeup(m, sk);
      break;
    case TCP_CLOSING:
      if (!allAcked) break;
      tcpTimeWait(m, sk, TCP_TIME_WAIT, TIME_WAIT_NS);
      kfreeSkbQuietly(m, skb);
      return 0;
    case TCP_LAST_ACK:
      if (!allAcked) break;
      tcpDone(m, sk);
      kfreeSkbQuietly(m, skb);
      return 0;
  }
  if (sk.isOrphan && packet.bytes > 0) {
    // Data for somebody who has left.
    tcpReset(m, sk, skb);
    return DROP.TCP_ABORT_ON_DATA;
  }
  tcpDataQueue(m, sk, skb);
  afterSegment(m, sk);
  return 0;
});
