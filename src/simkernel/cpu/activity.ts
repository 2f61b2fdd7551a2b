import type { Machine } from '../machine.ts';
import { CPU_TIMES, cpuTimes, type CpuTime } from './accounting.ts';

/** What one CPU is doing at the moment, for a reader outside of the machine: looking changes nothing. */
export interface CpuActivity {
  /** 0 for the idle task. */
  readonly pid: number;
  readonly comm: string;
  /** Nanoseconds since boot by what the CPU did in them. */
  readonly times: Readonly<Record<CpuTime, number>>;
}

export function cpuActivity(m: Machine): readonly CpuActivity[] {
  const now = m.now();
  return m.cpuList.map((cpu) => {
    const times = cpuTimes(cpu, now);
    return {
      pid: cpu.current.pid,
      comm: cpu.current.comm,
      times: Object.fromEntries(CPU_TIMES.map((name, i) => [name, times[i]!])) as Record<CpuTime, number>,
    };
  });
}
