import type { HandOver } from '../execution/hand-over.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { IpAddress } from './ip-address.ts';
import type { SkBuff } from './skb.ts';

const NET_DEVICE = structFields('net_device', { name: 'name', ifindex: 'ifindex', mtu: 'mtu' });

/** include/linux/netdevice.h: what became of a packet that the network layer was given. */
export const NET_RX_DROP = 1;
/** include/uapi/linux/if_addr.h: an address without end. */
export const IFA_F_PERMANENT = 0x80;

/** Its IPv6 address (32 hex digits), prefix length, scope and flags, as /proc/net/if_inet6 has them. */
export interface Inet6 {
  readonly address: string;
  readonly prefix: number;
  readonly scope: number;
  readonly flags: number;
}

/** struct net_device with its rtnl_link_stats64, as far as the machine counts. */
export interface NetDevice extends KernelObject {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly stats: Record<'rxPackets' | 'rxBytes' | 'rxDropped' | 'txPackets' | 'txBytes', number>;
  readonly inet6: Inet6 | null;
  /** Not IFF_NOARP: hosts behind it have hardware addresses, which must be asked for. */
  readonly hasArp: boolean;
  /** The machine's own addresses on it. */
  readonly addresses: readonly IpAddress[];
  /** ndo_start_xmit; null for a device that only receives. */
  transmit: { (m: Machine, skb: SkBuff, device: NetDevice): number; readonly symbol: TextSymbol } | null;
  /** What packets wait in, one for each transmit queue; none for devices that send at once. */
  readonly qdiscs: readonly Qdisc[];
}
/** Queueing disciplines that the machine knows (functions/net/qdisc.ts). */
export type QdiscKind = 'fq_codel' | 'fq' | 'codel' | 'red' | 'tbf' | 'cbs';
/** struct Qdisc. */
export interface Qdisc extends KernelObject, HandOver {
  readonly kind: QdiscKind;
  readonly device: NetDevice;
  /** In the order in which they came, with the time of that. */
  readonly queue: QueuedPacket[];
  /** codel: since when packets have waited too long; red: the average length. */
  since: number;
  average: number;
  /** fq: the flow that had its turn last. */
  lastFlow: string;
  /** __QUEUE_STATE_DRV_XOFF: the driver's ring is full. */
  stopped: boolean;
  /** __QDISC_STATE_SCHED: the NET_TX softirq will look at it. */
  scheduled: boolean;
  /** tbf and cbs: bytes that may be sent, as of `last`, and what wakes the queue when there are enough. */
  credits: number;
  last: number;
  watchdog: HrTimer | null;
}

const QDISC_SIZE = 384;
export interface QueuedPacket {
  readonly skb: SkBuff;
  readonly atNs: number;
}

/** Makes the struct of a device and gives it the next index. */
export function createNetDevice(
  m: Machine,
  parts: Pick<NetDevice, 'name' | 'mtu' | 'inet6' | 'hasArp' | 'addresses' | 'transmit'> & {
    readonly queues: readonly QdiscKind[];
  },
): NetDevice {
  const address = m.arena.allocate(NET_DEVICE.size, 64);
  const index = m.netDevices.length + 1;
  storeText(m.arena.bytes, address + NET_DEVICE.name, parts.name, 16);
  m.words[(address + NET_DEVICE.ifindex) >> 2] = index;
  m.words[(address + NET_DEVICE.mtu) >> 2] = parts.mtu;
  const { name, mtu, inet6, hasArp, addresses, transmit } = parts;
  const qdiscs: Qdisc[] = [];
  const device: NetDevice = {
    address,
    name,
    index,
    mtu,
    stats: { rxPackets: 0, rxBytes: 0, rxDropped: 0, txPackets: 0, txBytes: 0 },
    inet6,
    hasArp,
    addresses,
    transmit,
    qdiscs,
  };
  for (const kind of parts.queues) {
    const address = m.arena.allocate(QDISC_SIZE);
    qdiscs.push({
      address,
      kind,
      device,
      queue: [],
      since: Infinity,
      average: 0,
      lastFlow: '',
      stopped: false,
      scheduled: false,
      credits: 0,
      last: 0,
      watchdog: null,
      leftAt: 0,
    });
  }
  m.netDevices.push(device);
  return device;
}
