import { kernelFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import { takeUp } from '../../execution/hand-over.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { IpAddress } from '../../net/ip-address.ts';
import { addToPort } from '../../net/network.ts';
import { MSG_DONTWAIT, MSG_PEEK, SHUTDOWN_RCV } from '../../net/sock.ts';
import type { Message, Sock } from '../../net/sock.ts';
import { EADDRINUSE, EAGAIN, EFAULT, EINTR } from '../../errno.ts';
import { skbCopyDatagramIter } from './skb-copy.ts';
import { consumeSkb } from './skb-free.ts';
import { sleepOn } from '../kernel/wait-queue.ts';

/** What sockets for datagrams have in common (net/core/datagram.c). */

export function bindDatagram(m: Machine, sk: Sock, ip: IpAddress, port: number): number {
  const table = m.network.datagramsOf(sk.protocol);
  if (port !== 0 && (table.get(port) ?? []).some(({ local }) => local === ip)) return -EADDRINUSE;
  sk.setLocal(m, ip, port === 0 ? m.network.ephemeralDatagramPort(table) : port);
  addToPort(table, sk);
  return 0;
}

const waitForMore = kernelFunction(
  '__skb_wait_for_more_packets',
  30,
  (m, sk: Sock, _queue: null, _err: number, _timeo: number, _skb: null): Result =>
    sk.socket === null
      ? 0
      : sleepOn(m, sk.socket.queue, () => sk.receiveQueue.length > 0 || sk.error !== 0 || sk.shutdown !== 0, true),
);
/** Takes the first packet of the queue, or waits for one. */
export const receiveDatagram = function* (m: Machine, sk: Sock, message: Message, size: number, flags: number) {
  const { socket } = sk;
  for (;;) {
    takeUp(m, sk);
    const [skb] = sk.receiveQueue;
    if (skb !== undefined) {
      const n = Math.min(size, skb.len);
      if (skbCopyDatagramIter(m, skb, 0, { address: m.scratch, message, done: 0 }, n) !== 0) return -EFAULT;
      const { source, sport } = skb.packet;
      const family = source.family;
      message.name = { family, ip: source, port: sport };
      if ((flags & MSG_PEEK) === 0) {
        sk.receiveQueue.shift();
        sk.addReceived(-skb.truesize);
        consumeSkb(m, skb);
      }
      return n;
    }
    if (sk.error !== 0) return sk.takeError();
    if ((sk.shutdown & SHUTDOWN_RCV) !== 0 || socket === null) return 0;
    if ((flags & MSG_DONTWAIT) !== 0) return -EAGAIN;
    if (m.cpu.current.pendingSignal !== 0) return -EINTR;
    yield* wait(waitForMore(m, sk, null, 0, 0, null));
  }
};
