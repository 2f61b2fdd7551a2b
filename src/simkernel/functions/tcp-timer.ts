import { inlined, kernelFunction } from '../execution/kernel-function.ts';
import { leave, takeUp } from '../execution/hand-over.ts';
import { ETIMEDOUT } from '../errno.ts';
import { MAX_RTO_NS, TCP_CA_LOSS, TCP_SYN_SENT } from '../net/tcp-sock.ts';
import type { TcpSock } from '../net/tcp-sock.ts';
import { TCP_CLOSE } from '../net/sock.ts';
import type { WheelTimer } from '../irq/timer-list.ts';
import type { Machine } from '../machine.ts';
import { tcpCongStateSet } from '../tracepoints/tcp.ts';
import { armWriteTimer, tcpRetransmitSkb, tcpSendAck, tcpSendProbe0 } from './tcp-output.ts';
import { isSockTimerDue, resetSockTimer } from './sock-timer.ts';
import { tcpDoneWithError } from './tcp-state.ts';

/** net.ipv4.tcp_syn_retries, tcp_retries2 and tcp_orphan_retries. */
const SYN_RETRIES = 6;
const RETRIES = 15;
const ORPHAN_RETRIES = 8;
/** How soon a timer looks again that found the socket in use. */
const BUSY_NS = 4e6;

export function setCongestionState(m: Machine, sk: TcpSock, state: number): void {
  if (sk.caState === state) return;
  tcpCongStateSet(m, sk, state);
  sk.caState = state;
}
/** The window starts again from one segment. */
const tcpEnterLoss = kernelFunction('tcp_enter_loss', 30, (m, sk: TcpSock): void => {
  if (sk.caState !== TCP_CA_LOSS) sk.ssthresh = Math.max(Math.floor(sk.packetsOut * 0.7), 2);
  sk.cwnd = 1;
  sk.cwndCount = 0;
  sk.highSeq = sk.sndNxt;
  sk.dupAcks = 0;
  // The others may well have arrived: each acknowledgement tells where the next gap is.
  for (const segment of sk.rtxQueue) segment.retransmitted = false;
  setCongestionState(m, sk, TCP_CA_LOSS);
});
/** Gives up when it has tried often enough. */
function hasGivenUp(sk: TcpSock): boolean {
  if (sk.state === TCP_SYN_SENT) return sk.retransmits >= SYN_RETRIES;
  return sk.retransmits >= (sk.isOrphan ? ORPHAN_RETRIES : RETRIES);
}
const tcpRetransmitTimer = kernelFunction('tcp_retransmit_timer', 30, (m, sk: TcpSock): void => {
  const [first] = sk.rtxQueue;
  if (first === undefined) return;
  if (hasGivenUp(sk)) {
    tcpDoneWithError(m, sk, ETIMEDOUT);
    return;
  }
  if (sk.state !== TCP_SYN_SENT) tcpEnterLoss(m, sk);
  sk.retransmits += 1;
  tcpRetransmitSkb(m, sk, first, 1);
  // Linux starts with linear timeouts for a while only for thin streams: this is the exponential backoff of all others.
  sk.rtoNs = Math.min(sk.rtoNs * 2, MAX_RTO_NS);
  armWriteTimer(m, sk, sk.rtoNs);
});
const tcpProbeTimer = inlined(10, (m, sk: TcpSock): void => {
  if (sk.sendQueue.length > 0) tcpSendProbe0(m, sk);
});
const tcpWriteTimerHandler = kernelFunction('tcp_write_timer_handler', 12, (m, sk: TcpSock): void => {
  if (sk.state === TCP_CLOSE) return;
  if (sk.rtxQueue.length > 0) tcpRetransmitTimer(m, sk);
  else tcpProbeTimer(m, sk);
});
export const tcpWriteTimer = kernelFunction('tcp_write_timer', 12, (m, timer: WheelTimer): void => {
  const sk = timer.owner as TcpSock;
  takeUp(m, sk);
  if (!isSockTimerDue(m, sk.writeTimer)) return;
  if (sk.owned) resetSockTimer(m, sk.writeTimer, BUSY_NS);
  else tcpWriteTimerHandler(m, sk);
  leave(m, sk);
});

const tcpDelackTimerHandler = kernelFunction('tcp_delack_timer_handler', 12, (m, sk: TcpSock): void => {
  if (sk.state === TCP_CLOSE || sk.ackPending === 0) return;
  // The other side does not talk in turn after all.
  sk.pingpong = false;
  tcpSendAck(m, sk);
});
export const tcpDelackTimer = kernelFunction('tcp_delack_timer', 10, (m, timer: WheelTimer): void => {
  const sk = timer.owner as TcpSock;
  takeUp(m, sk);
  if (!isSockTimerDue(m, sk.delackTimer)) return;
  if (sk.owned) resetSockTimer(m, sk.delackTimer, BUSY_NS);
  else tcpDelackTimerHandler(m, sk);
  leave(m, sk);
});
