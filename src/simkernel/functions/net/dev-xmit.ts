import { leave, takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { createNetDevice, IFA_F_PERMANENT } from '../../net/device.ts';
import type { NetDevice, Qdisc } from '../../net/device.ts';
import { LOOPBACK_V4, LOOPBACK_V6 } from '../../net/ip-address.ts';
import { frameLength, setSkbOwner } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { netDevQueue } from '../../tracepoints/net.ts';
import { localBhDisable, localBhEnable } from '../kernel/bottom-half.ts';
import { netifRx } from './net-rx.ts';
import { devHardStartXmit, NETDEV_TX_BUSY, NETDEV_TX_OK, qdiscRun } from './net-tx.ts';
import { QDISCS } from './qdisc.ts';

const LOOPBACK_MTU = 65_536;
const IPV6_ADDR_LOOPBACK = 0x10;

/** skb_tx_hash(): a flow keeps its queue. */
function pickQueue({ qdiscs }: NetDevice, { packet }: SkBuff): Qdisc | undefined {
  return qdiscs.length < 2
    ? qdiscs[0]
    : qdiscs[(Math.imul(packet.sport ^ (packet.dport << 4), 0x9e3779b1) >>> 16) % qdiscs.length];
}

/** Queues a packet for its device. A packet for the machine itself is received before this returns. */
export const devQueueXmit = kernelFunction('__dev_queue_xmit', 45, (m, skb: SkBuff, _sbDev: null): number => {
  const { device } = skb;
  if (device === null) return NETDEV_TX_BUSY;
  netDevQueue(m, skb);
  localBhDisable(m);
  let rc = NETDEV_TX_OK;
  const qdisc = pickQueue(device, skb);
  if (qdisc === undefined) {
    rc = devHardStartXmit(m, skb, device, null, null);
  } else {
    takeUp(m, qdisc);
    rc = QDISCS[qdisc.kind].enqueue(m, skb, qdisc, null);
    qdiscRun(m, qdisc);
    leave(m, qdisc);
  }
  localBhEnable(m);
  return rc;
});

const loopbackXmit = kernelFunction('loopback_xmit', 25, (m, skb: SkBuff, device: NetDevice): number => {
  // skb_orphan(): the receiver's socket will own it.
  setSkbOwner(m, skb, null);
  const bytes = frameLength(skb.packet);
  device.stats.txPackets += 1;
  device.stats.txBytes += bytes;
  device.stats.rxPackets += 1;
  device.stats.rxBytes += bytes;
  netifRx(m, skb);
  return NETDEV_TX_OK;
});

/** lo: every machine has it. */
export function createLoopback(m: Machine): NetDevice {
  return createNetDevice(m, {
    name: 'lo',
    mtu: LOOPBACK_MTU,
    inet6: { address: `${'0'.repeat(31)}1`, prefix: 128, scope: IPV6_ADDR_LOOPBACK, flags: IFA_F_PERMANENT },
    hasArp: false,
    addresses: [LOOPBACK_V4, LOOPBACK_V6],
    transmit: loopbackXmit,
    queues: [],
  });
}
