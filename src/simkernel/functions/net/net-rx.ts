import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { TICK_NS } from '../../memory/kernel-data.ts';
import type { NetDevice } from '../../net/device.ts';
import { DROP } from '../../net/drop-reasons.ts';
import type { SkBuff } from '../../net/skb.ts';
import { devGroReceive, GRO, groFlush } from './gro.ts';
import type { GroNode } from './gro.ts';
import { dropSkb } from './skb-free.ts';
import {
  napiGroReceiveEntry,
  napiGroReceiveExit,
  napiPollEvent,
  netifReceiveSkbEvent,
  netifRxEntry,
  netifRxEvent,
  netifRxExit,
} from '../../tracepoints/net.ts';
import { raiseSoftirq } from '../kernel/softirq-vectors.ts';
import { NET_RX_DROP } from '../../net/device.ts';

const NAPI = structFields('napi_struct', { weight: 'weight', poll: 'poll', gro: 'gro' });
const NAPI_WEIGHT = 64;
/** net.core.netdev_budget and its limit in time, two ticks: then others get the CPU. */
const NETDEV_BUDGET = 300;
const NETDEV_BUDGET_NS = 2 * TICK_NS;
/** net.core.netdev_max_backlog */
const MAX_BACKLOG = 1000;

/** struct napi_struct: how a driver's packets are fetched outside of its interrupt. */
export interface Napi extends KernelObject {
  /** None: the backlog of a CPU. */
  readonly device: { readonly name: string };
  /** Takes at most `budget` packets from the ring; returns how many. */
  readonly poll: { (m: Machine, napi: Napi, budget: number): number; readonly symbol: TextSymbol };
  scheduled: boolean;
  readonly gro: GroNode;
}
export function createNapi(m: Machine, device: { readonly name: string }, poll: Napi['poll']): Napi {
  const address = m.arena.allocate(NAPI.size, 64);
  m.words[(address + NAPI.weight) >> 2] = NAPI_WEIGHT;
  storeWord(m.words, address + NAPI.poll, { address: poll.symbol.entry });
  const gro = { address: address + NAPI.gro, held: [], deliver: netifReceiveSkb, isMerged: false };
  return { address, device, poll, scheduled: false, gro };
}

export const napiSchedulePrep = kernelFunction('napi_schedule_prep', 8, (_m, n: Napi): number => {
  if (n.scheduled) return 0;
  n.scheduled = true;
  return 1;
});
/** From a hard interrupt: the device goes on this CPU's list, the NET_RX softirq will look at it. */
export const napiScheduleIrqoff = kernelFunction('__napi_schedule_irqoff', 14, (m, n: Napi): void => {
  m.cpu.pollList.push(n);
  raiseSoftirq(m, m.cpu, 'NET_RX');
});
export const napiCompleteDone = kernelFunction('napi_complete_done', 20, (m, n: Napi, _workDone: number): number => {
  groFlush(m, n.gro);
  n.scheduled = false;
  return 1;
});

/** What takes packets of a protocol (struct packet_type); protocols register theirs with dev_add_pack(). */
export type PacketType = KernelObject & {
  readonly protocol: number;
  receive(m: Machine, skb: SkBuff, device: NetDevice, type: PacketType, original: NetDevice): number;
};
const packetTypes = new Map<number, PacketType>();
export function devAddPack(type: PacketType): void {
  packetTypes.set(type.protocol, type);
}

const receiveOneCore = kernelFunction(
  '__netif_receive_skb_one_core',
  22,
  (m, skb: SkBuff, _pfmemalloc: number): number => {
    const type = packetTypes.get(skb.protocol);
    const { device } = skb;
    if (type === undefined || device === null) {
      dropSkb(m, null, skb, DROP.NOT_SPECIFIED);
      return NET_RX_DROP;
    }
    return type.receive(m, skb, device, type, device);
  },
);
const innerNetifReceiveSkb = kernelFunction('__netif_receive_skb', 8, (m, skb: SkBuff): number =>
  receiveOneCore(m, skb, 0),
);
const netifReceiveSkb = kernelFunction('netif_receive_skb', 30, (m, skb: SkBuff): number => {
  netifReceiveSkbEvent(m, skb);
  return innerNetifReceiveSkb(m, skb);
});
/** What drivers call for each packet: it is put to others of its connection, or put aside until the poll is over. */
export const groReceiveSkb = kernelFunction('gro_receive_skb', 20, (m, gro: GroNode, skb: SkBuff): number => {
  napiGroReceiveEntry(m, skb);
  const result = devGroReceive(m, gro, skb);
  if (result === GRO.normal) netifReceiveSkb(m, skb);
  napiGroReceiveExit(m, result);
  return result;
});

/** softnet_data.backlog: packets that the loopback device put on a CPU's own queue. */
export interface Backlog extends Napi {
  readonly queue: SkBuff[];
}
function backlogOf(m: Machine): Backlog {
  const none = { name: '(no device)' };
  return (m.cpu.backlog ??= Object.assign(createNapi(m, none, processBacklog as Napi['poll']), { queue: [] }));
}
const processBacklog = kernelFunction('process_backlog', 20, (m, napi: Backlog, quota: number): number => {
  let work = 0;
  for (let skb = napi.queue.shift(); skb !== undefined; skb = napi.queue.shift()) {
    innerNetifReceiveSkb(m, skb);
    work += 1;
    if (work >= quota) return work;
  }
  napi.scheduled = false;
  return work;
});
const enqueueToBacklog = kernelFunction(
  'enqueue_to_backlog',
  22,
  (m, skb: SkBuff, _cpu: number, _qtail: null): number => {
    const napi = backlogOf(m);
    if (napi.queue.length >= MAX_BACKLOG) {
      dropSkb(m, null, skb, DROP.CPU_BACKLOG);
      return NET_RX_DROP;
    }
    napi.queue.push(skb);
    if (!napi.scheduled) {
      napi.scheduled = true;
      m.cpu.pollList.push(napi);
      raiseSoftirq(m, m.cpu, 'NET_RX');
    }
    return 0;
  },
);
const netifRxInternal = kernelFunction('netif_rx_internal', 14, (m, skb: SkBuff): number => {
  netifRxEvent(m, skb);
  return enqueueToBacklog(m, skb, m.cpu.id, null);
});
/** A packet that comes from no interrupt: it is received by this CPU's NET_RX softirq. */
export const netifRx = kernelFunction('__netif_rx', 10, (m, skb: SkBuff): number => {
  netifRxEntry(m, skb);
  const ret = netifRxInternal(m, skb);
  netifRxExit(m, ret);
  return ret;
});

const innerNapiPoll = kernelFunction('__napi_poll', 15, (m, n: Napi, _repoll: null): number => {
  const work = n.poll(m, n, NAPI_WEIGHT);
  napiPollEvent(m, n, work, NAPI_WEIGHT);
  // Older than a tick or not: with 250 ticks a second nothing waits for the next poll (gro_flush_normal).
  groFlush(m, n.gro);
  return work;
});
/** Polls devices in turn until none has more, or the budget or the time is used up: then the softirq is raised again. */
export const netRxAction = kernelFunction('net_rx_action', 40, (m): void => {
  const { cpu } = m;
  const limit = cpu.time + NETDEV_BUDGET_NS;
  let budget = NETDEV_BUDGET;
  for (let napi = cpu.pollList.shift(); napi !== undefined; napi = cpu.pollList.shift()) {
    const work = innerNapiPoll(m, napi, null);
    budget -= work;
    if (work >= NAPI_WEIGHT) cpu.pollList.push(napi);
    if (budget <= 0 || cpu.time >= limit) break;
  }
  if (cpu.pollList.length > 0) raiseSoftirq(m, cpu, 'NET_RX');
});
