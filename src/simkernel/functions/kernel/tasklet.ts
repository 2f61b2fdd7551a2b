import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { taskletEntry, taskletExit } from '../../tracepoints/irq.ts';
import { raiseSoftirq } from './softirq-vectors.ts';

const TASKLET = structFields('tasklet_struct', { state: 'state', callback: 'callback' });
const TASKLET_STATE_SCHED = 1;

/** struct tasklet_struct: runs once for each time it is scheduled, on the CPU that did so, never on two at once. */
export interface Tasklet extends KernelObject {
  scheduled: boolean;
  readonly callback: { (m: Machine, tasklet: Tasklet): void; readonly symbol: TextSymbol };
}
/** The CPU's list of one of the two priorities. */
export interface TaskletHead extends KernelObject {
  readonly list: Tasklet[];
}

export function createTasklet(m: Machine, callback: Tasklet['callback']): Tasklet {
  const address = m.arena.allocate(TASKLET.size);
  storeWord(m.words, address + TASKLET.callback, { address: callback.symbol.entry });
  return { address, scheduled: false, callback };
}

const taskletScheduleInner = kernelFunction('__tasklet_schedule', 20, (m, t: Tasklet): void => {
  m.cpu.tasklets.list.push(t);
  raiseSoftirq(m, m.cpu, 'TASKLET');
});
const taskletHiScheduleInner = kernelFunction('__tasklet_hi_schedule', 20, (m, t: Tasklet): void => {
  m.cpu.urgentTasklets.list.push(t);
  raiseSoftirq(m, m.cpu, 'HI');
});
export function taskletSchedule(m: Machine, t: Tasklet): void {
  if (testAndSetScheduled(m, t)) taskletScheduleInner(m, t);
}
/** Before all other softirqs. */
export function taskletHiSchedule(m: Machine, t: Tasklet): void {
  if (testAndSetScheduled(m, t)) taskletHiScheduleInner(m, t);
}
function testAndSetScheduled(m: Machine, t: Tasklet): boolean {
  if (t.scheduled) return false;
  t.scheduled = true;
  m.words[(t.address + TASKLET.state) >> 2] = TASKLET_STATE_SCHED;
  return true;
}

const taskletActionCommon = kernelFunction(
  'tasklet_action_common',
  25,
  (m, head: TaskletHead, _softirq: number): void => {
    for (const t of head.list.splice(0)) {
      t.scheduled = false;
      m.words[(t.address + TASKLET.state) >> 2] = 0;
      const func = { address: t.callback.symbol.entry };
      taskletEntry(m, t, func);
      t.callback(m, t);
      taskletExit(m, t, func);
    }
  },
);
const HI_SOFTIRQ = 0;
const TASKLET_SOFTIRQ = 6;
export const taskletHiAction = kernelFunction('tasklet_hi_action', 10, (m): void =>
  taskletActionCommon(m, m.cpu.urgentTasklets, HI_SOFTIRQ),
);
export const taskletAction = kernelFunction('tasklet_action', 10, (m): void =>
  taskletActionCommon(m, m.cpu.tasklets, TASKLET_SOFTIRQ),
);
