import type { Machine } from '../../machine.ts';
import { SOCK } from '../../net/sock.ts';
import { ICSK } from '../../net/tcp-sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { createSockTimer } from './sock-timer.ts';
import { tcpDelackTimer, tcpWriteTimer } from './tcp-timer.ts';

/** inet_csk_init_xmit_timers() */
export function initTcpTimers(m: Machine, sk: TcpSock): void {
  sk.writeTimer = createSockTimer(m, sk.address + SOCK.retransmitTimer, tcpWriteTimer, sk);
  sk.delackTimer = createSockTimer(m, sk.address + ICSK.delackTimer, tcpDelackTimer, sk);
}
