import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { removeFromPort } from '../../net/network.ts';
import type { NetDevice } from '../../net/device.ts';
import { TCP_CLOSE } from '../../net/sock.ts';
import { TCP_LISTEN } from '../../net/tcp-sock.ts';
import type { TcpSock, TimeWaitSock } from '../../net/tcp-sock.ts';
import { inetSockSetState } from '../../tracepoints/sock.ts';
import { tcpDestroySock } from '../../tracepoints/tcp.ts';
import { callRcu } from '../kernel/rcu.ts';
import { freeSkbMemory, kfreeSkbQuietly } from './skb-free.ts';
import { reportError, sockDefWakeup } from './sock-wake.ts';
import { stopSockTimer } from './sock-timer.ts';

export const TIME_WAIT_NS = 60e9;

/** The one place where a socket's TCP state changes; a closed one can no longer be found by packets. */
export const tcpSetState = kernelFunction('tcp_set_state', 14, (m, sk: TcpSock, state: number): void => {
  const old = sk.state;
  if (state === TCP_CLOSE) {
    if (old === TCP_LISTEN) removeFromPort(m.network.listeners, sk);
    else m.network.removeConnection(sk);
  }
  changeState(m, sk, state);
});
/** inet_sk_set_state(): for changes that no port depends on. */
export function changeState(m: Machine, sk: TcpSock, state: number): void {
  inetSockSetState(m, sk, sk.state, state);
  sk.setState(m, state);
}

const tcpV4DestroySock = kernelFunction('tcp_v4_destroy_sock', 60, (m, sk: TcpSock): void => {
  tcpDestroySock(m, sk);
  stopSockTimer(m, sk.writeTimer);
  stopSockTimer(m, sk.delackTimer);
  for (const segment of [...sk.sendQueue.splice(0), ...sk.rtxQueue.splice(0)]) freeSkbMemory(m, segment.memory);
  for (const skb of [...sk.receiveQueue.splice(0), ...sk.outOfOrder.splice(0)]) kfreeSkbQuietly(m, skb);
});
/** The end of a socket that its user has closed. */
export const inetCskDestroySock = kernelFunction('inet_csk_destroy_sock', 45, (m, sk: TcpSock): void => {
  if (sk.isDestroyed) return;
  sk.isDestroyed = true;
  tcpV4DestroySock(m, sk);
  // Whoever runs right now may still hold the address: freed when nobody can.
  callRcu(m, () => callRcu(m, () => sk.free(m)));
});

export const tcpDone = kernelFunction('tcp_done', 20, (m, sk: TcpSock): void => {
  stopSockTimer(m, sk.writeTimer);
  stopSockTimer(m, sk.delackTimer);
  tcpSetState(m, sk, TCP_CLOSE);
  sk.addShutdown(m, 3);
  if (sk.isOrphan) inetCskDestroySock(m, sk);
  else sockDefWakeup(m, sk);
});
/** tcp_done_with_error(): the connection is over and its user is told why. */
export function tcpDoneWithError(m: Machine, sk: TcpSock, error: number): void {
  reportError(m, sk, error);
  tcpDone(m, sk);
}
/** The socket goes; something small stays that answers late packets. */
export const tcpTimeWait = kernelFunction(
  'tcp_time_wait',
  70,
  (m, sk: TcpSock, _state: number, timeoutNs: number): void => {
    const { local, remote, num, dport, sndNxt, rcvNxt } = sk;
    const device = sk.device as NetDevice;
    m.network.removeConnection(sk);
    const tw: TimeWaitSock = {
      isTimeWait: true,
      local,
      remote,
      num,
      dport,
      sndNxt,
      rcvNxt,
      device,
      untilNs: m.cpu.time + timeoutNs,
    };
    m.network.addTimeWait(tw);
    tcpDone(m, sk);
  },
);
