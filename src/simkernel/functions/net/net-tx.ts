import { leave, takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { NetDevice, Qdisc } from '../../net/device.ts';
import type { SkBuff } from '../../net/skb.ts';
import { netDevStartXmit, netDevXmit } from '../../tracepoints/net.ts';
import { QDISCS } from './qdisc.ts';
import { netifSchedule } from './qdisc-watchdog.ts';

/** netdev_tx_t */
export const NETDEV_TX_OK = 0;
export const NETDEV_TX_BUSY = 16;

export const devHardStartXmit = kernelFunction(
  'dev_hard_start_xmit',
  25,
  (m, skb: SkBuff, device: NetDevice, _queue: null, _ret: null): number => {
    const { len } = skb;
    netDevStartXmit(m, skb, device);
    const rc = device.transmit?.(m, skb, device) ?? NETDEV_TX_BUSY;
    netDevXmit(m, skb, rc, device, len);
    return rc;
  },
);

const schDirectXmit = kernelFunction(
  'sch_direct_xmit',
  25,
  (m, skb: SkBuff, q: Qdisc, device: NetDevice, _queue: null, _lock: null, _validate: number): number => {
    const rc = devHardStartXmit(m, skb, device, null, null);
    if (rc === NETDEV_TX_OK) return 1;
    q.queue.unshift({ skb, atNs: m.cpu.time });
    q.stopped = true;
    return 0;
  },
);
/** Hands packets to the driver until there are none, its ring is full, or the discipline says later. */
export const qdiscRun = kernelFunction('__qdisc_run', 12, (m, q: Qdisc): void => {
  while (!q.stopped) {
    const skb = QDISCS[q.kind].dequeue(m, q);
    if (skb === null || schDirectXmit(m, skb, q, q.device, null, null, 1) === 0) return;
  }
});

/** netif_wake_queue(): the driver's ring has room again. */
export function wakeQueue(m: Machine, device: NetDevice): void {
  for (const qdisc of device.qdiscs) {
    if (!qdisc.stopped) continue;
    qdisc.stopped = false;
    if (qdisc.queue.length > 0) netifSchedule(m, qdisc);
  }
}

/** The NET_TX softirq. */
export const netTxAction = kernelFunction('net_tx_action', 30, (m): void => {
  for (const qdisc of m.cpu.outputQueue.splice(0)) {
    qdisc.scheduled = false;
    takeUp(m, qdisc);
    qdiscRun(m, qdisc);
    leave(m, qdisc);
  }
});
