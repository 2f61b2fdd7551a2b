import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { localIrqRestore, localIrqSave } from './spinlock.ts';
import { handleSoftirqs } from './softirq.ts';
import { SOFTIRQS } from './softirq-vectors.ts';

const SOFTIRQ_DISABLE_OFFSET = 0x200;
const RCU_BIT = 1 << SOFTIRQS.indexOf('RCU');

const innerDoSoftirq = kernelFunction('__do_softirq', 6, (m): void => {
  // RCU's vector is raised by the tick, and only there; callbacks must not run within the section that queued them.
  const { cpu } = m;
  const rcu = cpu.softirqPending & RCU_BIT;
  cpu.softirqPending &= ~RCU_BIT;
  handleSoftirqs(m, 0);
  cpu.softirqPending |= rcu;
});
/** Runs what is pending on the way out of a section with bottom halves disabled. */
const doSoftirq = kernelFunction('do_softirq', 10, (m): void => {
  const flags = localIrqSave(m);
  innerDoSoftirq(m);
  localIrqRestore(m, flags);
});
const localBhEnableIp = kernelFunction('__local_bh_enable_ip', 6, (m, _ip: number, _count: number): void => {
  const { cpu } = m;
  cpu.bhDisabled -= 1;
  const canRun = cpu.bhDisabled === 0 && cpu.hardirqDepth === 0 && cpu.softirqDepth === 0;
  if (canRun && (cpu.softirqPending & ~RCU_BIT) !== 0) doSoftirq(m);
});

/** local_bh_disable() */
export function localBhDisable(m: Machine): void {
  m.cpu.bhDisabled += 1;
}
export function localBhEnable(m: Machine): void {
  localBhEnableIp(m, 0, SOFTIRQ_DISABLE_OFFSET);
}
