import { irqDisable, irqEnable } from '../../cpu/local-apic.ts';
import { PER_CPU } from '../../cpu/per-cpu.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { storeWord } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import { createKthread } from './kthread.ts';
import { schedule, setTaskState } from './sched.ts';
import { handleSoftirqs } from './softirq.ts';

const FIRST_PID = 16;
const PIDS_PER_CPU = 6;

const runKsoftirqd = kernelFunction('run_ksoftirqd', 12, (m, _cpu: number): void => {
  irqDisable(m);
  if (m.cpu.softirqPending !== 0) handleSoftirqs(m, 1);
  irqEnable(m);
});
/** A per-CPU thread: runs while there is something to do, like any task that competes for the CPU. */
const smpbootThreadFn = sleepingFunction('smpboot_thread_fn', 20, function* (m) {
  for (;;) {
    setTaskState(m, m.cpu.current, TASK_INTERRUPTIBLE);
    if (m.cpu.softirqPending !== 0) {
      setTaskState(m, m.cpu.current, TASK_RUNNING);
      runKsoftirqd(m, m.cpu.id);
      if (!m.cpu.needResched) continue;
    }
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
  }
});

/** One for each CPU; asleep until somebody wakes it. */
export function createKsoftirqd(m: Machine): void {
  for (const cpu of m.cpuList) {
    const pid = FIRST_PID + PIDS_PER_CPU * cpu.id;
    cpu.ksoftirqd = createKthread(m, `ksoftirqd/${cpu.id}`, pid, cpu.id, () => smpbootThreadFn(m));
    storeWord(m.words, cpu.perCpu + PER_CPU.ksoftirqd, cpu.ksoftirqd);
    cpu.ksoftirqd.state = TASK_INTERRUPTIBLE;
  }
}
