import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { ETIMEDOUT } from '../../errno.ts';
import { MAX_RTO_NS, TCP_CA_LOSS, TCP_CA_RECOVERY, TCP_SYN_SENT } from '../../net/tcp-sock.ts';
import type { TcpSock, WriteTimer } from '../../net/tcp-sock.ts';
import { TCP_CLOSE } from '../../net/sock.ts';
import type { WheelTimer } from '../../irq/timer-list.ts';
import type { Machine } from '../../machine.ts';
import { tcpCongStateSet } from '../../tracepoints/tcp.ts';
import {
  armWriteTimer,
  tcpRearmRto,
  tcpRetransmitSkb,
  tcpSendAck,
  tcpSendLossProbe,
  tcpSendProbe0,
  tcpXmitRetransmitQueue,
} from './tcp-output.ts';
import { detectLoss } from './tcp-sack.ts';
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
/** Something is lost: less may be under way until all that was out then is acknowledged. */
export const enterRecovery = kernelFunction('tcp_enter_recovery', 20, (m, sk: TcpSock, _eceAck: boolean): void => {
  sk.highSeq = sk.sndNxt;
  sk.ssthresh = Math.max(Math.floor(sk.cwnd * 0.7), 2);
  sk.cwnd = sk.ssthresh;
  setCongestionState(m, sk, TCP_CA_RECOVERY);
});
/** The window starts again from one segment; all that is not known to have arrived is taken for lost. */
const tcpEnterLoss = kernelFunction('tcp_enter_loss', 30, (m, sk: TcpSock): void => {
  if (sk.caState !== TCP_CA_LOSS) sk.ssthresh = Math.max(Math.floor(sk.packetsOut * 0.7), 2);
  sk.cwnd = 1;
  sk.cwndCount = 0;
  sk.highSeq = sk.sndNxt;
  sk.tlpHighSeq = 0;
  for (const segment of sk.rtxQueue) {
    segment.retransmitted = false;
    segment.lost = !segment.sacked;
  }
  setCongestionState(m, sk, TCP_CA_LOSS);
});
/** Gives up when it has tried often enough. */
function hasGivenUp(m: Machine, sk: TcpSock): boolean {
  if (sk.state === TCP_SYN_SENT) return sk.retransmits >= SYN_RETRIES;
  // A peer that has taken its window back, but answers, will want the rest one day.
  if (sk.sndWnd === 0 && !sk.isOrphan) return m.cpu.time - sk.lastAck > MAX_RTO_NS;
  return sk.retransmits >= (sk.isOrphan ? ORPHAN_RETRIES : RETRIES);
}
const tcpRetransmitTimer = kernelFunction('tcp_retransmit_timer', 30, (m, sk: TcpSock): void => {
  const [first] = sk.rtxQueue;
  if (first === undefined) return;
  if (hasGivenUp(m, sk)) {
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
/** Who answers is asked for ever; who does not, or whose own user has left, not. */
const tcpProbeTimer = inlined(10, (m, sk: TcpSock): void => {
  if (sk.sendQueue.length === 0) return;
  if (sk.probesOut >= (sk.isOrphan ? ORPHAN_RETRIES : RETRIES)) tcpDoneWithError(m, sk, ETIMEDOUT);
  else tcpSendProbe0(m, sk);
});
/** What a little reordering could have explained is lost by now. */
const tcpRackReoTimeout = kernelFunction('tcp_rack_reo_timeout', 16, (m, sk: TcpSock): void => {
  detectLoss(m, sk);
  if (sk.rtxQueue.some(({ lost }) => lost)) {
    if (sk.caState < TCP_CA_RECOVERY) enterRecovery(m, sk, false);
    tcpXmitRetransmitQueue(m, sk);
  }
  if (sk.pending !== 'retransmit') tcpRearmRto(m, sk);
});
const HANDLERS: Readonly<Record<WriteTimer, (m: Machine, sk: TcpSock) => void>> = {
  none: () => undefined,
  retransmit: tcpRetransmitTimer,
  probe: tcpProbeTimer,
  'loss-probe': tcpSendLossProbe,
  reordering: tcpRackReoTimeout,
};
const tcpWriteTimerHandler = kernelFunction('tcp_write_timer_handler', 12, (m, sk: TcpSock): void => {
  if (sk.state === TCP_CLOSE) return;
  const { pending } = sk;
  sk.pending = 'none';
  HANDLERS[pending](m, sk);
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
