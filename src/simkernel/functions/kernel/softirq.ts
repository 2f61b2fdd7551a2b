import { rcuCoreSi } from './rcu.ts';
import type { Softirq } from './softirq-vectors.ts';
import { SOFTIRQS, wakeupSoftirqd } from './softirq-vectors.ts';
import { irqDisable, irqEnable } from '../../cpu/local-apic.ts';
import { account } from '../../cpu/accounting.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelFunction } from '../../execution/kernel-function.ts';
import { irqPollSoftirq } from './irq-poll.ts';
import { netRxAction } from '../net/net-rx.ts';
import { netTxAction } from '../net/net-tx.ts';
import { taskletAction, taskletHiAction } from './tasklet.ts';
import { schedBalanceSoftirq } from './sched.ts';
import { hrtimerRunSoftirq } from './timer.ts';
import { runTimerSoftirq } from './timer-wheel.ts';
import { softirqEntry, softirqExit } from '../../tracepoints/irq.ts';
import { blkDoneSoftirq } from '../block/block.ts';

const HANDLERS: Partial<Record<Softirq, KernelFunction<[], void>>> = {
  HI: taskletHiAction,
  NET_TX: netTxAction,
  NET_RX: netRxAction,
  IRQ_POLL: irqPollSoftirq,
  TASKLET: taskletAction,
  TIMER: runTimerSoftirq,
  BLOCK: blkDoneSoftirq,
  SCHED: schedBalanceSoftirq,
  HRTIMER: hrtimerRunSoftirq,
  RCU: rcuCoreSi,
};

/** Runs what is pending, lowest vector first, with interrupts on. */
export const handleSoftirqs = kernelFunction('handle_softirqs', 30, (m, _ksirqd: number): void => {
  const { cpu } = m;
  account(cpu);
  cpu.softirqDepth += 1;
  const end = cpu.time + MAX_SOFTIRQ_NS;
  for (let rounds = 0; cpu.softirqPending !== 0 && rounds < MAX_RESTART; rounds += 1) {
    // The first round always runs.
    if (rounds > 0 && (cpu.time >= end || cpu.needResched)) break;
    const pending = cpu.softirqPending;
    cpu.softirqPending = 0;
    irqEnable(m);
    for (let vector = 0; vector < SOFTIRQS.length; vector += 1) {
      if ((pending & (1 << vector)) === 0) continue;
      m.softirqCounts[vector]![cpu.id]! += 1;
      softirqEntry(m, vector);
      HANDLERS[SOFTIRQS[vector]!]?.(m);
      softirqExit(m, vector);
    }
    irqDisable(m);
  }
  account(cpu);
  cpu.softirqDepth -= 1;
  if (cpu.softirqPending !== 0) wakeupSoftirqd(m, cpu);
});
/** kernel/softirq.c: MAX_SOFTIRQ_RESTART; what is left then is ksoftirqd's. */
const MAX_RESTART = 10;
/** MAX_SOFTIRQ_TIME */
const MAX_SOFTIRQ_NS = 2_000_000;

export const irqEnterRcu = kernelFunction('irq_enter_rcu', 8, (m): void => {
  account(m.cpu);
  m.cpu.hardirqDepth += 1;
});

/** Leaving the outermost interrupt runs pending softirqs. */
export const irqExitRcu = kernelFunction('irq_exit_rcu', 10, (m): void => {
  const { cpu } = m;
  account(cpu);
  cpu.hardirqDepth -= 1;
  if (cpu.hardirqDepth === 0 && cpu.softirqDepth === 0 && cpu.softirqPending !== 0) handleSoftirqs(m, 0);
});
