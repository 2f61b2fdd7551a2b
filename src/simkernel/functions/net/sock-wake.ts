import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { Sock } from '../../net/sock.ts';
import type { TcpSock } from '../../net/tcp-sock.ts';
import { inetSkErrorReport, skDataReady } from '../../tracepoints/sock.ts';
import { EPOLL } from '../fs/poll-events.ts';
import { wakeAll, wakeInterruptible } from '../kernel/wait-queue.ts';

/** sk_data_ready: somebody may read. */
export const sockDefReadable = kernelFunction('sock_def_readable', 16, (m, sk: Sock): void => {
  skDataReady(m, sk);
  if (sk.socket !== null) wakeInterruptible(m, sk.socket.queue, EPOLL.IN | EPOLL.RDNORM);
});
/** sk_state_change: connected, shut down, closed. */
export const sockDefWakeup = kernelFunction('sock_def_wakeup', 12, (m, sk: Sock): void => {
  if (sk.socket !== null) wakeAll(m, sk.socket.queue);
});
/** sk_error_report */
const sockDefErrorReport = kernelFunction('sock_def_error_report', 14, (m, sk: Sock): void => {
  if (sk.socket !== null) wakeInterruptible(m, sk.socket.queue, EPOLL.ERR);
});
export function reportError(m: Machine, sk: Sock, error: number): void {
  sk.setError(error);
  inetSkErrorReport(m, sk);
  sockDefErrorReport(m, sk);
}
/** sk_write_space of streams: enough of the send buffer is free again for whoever found it full. */
export const skStreamWriteSpace = kernelFunction('sk_stream_write_space', 12, (m, sk: TcpSock): void => {
  if (sk.socket === null || !hasWriteSpace(sk)) return;
  sk.noSpace = false;
  wakeInterruptible(m, sk.socket.queue, EPOLL.OUT | EPOLL.WRNORM);
});
/** sk_stream_is_writeable(): a third is free, so that nobody is woken for less. */
export function hasWriteSpace(sk: Sock): boolean {
  return sk.sndbuf - sk.wmemQueued >= sk.wmemQueued / 2;
}
/** sk_stream_memory_free(): who is sending goes on until the buffer is full. */
export function hasMemory(sk: Sock): boolean {
  return sk.wmemQueued < sk.sndbuf;
}
