import { ECHILD, EINTR } from '../../errno.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { inlined, kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { forgetTask } from '../../tasks/process.ts';
import type { Pid } from '../../tasks/process.ts';
import {
  EXIT_DEAD,
  EXIT_ZOMBIE,
  PF_EXITING,
  TASK,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
} from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { schedProcessExit, schedProcessFree, schedProcessWait } from '../../tracepoints/sched.ts';
import { exitMmap } from '../mm/mmap.ts';
import { callRcu, putTask } from './rcu.ts';
import { schedule, setTaskState, tryToWakeUp, wakeUpProcess } from './sched.ts';
import { doSendSigInfo } from './signal.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { filpClose, fput } from '../fs/vfs.ts';
import { SIGKILL, SIGCHLD } from '../../tasks/signals.ts';

/* kernel/exit.c */

const exitFiles = kernelFunction('exit_files', 300, (m, tsk: Task): void => {
  const { process } = tsk;
  process?.files.files.forEach((file: File | null, fd) => {
    if (file === null) return;
    process.files.install(fd, null);
    filpClose(m, file, null);
  });
});
const exitMm = kernelFunction('mmput', 18_000, (m, mm: KernelObject): void => {
  const { process } = m.cpu.current;
  if (process !== null && mm === process.mm) {
    exitMmap(m, process.mm);
    if (process.exeFile !== null) fput(m, process.exeFile);
    process.exeFile = null;
    callRcu(m, () => {
      process.mm.release();
      process.files.release();
    });
  }
});

/** The parent learns of it: wakes a waiting one, or reaps what nobody waits for. */
const exitNotify = inlined(700, (m, tsk: Task, _groupDead: number): void => {
  const { parent } = tsk;
  const init = m.tasks.get(1) ?? null;
  for (const child of tsk.children) {
    child.parent = init;
    init?.children.push(child);
  }
  leave(m, tsk);
  tsk.exitState = EXIT_ZOMBIE;
  m.words[(tsk.address + TASK.exitState) >> 2] = EXIT_ZOMBIE;
  // A thread is nobody's child: it goes by itself.
  if (tsk.pid !== tsk.tgid) {
    releaseTaskFunction(m, tsk);
    return;
  }
  if (parent !== null && parent.process?.signalHandlers.has(SIGCHLD) === true)
    doSendSigInfo(m, SIGCHLD, null, parent, 1);
  if (parent !== null && parent.waitsForChild) wakeUpProcess(m, parent);
  else if (parent === null || parent.pid <= 2) reap(m, tsk);
});
function reap(m: Machine, task: Task): void {
  const at = task.parent?.children.indexOf(task) ?? -1;
  if (at >= 0) task.parent?.children.splice(at, 1);
  releaseTaskFunction(m, task);
}
const releaseTaskFunction = kernelFunction('release_task', 900, (m, p: Task): void => {
  p.exitState = EXIT_DEAD;
  forgetTask(m, p);
  callRcu(m, () => {
    schedProcessFree(m, p);
    putTask(m, p);
  });
});

export const doExit = kernelFunction('do_exit', 1500, (m, code: number): Result => {
  const task = m.cpu.current;
  const { process } = task;
  const threads = process?.threads ?? [];
  if (threads.includes(task)) threads.splice(threads.indexOf(task), 1);
  const isLast = threads.length === 0;
  if (!isLast && task.user !== null && task.user.threadStack !== 0) process?.freeStacks.push(task.user.threadStack);
  task.flags |= PF_EXITING;
  m.words[(task.address + TASK.flags) >> 2] = task.flags;
  task.exitCode = code;
  m.words[(task.address + TASK.exitCode) >> 2] = code;
  schedProcessExit(m, task, isLast ? 1 : 0);
  if (isLast) {
    exitFiles(m, task);
    if (process !== null) exitMm(m, process.mm);
  }
  exitNotify(m, task, isLast ? 1 : 0);
  return doTaskDead(m);
});
/** The end of a task that an oops caught. */
export const makeTaskDead = kernelFunction('make_task_dead', 60, (m, signr: number): Result => doExit(m, signr));
/** What is left to do behind exit_notify() counts for it: the rest of the task's accounts and caches. */
const doTaskDead = kernelFunction('do_task_dead', 900, (m): Result => {
  setTaskState(m, m.cpu.current, TASK_DEAD);
  return schedule(m);
});
/** The threads of a process go together. */
export const doGroupExit = kernelFunction('do_group_exit', 200, (m, code: number): Result => {
  const task = m.cpu.current;
  for (const other of task.process?.threads ?? []) {
    if (other === task || other.pendingSignal === SIGKILL) continue;
    other.pendingSignal = SIGKILL;
    tryToWakeUp(m, other, TASK_INTERRUPTIBLE, 0);
  }
  return doExit(m, code);
});
systemCall('exit_group', 15, (m, code) => doGroupExit(m, (code & 0xff) << 8));
systemCall('exit', 15, (m, code) => doExit(m, (code & 0xff) << 8));

const doWait = sleepingFunction('do_wait', 90, function* (m, wo: WaitOptions) {
  const task = m.cpu.current;
  schedProcessWait(m, wo.pid);
  for (;;) {
    const mine = task.children.filter((child) => wo.pid === null || child.pid === wo.pid.number);
    if (mine.length === 0) return -ECHILD;
    const dead = mine.find((child) => child.exitState === EXIT_ZOMBIE);
    if (dead !== undefined) {
      takeUp(m, dead);
      const { pid } = dead;
      dead.times.forEach((ns, use) => (task.childTimes[use]! += ns + dead.childTimes[use]!));
      reap(m, dead);
      return pid;
    }
    if (task.pendingSignal !== 0) return -EINTR;
    task.waitsForChild = true;
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
    task.waitsForChild = false;
  }
});
/** struct wait_opts. */
interface WaitOptions extends KernelObject {
  readonly pid: Pid | null;
}
const kernelWait4 = kernelFunction(
  'kernel_wait4',
  40,
  (m, upid: number, _stat: number, _options: number, _rusage: KernelObject | null): Result => {
    const pid = upid > 0 ? (m.tasks.get(upid)?.pidObject ?? null) : null;
    if (upid > 0 && pid === null) return -ECHILD;
    return doWait(m, { address: m.scratch, pid });
  },
);
systemCall('wait4', 15, (m, upid, stat, options) => kernelWait4(m, upid, stat, options, null));
