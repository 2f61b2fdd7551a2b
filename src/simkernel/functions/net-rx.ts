import { kernelFunction } from '../execution/kernel-function.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import type { NetDevice } from '../net/device.ts';
import { freeSkb } from '../net/skb.ts';
import type { SkBuff } from '../net/skb.ts';
import { kfreeSkb, napiPollEvent, netifReceiveSkbEvent } from '../tracepoints/net.ts';
import { raiseSoftirq } from './softirq-vectors.ts';

const NAPI = structFields('napi_struct', { weight: 'weight', poll: 'poll' });
const NAPI_WEIGHT = 64;
/** net.core.netdev_budget and its limit in time, two ticks: then others get the CPU. */
const NETDEV_BUDGET = 300;
const NETDEV_BUDGET_NS = 2 * TICK_NS;
/** include/net/dropreason-core.h: nobody has a socket for it. */
const SKB_DROP_REASON_NO_SOCKET = 3;

/** struct napi_struct: how a driver's packets are fetched outside of its interrupt. */
export interface Napi extends KernelObject {
  readonly device: NetDevice & KernelObject;
  /** Takes at most `budget` packets from the ring; returns how many. */
  readonly poll: { (m: Machine, napi: Napi, budget: number): number; readonly symbol: TextSymbol };
  scheduled: boolean;
}
export function createNapi(m: Machine, device: NetDevice & KernelObject, poll: Napi['poll']): Napi {
  const address = m.arena.allocate(NAPI.size, 64);
  m.words[(address + NAPI.weight) >> 2] = NAPI_WEIGHT;
  storeWord(m.words, address + NAPI.poll, { address: poll.symbol.entry });
  return { address, device, poll, scheduled: false };
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
export const napiCompleteDone = kernelFunction('napi_complete_done', 20, (_m, n: Napi, _workDone: number): number => {
  n.scheduled = false;
  return 1;
});

const skReasonDrop = kernelFunction('sk_skb_reason_drop', 25, (m, sk: null, skb: SkBuff, reason: number): void => {
  kfreeSkb(m, skb, { address: ipRcv.symbol.entry }, reason, sk);
  freeSkb(m, skb);
});
const ipRcvCore = kernelFunction('ip_rcv_core', 35, (_m, skb: SkBuff, _net: null): SkBuff => skb);
/** Checks the header; without sockets on the machine every datagram ends here. */
const ipRcv = kernelFunction(
  'ip_rcv',
  20,
  (m, skb: SkBuff, _dev: KernelObject, _pt: null, _origDev: KernelObject): number => {
    skReasonDrop(m, null, ipRcvCore(m, skb, null), SKB_DROP_REASON_NO_SOCKET);
    return 1;
  },
);
export const netifReceiveSkb = kernelFunction('netif_receive_skb', 60, (m, skb: SkBuff): number => {
  netifReceiveSkbEvent(m, skb);
  const { stats } = skb.device;
  stats.rxPackets += 1;
  stats.rxBytes += skb.len;
  return ipRcv(m, skb, skb.device, null, skb.device);
});

const innerNapiPoll = kernelFunction('__napi_poll', 15, (m, n: Napi, _repoll: null): number => {
  const work = n.poll(m, n, NAPI_WEIGHT);
  napiPollEvent(m, n, work, NAPI_WEIGHT);
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
