import type { Machine } from '../machine.ts';
import { TASK_UNINTERRUPTIBLE } from '../tasks/task.ts';
import { storeNumber } from './arena.ts';

/** Global variables of the kernel that live in its image. */
const GLOBALS = {
  avenrun: 24,
  jiffies_64: 8,
  total_forks: 8,
  nr_threads: 4,
} as const satisfies Readonly<Record<string, number>>;
export type GlobalName = keyof typeof GLOBALS;
export type KernelGlobals = Readonly<Record<GlobalName, number>>;

export function allocateGlobals(m: Pick<Machine, 'arena'>): KernelGlobals {
  const places = Object.entries(GLOBALS).map(([name, size]) => [name, m.arena.allocateImage(size, 64)]);
  return Object.fromEntries(places) as KernelGlobals;
}
export function globalSize(name: GlobalName): number {
  return GLOBALS[name];
}

/** include/linux/sched/loadavg.h: 11 bits of fraction, decay per 5 seconds over 1, 5 and 15 minutes. */
const FIXED_1 = 2048;
const DECAY = [1884, 2014, 2037] as const;
const LOAD_FREQUENCY_NS = 5_004_000_000;
/** As after a while of the workload, so that short runs show something. */
const INITIAL_LOAD = [0.42, 0.37, 0.31] as const;

export function loadAverages(m: Machine): readonly number[] {
  return DECAY.map((_, i) => m.words[(m.globals.avenrun + 8 * i) >> 2]! / FIXED_1);
}

/** calc_global_load: every five seconds, the number of running and uninterruptible tasks. */
export function startLoadAverage(m: Machine): void {
  INITIAL_LOAD.forEach((load, i) => storeNumber(m.words, m.globals.avenrun + 8 * i, Math.floor(load * FIXED_1)));
  const update = (timeNs: number): void => {
    let active = 0;
    for (const task of m.tasks.values())
      if ((task.state & 0xff) === TASK_UNINTERRUPTIBLE && (task.state & 0x400) === 0) active += 1;
    for (const cpu of m.cpuList) active += cpu.runQueue.tasks.length + (cpu.current === cpu.idle ? 0 : 1);
    DECAY.forEach((decay, i) => {
      const at = m.globals.avenrun + 8 * i;
      const load =
        m.words[at >> 2]! * decay +
        active * FIXED_1 * (FIXED_1 - decay) +
        (active * FIXED_1 >= m.words[at >> 2]! ? FIXED_1 - 1 : 0);
      storeNumber(m.words, at, Math.floor(load / FIXED_1));
    });
    storeNumber(m.words, m.globals.jiffies_64, Math.floor(timeNs / 4_000_000));
    m.schedule(timeNs + LOAD_FREQUENCY_NS, () => update(timeNs + LOAD_FREQUENCY_NS));
  };
  m.schedule(LOAD_FREQUENCY_NS, () => update(LOAD_FREQUENCY_NS));
}
