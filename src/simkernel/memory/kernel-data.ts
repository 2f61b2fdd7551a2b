import { IDT_SIZE } from '../cpu/descriptor-tables.ts';
import type { Machine } from '../machine.ts';
import { TASK_UNINTERRUPTIBLE } from '../tasks/task.ts';
import { storeNumber } from './arena.ts';

/** Numbers of x86-64's system calls are below this (NR_syscalls and some room). */
export const SYSTEM_CALLS = 480;

/** Global variables of the kernel that live in its image. */
const GLOBALS = {
  idt_table: IDT_SIZE,
  avenrun: 24,
  jiffies_64: 8,
  total_forks: 8,
  nr_threads: 4,
  sys_call_table: 8 * SYSTEM_CALLS,
} as const satisfies Readonly<Record<string, number>>;
/** A second name of one of them: on 64-bit machines the linker makes the short counter the long one. */
const ALIASES = { jiffies: 'jiffies_64' } as const satisfies Readonly<Record<string, keyof typeof GLOBALS>>;
export type GlobalName = keyof typeof GLOBALS | keyof typeof ALIASES;
export type KernelGlobals = Readonly<Record<GlobalName, number>>;

export function allocateGlobals(m: Pick<Machine, 'arena'>): KernelGlobals {
  const places = new Map(Object.entries(GLOBALS).map(([name, size]) => [name, m.arena.allocateImage(size, 64)]));
  for (const [alias, name] of Object.entries(ALIASES)) places.set(alias, places.get(name)!);
  return Object.fromEntries(places) as KernelGlobals;
}
export function globalSize(name: GlobalName): number {
  return GLOBALS[name in ALIASES ? ALIASES[name as keyof typeof ALIASES] : (name as keyof typeof GLOBALS)];
}

/** include/linux/sched/loadavg.h: 11 bits of fraction, decay per 5 seconds over 1, 5 and 15 minutes. */
const FIXED_1 = 2048;
const DECAY = [1884, 2014, 2037] as const;
const LOAD_FREQUENCY_NS = 5_004_000_000;

/** In hundredths, rounded as /proc/loadavg rounds them. */
export function loadAverages(m: Machine): readonly number[] {
  return DECAY.map((_, i) => {
    const load = m.words[(m.globals.avenrun + 8 * i) >> 2]! + Math.floor(FIXED_1 / 200);
    return Math.floor((load * 100) / FIXED_1);
  });
}

/** nr_running of all CPUs: those that run and those that wait for a CPU. */
export function runningTasks(m: Machine): number {
  return m.cpuList.reduce((sum, cpu) => sum + cpu.runQueue.tasks.length + (cpu.current === cpu.idle ? 0 : 1), 0);
}

/** A task was made: total_forks and nr_threads. */
export function countFork(m: Machine): void {
  m.words[m.globals.total_forks >> 2]! += 1;
  storeThreadCount(m);
}
export function totalForks(m: Machine): number {
  return m.words[m.globals.total_forks >> 2]!;
}
export function storeThreadCount(m: Machine): void {
  m.words[m.globals.nr_threads >> 2] = m.tasks.size;
}

/** CONFIG_HZ=250. */
export const TICK_NS = 4_000_000;
/** The counter starts five minutes before its lower half wraps, so that code which cannot cope fails early. */
const INITIAL_JIFFIES = 2 ** 32 - (300 * 1e9) / TICK_NS;

/** What the counter must say at a time. */
export function jiffiesAt(timeNs: number): number {
  return INITIAL_JIFFIES + Math.floor(timeNs / TICK_NS);
}
/** The time at which it comes to that. */
export function timeOfJiffies(jiffies: number): number {
  return (jiffies - INITIAL_JIFFIES) * TICK_NS;
}

/** tick_do_update_jiffies64: ticks since boot, told by whichever CPU's tick comes first. */
export function updateJiffies(m: Machine, timeNs: number): void {
  storeNumber(m.words, m.globals.jiffies_64, jiffiesAt(timeNs));
}

/** calc_global_load: every five seconds, the number of running and uninterruptible tasks. */
export function startLoadAverage(m: Machine): void {
  const update = (timeNs: number): void => {
    let active = 0;
    for (const task of m.tasks.values())
      if ((task.state & 0xff) === TASK_UNINTERRUPTIBLE && (task.state & 0x400) === 0) active += 1;
    active += runningTasks(m);
    DECAY.forEach((decay, i) => {
      const at = m.globals.avenrun + 8 * i;
      const load =
        m.words[at >> 2]! * decay +
        active * FIXED_1 * (FIXED_1 - decay) +
        (active * FIXED_1 >= m.words[at >> 2]! ? FIXED_1 - 1 : 0);
      storeNumber(m.words, at, Math.floor(load / FIXED_1));
    });
    m.schedule(timeNs + LOAD_FREQUENCY_NS, () => update(timeNs + LOAD_FREQUENCY_NS));
  };
  const first = Math.ceil(m.now() / LOAD_FREQUENCY_NS) * LOAD_FREQUENCY_NS;
  m.schedule(first, () => update(first));
}
