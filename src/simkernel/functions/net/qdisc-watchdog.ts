import { kernelFunction } from '../../execution/kernel-function.ts';
import { HRTIMER_MODE } from '../../irq/hrtimer.ts';
import type { HrTimer } from '../../irq/hrtimer.ts';
import type { Machine } from '../../machine.ts';
import type { Qdisc } from '../../net/device.ts';
import { raiseSoftirq } from '../kernel/softirq-vectors.ts';
import { setupHrTimer, startHrTimer } from '../kernel/timer.ts';

/** Has the NET_TX softirq of this CPU look at a queue. */
export const netifSchedule = kernelFunction('__netif_schedule', 15, (m, q: Qdisc): void => {
  if (q.scheduled) return;
  q.scheduled = true;
  m.cpu.outputQueue.push(q);
  raiseSoftirq(m, m.cpu, 'NET_TX');
});

const qdiscWatchdog = kernelFunction('qdisc_watchdog', 12, (m, timer: HrTimer): boolean => {
  netifSchedule(m, timer.owner as Qdisc);
  return false;
});
const QDISC_TIMER_MODE = HRTIMER_MODE.pinned;
const scheduleRange = kernelFunction(
  'qdisc_watchdog_schedule_range_ns',
  15,
  (m, watchdog: HrTimer, expires: number, _delta: number): void => {
    if (watchdog.queuedOn !== null && watchdog.expires === expires) return;
    startHrTimer(m, watchdog, expires, QDISC_TIMER_MODE);
  },
);
/** qdisc_watchdog_schedule_ns(): nothing may be sent before then. */
export function watch(m: Machine, q: Qdisc, expires: number): void {
  q.watchdog ??= setupHrTimer(m, qdiscWatchdog, q, QDISC_TIMER_MODE);
  scheduleRange(m, q.watchdog, expires, 0);
}
