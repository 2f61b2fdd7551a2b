import type { Machine } from '../machine.ts';
import { onTracepoint } from './tracepoint-listener.ts';
import type { FieldReader } from './tracepoint-listener.ts';
import { currentKey, taskKey } from './traced-calls.ts';

/** How long tasks have been off their CPUs, while somebody does not want to count that (the option sleep-time is off). */
export class TaskSleep {
  private readonly machine: Machine;
  private readonly isWanted: () => boolean;
  private readonly leftAt = new Map<number, number>();
  private readonly slept = new Map<number, number>();
  private readonly detach: () => void;

  constructor(m: Machine, isWanted: () => boolean) {
    this.machine = m;
    this.isWanted = isWanted;
    this.detach = onTracepoint(m, 'sched', 'sched_switch', (field) => this.switched(field));
  }
  ofCurrent(): number {
    return this.slept.get(currentKey(this.machine)) ?? 0;
  }
  /** What has come to it since it was so much. */
  since(sleptNs: number): number {
    return this.isWanted() ? this.ofCurrent() - sleptNs : 0;
  }
  stop(): void {
    this.detach();
  }
  private switched(field: FieldReader): void {
    const { cpu } = this.machine;
    this.leftAt.set(currentKey(this.machine), cpu.time);
    const key = taskKey(field('next_pid'), cpu.id);
    const left = this.leftAt.get(key);
    if (left !== undefined) this.slept.set(key, (this.slept.get(key) ?? 0) + cpu.time - left);
  }
}
