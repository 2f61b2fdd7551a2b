import { EFAULT } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { schedule } from './sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { hrtimerNanosleep, HRTIMER_MODE_REL } from './timer.ts';

/* How a program gives its CPU away: for a time, or for as long as others want it. */

systemCall('sched_yield', 60, (m) => schedule(m));
function readTimespec(m: Machine, address: number): number {
  const at = m.cpu.current.process?.mm.find(address, 16) ?? -1;
  if (at < 0) return -1;
  const { view } = m.arena;
  return view.getUint32(at, true) * 1e9 + view.getUint32(at + 8, true);
}
const commonNsleep = kernelFunction('common_nsleep', 14, (m, clock: number, _flags: number, ns: number): Result =>
  hrtimerNanosleep(m, ns, HRTIMER_MODE_REL, clock),
);
systemCall('nanosleep', 35, (m, rqtp) => {
  const ns = readTimespec(m, rqtp);
  return ns < 0 ? -EFAULT : hrtimerNanosleep(m, ns, HRTIMER_MODE_REL, 1);
});
systemCall('clock_nanosleep', 35, (m, clock, flags, rqtp) => {
  const ns = readTimespec(m, rqtp);
  return ns < 0 ? -EFAULT : commonNsleep(m, clock, flags, ns);
});
