import { leave, takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { WheelTimer } from '../../irq/timer-list.ts';
import type { NetDevice } from '../../net/device.ts';
import { DROP } from '../../net/drop-reasons.ts';
import type { IpAddress } from '../../net/ip-address.ts';
import { createNeighbour, nextHop, NUD, NUD_CONNECTED, NUD_VALID, storeNeighbour } from '../../net/neighbour.ts';
import type { Neighbour } from '../../net/neighbour.ts';
import { IPPROTO_TCP, TCP_ACK } from '../../net/packet.ts';
import type { SkBuff } from '../../net/skb.ts';
import { SECOND } from '../../time/units.ts';
import {
  neighCreate,
  neighEventSendDone,
  neighTimerHandlerEvent,
  neighUpdateDone,
  neighUpdateEvent,
} from '../../tracepoints/neigh.ts';
import { arpSolicit } from './arp.ts';
import { devQueueXmit } from './dev-xmit.ts';
import { dropSkb } from './skb-free.ts';
import { createTimer, startTimer } from '../kernel/timer-wheel.ts';

/* net/core/neighbour.c: which hardware address packets for a host on the wire are sent to. */

/** net.ipv4.neigh.default.*: how long an answer is good for (a random time around it), how long a stale entry may be used unasked. */
const BASE_REACHABLE_NS = 30 * SECOND;
const DELAY_PROBE_NS = 5 * SECOND;
/** retrans_time_ms, mcast_solicit and ucast_solicit. */
const RETRANS_NS = SECOND;
const MOST_PROBES = 3;
/** unres_qlen_bytes holds about so many packets. */
const MOST_WAITING = 101;

function setState(m: Machine, n: Neighbour, state: number): void {
  n.state = state;
  n.updated = m.cpu.time;
  storeNeighbour(m, n);
}
const neighAddTimer = kernelFunction('neigh_add_timer', 8, (m, n: Neighbour, delayNs: number): void => {
  n.timer ??= createTimer(m, neighTimerHandler, n);
  startTimer(m, m.cpu, n.timer, delayNs);
});
/** Nobody answers: what waited is thrown away. */
const neighInvalidate = kernelFunction('neigh_invalidate', 20, (m, n: Neighbour): void => {
  for (const skb of n.waiting.splice(0)) dropSkb(m, null, skb, DROP.NEIGH_FAILED);
});
const neighProbe = kernelFunction('neigh_probe', 14, (m, n: Neighbour): void => {
  n.probes += 1;
  arpSolicit(m, n, n.waiting[0] ?? null);
});
/** Returns the state that the timer leaves, and when it is to look again; 0: not of itself. */
function nextState(m: Machine, n: Neighbour): { readonly state: number; readonly afterNs: number } {
  const now = m.cpu.time;
  if (n.state === NUD.reachable) {
    if (now < n.confirmed + BASE_REACHABLE_NS)
      return { state: NUD.reachable, afterNs: n.confirmed + BASE_REACHABLE_NS - now };
    if (now < n.used + DELAY_PROBE_NS) return { state: NUD.delay, afterNs: DELAY_PROBE_NS };
    return { state: NUD.stale, afterNs: 0 };
  }
  if (n.state === NUD.delay) {
    if (now < n.confirmed + DELAY_PROBE_NS) return { state: NUD.reachable, afterNs: BASE_REACHABLE_NS };
    return { state: NUD.probe, afterNs: RETRANS_NS };
  }
  if (n.probes >= MOST_PROBES) return { state: NUD.failed, afterNs: 0 };
  return { state: n.state, afterNs: RETRANS_NS };
}
const neighTimerHandler = kernelFunction('neigh_timer_handler', 30, (m, timer: WheelTimer): void => {
  const n = timer.owner as Neighbour;
  takeUp(m, n);
  if ((n.state & (NUD.incomplete | NUD_VALID)) !== 0 && n.state !== NUD.stale) {
    const { state, afterNs } = nextState(m, n);
    if (state === NUD.probe && n.state === NUD.delay) n.probes = 0;
    if (state !== n.state) setState(m, n, state);
    if (state === NUD.failed) neighInvalidate(m, n);
    if (afterNs > 0) neighAddTimer(m, n, afterNs);
    if ((state & (NUD.incomplete | NUD.probe)) !== 0) neighProbe(m, n);
  }
  neighTimerHandlerEvent(m, n, 0);
  leave(m, n);
});

/** Returns 0 when the packet may go, 1 when it waits for an answer. */
const neighEventSend = kernelFunction(
  '__neigh_event_send',
  25,
  (m, n: Neighbour, skb: SkBuff, _immediateOk: number): number => {
    let status = 0;
    if ((n.state & (NUD_VALID | NUD.incomplete)) === 0) {
      n.probes = 0;
      setState(m, n, NUD.incomplete);
      neighAddTimer(m, n, RETRANS_NS);
      n.waiting.push(skb);
      neighProbe(m, n);
      status = 1;
    } else if (n.state === NUD.incomplete) {
      if (n.waiting.length >= MOST_WAITING) dropSkb(m, null, n.waiting.shift()!, DROP.NEIGH_QUEUEFULL);
      n.waiting.push(skb);
      status = 1;
    } else if (n.state === NUD.stale) {
      setState(m, n, NUD.delay);
      neighAddTimer(m, n, DELAY_PROBE_NS);
    }
    neighEventSendDone(m, n, status);
    return status;
  },
);
const neighResolveOutput = kernelFunction('neigh_resolve_output', 20, (m, n: Neighbour, skb: SkBuff): number =>
  neighEventSend(m, n, skb, 1) === 0 ? devQueueXmit(m, skb, null) : 0,
);
/** An answer: the entry is good, and what waited goes. */
const neighUpdateLocked = kernelFunction(
  '__neigh_update',
  30,
  (
    m,
    n: Neighbour,
    lladdr: KernelObject & { readonly bytes: Uint8Array },
    state: number,
    flags: number,
    pid: number,
    _extack: null,
  ): number => {
    neighUpdateEvent(m, n, lladdr, state, flags, pid);
    n.hardware = lladdr.bytes;
    n.confirmed = m.cpu.time;
    n.probes = 0;
    setState(m, n, state);
    neighAddTimer(m, n, BASE_REACHABLE_NS * (0.5 + m.network.neighbourRandom.uniform()));
    for (const skb of n.waiting.splice(0)) devQueueXmit(m, skb, null);
    neighUpdateDone(m, n, 0);
    return 0;
  },
);
export const neighUpdate = kernelFunction(
  'neigh_update',
  10,
  (
    m,
    n: Neighbour,
    lladdr: KernelObject & { readonly bytes: Uint8Array },
    state: number,
    flags: number,
    pid: number,
  ): number => {
    takeUp(m, n);
    const status = neighUpdateLocked(m, n, lladdr, state, flags, pid, null);
    leave(m, n);
    return status;
  },
);

const neighCreateFunction = kernelFunction(
  '___neigh_create',
  120,
  (m, tbl: KernelObject, ip: KernelObject & { readonly of: IpAddress }, device: NetDevice): Neighbour => {
    const n = createNeighbour(m, device, ip.of);
    const { neighbours } = m.network;
    neighbours.set(ip.of, n);
    neighCreate(m, { address: tbl.address, entries: neighbours.size }, device, ip, n, 0);
    return n;
  },
);
/** How an IPv4 packet leaves through a card: to a neighbour whose address is known, or as soon as it is. */
export function neighOutput(m: Machine, device: NetDevice, skb: SkBuff): number {
  const { packet } = skb;
  const ip = nextHop(packet.destination);
  const n =
    m.network.neighbours.get(ip) ??
    neighCreateFunction(m, { address: m.scratch }, { address: m.scratch, of: ip }, device);
  takeUp(m, n);
  n.used = m.cpu.time;
  // sock_confirm_neigh(): a connection that goes on says that the way there works.
  if (packet.protocol === IPPROTO_TCP && (packet.flags & TCP_ACK) !== 0 && (n.state & NUD_VALID) !== 0)
    n.confirmed = m.cpu.time;
  if ((n.state & NUD_CONNECTED) !== 0) return devQueueXmit(m, skb, null);
  const status = neighResolveOutput(m, n, skb);
  leave(m, n);
  return status;
}
