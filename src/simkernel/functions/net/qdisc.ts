import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { Qdisc, QdiscKind } from '../../net/device.ts';
import { DROP } from '../../net/drop-reasons.ts';
import type { SkBuff } from '../../net/skb.ts';
import { gsoSegment } from './gso.ts';
import { cbsDequeue, isLongerThanBurst, startCredits, tbfDequeue } from './qdisc-shapers.ts';
import { consumeSkb, dropSkb } from './skb-free.ts';

/** net/sched: what may happen to packets that wait for their device. */

/** Packets that a queue takes at most. */
const LIMITS: Readonly<Record<QdiscKind, number>> = {
  fq_codel: 10_240,
  fq: 10_000,
  codel: 1_000,
  red: 1_000,
  tbf: 600,
  cbs: 1_000,
};
const NET_XMIT_DROP = 1;

function append(m: Machine, skb: SkBuff, sch: Qdisc): number {
  if (sch.queue.length >= LIMITS[sch.kind]) return drop(m, skb);
  sch.queue.push({ skb, atNs: m.cpu.time });
  return 0;
}
function drop(m: Machine, skb: SkBuff): number {
  dropSkb(m, null, skb, DROP.QDISC_DROP);
  return NET_XMIT_DROP;
}
/** tbf_segment(): the bucket never has enough for such a packet, so its parts go one by one. */
function appendCut(m: Machine, skb: SkBuff, sch: Qdisc): number {
  for (const part of gsoSegment(m, skb, 0, 0)) append(m, part, sch);
  consumeSkb(m, skb);
  return 0;
}
const first = (sch: Qdisc): SkBuff | null => sch.queue.shift()?.skb ?? null;

interface Discipline {
  enqueue(m: Machine, skb: SkBuff, sch: Qdisc, toFree: null): number;
  dequeue(m: Machine, sch: Qdisc): SkBuff | null;
}

/** Fair queueing: each flow's first packet in turn. */
const flowOf = ({ packet }: SkBuff): string =>
  `${packet.protocol} ${packet.sport} ${packet.destination.text} ${packet.dport}`;
function nextOfOtherFlow(sch: Qdisc): SkBuff | null {
  const { queue, lastFlow } = sch;
  const at = Math.max(
    0,
    queue.findIndex(({ skb }) => flowOf(skb) !== lastFlow),
  );
  const [taken] = queue.splice(at, 1);
  if (taken === undefined) return null;
  sch.lastFlow = flowOf(taken.skb);
  return taken.skb;
}

/** Controlled delay: packets that have waited too long, for too long, are dropped. */
const TARGET_NS = 5_000_000;
const INTERVAL_NS = 100_000_000;
function withoutStandingQueue(m: Machine, sch: Qdisc): SkBuff | null {
  const now = m.cpu.time;
  for (;;) {
    const packet = sch.queue.shift();
    if (packet === undefined) return null;
    if (now - packet.atNs < TARGET_NS) {
      sch.since = Infinity;
      return packet.skb;
    }
    sch.since = Math.min(sch.since, now);
    if (now - sch.since < INTERVAL_NS) return packet.skb;
    sch.since = now;
    drop(m, packet.skb);
  }
}

/** Random early detection: the longer the queue is on average, the likelier a packet is dropped at its door. */
const WEIGHT = 1 / 512;
const MIN_LENGTH = 30;
const MAX_LENGTH = 90;
const MAX_PROBABILITY = 0.02;
function isEarlyDrop(m: Machine, sch: Qdisc): boolean {
  sch.average += (sch.queue.length - sch.average) * WEIGHT;
  if (sch.average < MIN_LENGTH) return false;
  const part = (sch.average - MIN_LENGTH) / (MAX_LENGTH - MIN_LENGTH);
  return part >= 1 || m.random.stream('red').chance(part * MAX_PROBABILITY);
}

export const QDISCS: Readonly<Record<QdiscKind, Discipline>> = {
  // As far as one queue in order of arrival is one.
  fq_codel: {
    enqueue: kernelFunction('fq_codel_enqueue', 40, (m, skb: SkBuff, sch: Qdisc, _toFree: null): number =>
      append(m, skb, sch),
    ),
    dequeue: kernelFunction('fq_codel_dequeue', 40, (_m, sch: Qdisc): SkBuff | null => first(sch)),
  },
  fq: {
    enqueue: kernelFunction(
      'fq_enqueue',
      55,
      (m, skb: SkBuff, sch: Qdisc, _toFree: null): number => append(m, skb, sch),
      { module: 'sch_fq' },
    ),
    dequeue: kernelFunction('fq_dequeue', 50, (_m, sch: Qdisc): SkBuff | null => nextOfOtherFlow(sch), {
      module: 'sch_fq',
    }),
  },
  codel: {
    enqueue: kernelFunction(
      'codel_qdisc_enqueue',
      25,
      (m, skb: SkBuff, sch: Qdisc, _toFree: null): number => append(m, skb, sch),
      { module: 'sch_codel' },
    ),
    dequeue: kernelFunction('codel_qdisc_dequeue', 45, (m, sch: Qdisc): SkBuff | null => withoutStandingQueue(m, sch), {
      module: 'sch_codel',
    }),
  },
  red: {
    enqueue: kernelFunction(
      'red_enqueue',
      40,
      (m, skb: SkBuff, sch: Qdisc, _toFree: null): number => (isEarlyDrop(m, sch) ? drop(m, skb) : append(m, skb, sch)),
      { module: 'sch_red' },
    ),
    dequeue: kernelFunction('red_dequeue', 30, (_m, sch: Qdisc): SkBuff | null => first(sch), { module: 'sch_red' }),
  },
  tbf: {
    enqueue: kernelFunction(
      'tbf_enqueue',
      40,
      (m, skb: SkBuff, sch: Qdisc, _toFree: null): number =>
        isLongerThanBurst(skb) ? appendCut(m, skb, sch) : append(m, skb, sch),
      { module: 'sch_tbf' },
    ),
    dequeue: tbfDequeue,
  },
  cbs: {
    enqueue: kernelFunction(
      'cbs_enqueue',
      35,
      (m, skb: SkBuff, sch: Qdisc, _toFree: null): number => {
        startCredits(m, sch);
        return append(m, skb, sch);
      },
      { module: 'sch_cbs' },
    ),
    dequeue: cbsDequeue,
  },
};
