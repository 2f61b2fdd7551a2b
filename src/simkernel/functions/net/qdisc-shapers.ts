import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { Qdisc } from '../../net/device.ts';
import { frameLength } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { watch } from './qdisc-watchdog.ts';
import { SECOND } from '../../time/units.ts';

/** Disciplines that hold packets back although the card would take them: net/sched/sch_tbf.c and sch_cbs.c. */

const BYTES_PER_MEGABIT = 125_000;

/** tbf rate 40mbit burst 16kb */
const TBF = { bytesPerSecond: 40 * BYTES_PER_MEGABIT, burst: 16_384 } as const;
/** cbs idleslope 20000 sendslope -980000 hicredit 30 locredit -1470, for a port of a gigabit. */
const PORT_BYTES_PER_SECOND = 1_000 * BYTES_PER_MEGABIT;
const CBS = {
  idleSlope: 20 * BYTES_PER_MEGABIT,
  sendSlope: -980 * BYTES_PER_MEGABIT,
  hiCredit: 30,
  loCredit: -1_470,
} as const;

const firstLength = (sch: Qdisc): number => frameLength(sch.queue[0]!.skb.packet);

export function isLongerThanBurst({ packet, gsoSize }: SkBuff): boolean {
  return gsoSize !== 0 && frameLength(packet) > TBF.burst;
}
/** Tokens, in bytes, arrive at the rate until the bucket is full; a packet needs as many as it is long. */
export const tbfDequeue = kernelFunction(
  'tbf_dequeue',
  30,
  (m: Machine, sch: Qdisc): SkBuff | null => {
    if (sch.queue.length === 0) return null;
    const now = m.cpu.time;
    const arrived = ((now - sch.last) * TBF.bytesPerSecond) / SECOND;
    const tokens = Math.min(TBF.burst, sch.credits + arrived) - firstLength(sch);
    if (tokens >= 0) {
      sch.last = now;
      sch.credits = tokens;
      return sch.queue.shift()!.skb;
    }
    watch(m, sch, now + Math.ceil((-tokens * SECOND) / TBF.bytesPerSecond));
    return null;
  },
  { module: 'sch_tbf' },
);

/** A queue that was idle starts without what it might have saved. */
export function startCredits(m: Machine, sch: Qdisc): void {
  if (sch.queue.length > 0 || sch.credits <= 0) return;
  sch.credits = 0;
  sch.last = m.cpu.time;
}
/** Credits are earned while nothing is sent and spent while something is; below zero nothing leaves. */
export const cbsDequeue = kernelFunction(
  'cbs_dequeue',
  30,
  (m: Machine, sch: Qdisc): SkBuff | null => {
    const now = m.cpu.time;
    if (now < sch.last) {
      if (sch.queue.length > 0) watch(m, sch, sch.last);
      return null;
    }
    if (sch.credits < 0) {
      const earned = ((now - sch.last) * CBS.idleSlope) / SECOND;
      sch.credits = Math.min(sch.credits + earned, CBS.hiCredit);
      sch.last = now;
      if (sch.credits < 0) {
        if (sch.queue.length > 0) watch(m, sch, now + Math.ceil((-sch.credits * SECOND) / CBS.idleSlope));
        return null;
      }
    }
    const packet = sch.queue.shift();
    if (packet === undefined) return null;
    const bytes = frameLength(packet.skb.packet);
    sch.credits = Math.max(sch.credits + (bytes * CBS.sendSlope) / PORT_BYTES_PER_SECOND, CBS.loCredit);
    sch.last = now + (bytes * SECOND) / PORT_BYTES_PER_SECOND;
    return packet.skb;
  },
  { module: 'sch_cbs' },
);
