import { place } from '../../functions/x86/dump-stack.ts';
import { textSymbolAt } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { nameOf } from '../../probes/symbols.ts';
import {
  EXIT_ZOMBIE,
  KERNEL_STACK_SIZE,
  PF_KTHREAD,
  TASK,
  TASK_IDLE,
  TASK_NEW,
  TASK_STIME,
  TASK_UNINTERRUPTIBLE,
  TASK_UTIME,
  DEFAULT_PRIORITY,
} from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import type { Ids } from '../../tasks/credentials.ts';
import { DEFAULT_UMASK } from '../fs-struct.ts';
import { memorySizes } from './maps.ts';

/** USER_HZ is 100. */
const CLOCK_TICK_NS = 1e7;
const KIB = 1024;

/** get_task_state(): a letter and what it means. */
function stateOf(m: Machine, task: Task): string {
  const { state, exitState } = task;
  if (exitState === EXIT_ZOMBIE) return 'Z (zombie)';
  if (exitState !== 0) return 'X (dead)';
  const isReady = task.onRunQueue || m.cpuList.some(({ current }) => current === task);
  if (isReady || state === TASK_NEW) return 'R (running)';
  if (state === TASK_IDLE) return 'I (idle)';
  return (state & TASK_UNINTERRUPTIBLE) === 0 ? 'S (sleeping)' : 'D (disk sleep)';
}
const threadsOf = ({ process }: Task): number => process?.threads.length ?? 1;

/** /proc/PID/status, as far as the machine knows what it asks for. */
export function statusText(m: Machine, task: Task): string {
  const { cred, process, boundTo } = task;
  const ids = (of: Ids | undefined): string =>
    of === undefined ? '0\t0\t0\t0' : [of.real, of.effective, of.saved, of.file].join('\t');
  const cpus = m.cpuList.filter(({ id }) => boundTo === null || boundTo === id).map(({ id }) => id);
  const [first = 0, last = 0] = [cpus[0], cpus.at(-1)];
  const rows: readonly (readonly [string, string | number])[] = [
    ['Name', task.comm],
    ...((task.flags & PF_KTHREAD) === 0 ? [['Umask', `0${DEFAULT_UMASK.toString(8).padStart(3, '0')}`] as const] : []),
    ['State', stateOf(m, task)],
    ['Tgid', task.tgid],
    ['Pid', task.pid],
    ['PPid', task.parent?.tgid ?? 0],
    ['TracerPid', 0],
    ['Uid', ids(cred?.users)],
    ['Gid', ids(cred?.groups)],
    ...(process === null ? [] : ([['FDSize', Math.max(64, process.files.files.length)]] as const)),
    ['Kthread', (task.flags & PF_KTHREAD) === 0 ? 0 : 1],
    ...memorySizes(task).map(([name, kib]) => [name, `${String(kib).padStart(8)} kB`] as const),
    ['Threads', threadsOf(task)],
    ['SigPnd', hex16(task.pendingSignal === 0 ? 0 : 2 ** (task.pendingSignal - 1))],
    ['SigIgn', hex16(signalMask(task, (handler) => handler === null))],
    ['SigCgt', hex16(signalMask(task, (handler) => handler !== null))],
    ['Cpus_allowed', cpus.reduce((mask, id) => mask + 2 ** id, 0).toString(16)],
    ['Cpus_allowed_list', first === last ? String(first) : `${first}-${last}`],
    ['voluntary_ctxt_switches', task.voluntarySwitches],
    ['nonvoluntary_ctxt_switches', task.involuntary],
  ];
  return rows.map(([name, value]) => `${name}:\t${value}\n`).join('');
}
const hex16 = (mask: number): string => mask.toString(16).padStart(16, '0');
function signalMask({ process }: Task, wanted: (handler: unknown) => boolean): number {
  return [...(process?.signalHandlers ?? [])].reduce(
    (mask, [signal, handler]) => (wanted(handler) ? mask + 2 ** (signal - 1) : mask),
    0,
  );
}

/** /proc/PID/stat: 52 numbers in a line (proc_pid_stat(5)); those that the machine has no notion of are 0. */
export function statLine(m: Machine, task: Task): string {
  const { view, words } = m.arena;
  const ticks = (ns: number): number => Math.floor(ns / CLOCK_TICK_NS);
  const started =
    view.getUint32(task.address + TASK.startBoottime, true) +
    view.getUint32(task.address + TASK.startBoottime + 4, true) * 2 ** 32;
  const faults = (field: number): number => words[(task.address + field) >> 2]!;
  const sizes = new Map(memorySizes(task));
  const priority = task.prio - 100;
  const fields = new Array<number | string>(52).fill(0);
  const set = (number: number, value: number | string): void => void (fields[number - 1] = value);
  set(1, task.pid);
  set(2, `(${task.comm})`);
  set(3, stateOf(m, task)[0]!);
  set(4, task.parent?.tgid ?? 0);
  set(5, task.tgid);
  set(6, task.tgid);
  set(8, -1);
  set(9, task.flags);
  set(10, faults(TASK.minorFaults));
  set(12, faults(TASK.majorFaults));
  set(14, ticks(task.times[TASK_UTIME]!));
  set(15, ticks(task.times[TASK_STIME]!));
  set(16, ticks(task.childTimes[TASK_UTIME]!));
  set(17, ticks(task.childTimes[TASK_STIME]!));
  set(18, priority);
  set(19, task.prio - DEFAULT_PRIORITY);
  set(20, threadsOf(task));
  set(22, ticks(started));
  set(23, (sizes.get('VmSize') ?? 0) * KIB);
  set(24, ((sizes.get('VmRSS') ?? 0) * KIB) / PAGE_SIZE);
  set(25, '18446744073709551615');
  set(38, 17);
  set(39, task.cpu);
  return `${fields.join(' ')}\n`;
}
/** /proc/PID/statm: size, resident, shared, text, lib, data, dt in pages. */
export function statmText(task: Task): string {
  const sizes = new Map(memorySizes(task));
  const pages = (name: string): number => ((sizes.get(name) ?? 0) * KIB) / PAGE_SIZE;
  return `${pages('VmSize')} ${pages('VmRSS')} ${pages('RssFile')} ${pages('VmExe')} 0 ${pages('VmData') + pages('VmStk')} 0\n`;
}

/** Functions of the scheduler (__sched): where a task sleeps is below them. */
const SCHEDULER =
  /^(__schedule|schedule|schedule_.*|io_schedule.*|preempt_schedule.*|do_nanosleep|mutex_lock.*|__mutex_lock.*|wait_for_completion.*|usleep_range_state|down_.*|rt_mutex_.*)$/;

/** Return addresses on the stack of a task that does not run, from where it called the scheduler. */
function sleepingPlaces(m: Machine, task: Task): readonly number[] {
  if (m.cpuList.some(({ current }) => current === task)) return [];
  const { words } = m;
  const places: number[] = [];
  let fp = task.fp;
  for (let steps = 0; steps < KERNEL_STACK_SIZE / 16 && fp !== 0 && (fp & 1) === 0; steps += 1) {
    places.push(words[(fp + 8) >> 2]!);
    fp = words[fp >> 2]!;
  }
  const nameAt = (low: number): string => {
    const symbol = textSymbolAt(low & 0x7fffffff);
    return symbol === undefined ? '' : nameOf(m, symbol);
  };
  return places.filter((low) => !SCHEDULER.test(nameAt(low)));
}
/** /proc/PID/stack: empty for whoever runs. */
export function stackText(m: Machine, task: Task): string {
  return sleepingPlaces(m, task)
    .map((low) => `[<0>] ${place(m, low)}\n`)
    .join('');
}
/** /proc/PID/wchan: the function in which it sleeps. */
export function wchanText(m: Machine, task: Task): string {
  const [low] = sleepingPlaces(m, task);
  const symbol = low === undefined ? undefined : textSymbolAt(low & 0x7fffffff);
  return symbol === undefined ? '0' : nameOf(m, symbol);
}
