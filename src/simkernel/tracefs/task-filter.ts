import { EINVAL } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { fieldValue } from './print-format.ts';
import type { RecordView } from './print-format.ts';
import { onTracepoint } from './tracepoint-listener.ts';

/** A pid_t is signed. */
const LAST_PID = 2 ** 31 - 1;

/** set_event_pid, set_ftrace_pid: the tasks that are followed; none are named: all. */
export class TaskFilter {
  private readonly machine: Machine;
  private readonly pids = new Set<number>();
  private detach: (() => void) | null = null;

  constructor(m: Machine) {
    this.machine = m;
  }
  get isSet(): boolean {
    return this.pids.size > 0;
  }
  has(pid: number): boolean {
    return this.pids.size === 0 || this.pids.has(pid);
  }
  /** 0 or a negative error number. */
  add(text: string): number {
    const numbers = text.split(/\s+/).filter((word) => word !== '');
    if (numbers.some((word) => !/^\d+$/.test(word) || Number(word) > LAST_PID)) return -EINVAL;
    for (const word of numbers) this.pids.add(Number(word));
    return 0;
  }
  clear(): void {
    this.pids.clear();
  }
  list(): readonly number[] {
    return [...this.pids].sort((a, b) => a - b);
  }
  /** event-fork, function-fork: children of those that are followed are followed, until they exit. */
  followForks(on: boolean): void {
    if (on === (this.detach !== null)) return;
    this.detach?.();
    this.detach = on ? this.watchForks() : null;
  }
  private watchForks(): () => void {
    const stopFork = onTracepoint(this.machine, 'sched', 'sched_process_fork', (pid) => {
      if (this.pids.has(pid('parent_pid'))) this.pids.add(pid('child_pid'));
    });
    const stopExit = onTracepoint(this.machine, 'sched', 'sched_process_exit', (pid) => {
      this.pids.delete(pid('pid'));
    });
    return () => {
      stopFork();
      stopExit();
    };
  }
}

/** Records about other tasks, kept for their sake, too (event_filter_pid_sched_*_probe_pre). */
const OTHER_TASK: Readonly<Record<string, string>> = {
  'sched:sched_switch': 'next_pid',
  'sched:sched_wakeup': 'pid',
  'sched:sched_wakeup_new': 'pid',
  'sched:sched_waking': 'pid',
};
/** Whether an event's record is about a task that is followed. */
export function concerns(filter: TaskFilter, event: string, view: RecordView): boolean {
  if (!filter.isSet || filter.has(view.machine.cpu.current.pid)) return true;
  const field = Object.hasOwn(OTHER_TASK, event) ? OTHER_TASK[event] : undefined;
  return field !== undefined && filter.has(Number(fieldValue(view, field)));
}
