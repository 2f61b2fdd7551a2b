import { cgroupTaskDead } from './cgroup.ts';
import { putTask } from './rcu.ts';
import { irqDisable, irqEnable } from '../../cpu/local-apic.ts';
import { addIoWaiters, taskClock } from '../../cpu/accounting.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { isAtomic, scheduleBug } from './atomic.ts';
import { returnAddress, sendCallFunctionSingleIpi } from '../x86/smp.ts';
import { raiseSoftirq } from './softirq-vectors.ts';
import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { storeNumber, storeWord } from '../../memory/arena.ts';
import { countSoftware } from '../../probes/perf-event.ts';
import { isRealTime } from '../../tasks/run-queue.ts';
import type { RunQueue } from '../../tasks/run-queue.ts';
import {
  DEFAULT_PRIORITY,
  TASK,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_NEW,
  TASK_NORMAL,
  TASK_RUNNING,
  TASK_WAKING,
} from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { csdQueueCpu } from '../../tracepoints/ipi.ts';
import {
  schedMigrateTask,
  schedStatRuntime,
  schedSwitch,
  schedWakeIdleWithoutIpi,
  schedWakeup,
  schedWakeupNew,
  schedWaking,
} from '../../tracepoints/sched.ts';

/** __schedule()'s sched_mode. */
const SM_IDLE = -1;
const SM_NONE = 0;
const SM_PREEMPT = 1;
const DEQUEUE_SLEEP = 1;
const ENQUEUE_WAKEUP = 1;
const WF_TTWU = 8;
/** How much a waking task must be behind in virtual time to preempt, and the slice a task may use up under competition. */
const WAKEUP_GRANULARITY_NS = 1_000_000;
const SLICE_NS = 2_800_000;

/** Load weight by nice level: each level is worth about 1.25 (kernel/sched/core.c, sched_prio_to_weight). */
function weightOf(task: Task): number {
  return 1.25 ** (DEFAULT_PRIORITY - task.prio);
}

export function setTaskState(m: Machine, task: Task, state: number): void {
  task.state = state;
  m.words[(task.address + TASK.state) >> 2] = state;
}

const updateCurr = kernelFunction('update_curr', 14, (m, cfs: RunQueue['cfs']): void => {
  const { cpu } = m;
  const { current: task } = cpu;
  const now = taskClock(cpu);
  const ran = now - task.execStart;
  if (ran <= 0 || task === cpu.idle) return;
  task.execStart = now;
  task.sumExecRuntime += ran;
  task.vruntime += task.prio === DEFAULT_PRIORITY ? ran : ran / weightOf(task);
  storeNumber(m.words, task.address + TASK.sumExecRuntime, task.sumExecRuntime);
  storeNumber(m.words, task.address + TASK.vruntime, task.vruntime);
  cfs.queue.minVruntime = Math.max(cfs.queue.minVruntime, task.vruntime - SLICE_NS);
  schedStatRuntime(m, task, ran);
});

const enqueueTaskFair = kernelFunction('enqueue_task_fair', 45, (m, rq: RunQueue, p: Task, _flags: number): void => {
  p.enqueuedAt = m.cpu.time;
  rq.add(p);
  storeWord(m.words, p.address + TASK.cfsRq, rq.cfs);
  rq.storeLength(m.words, m.cpu.current !== m.cpu.idle);
});

const dequeueTaskFair = kernelFunction('dequeue_task_fair', 40, (_m, rq: RunQueue, p: Task, _flags: number): number => {
  p.onRunQueue = false;
  rq.remove(p);
  return 1;
});

const pickTaskFair = kernelFunction('pick_task_fair', 25, (_m, rq: RunQueue): Task | null => rq.takeFirst() ?? null);

/** Takes a waiting task from the longest queue with more than `atLeast` of them; 1 if there was one. */
function pullTask(m: Machine, rq: RunQueue, atLeast: number): number {
  const { cpu } = m;
  let busiest: Cpu | null = null;
  for (const other of m.cpuList) {
    if (other !== cpu && other.runQueue.tasks.length > (busiest?.runQueue.tasks.length ?? atLeast)) busiest = other;
  }
  const pulled = busiest?.runQueue.tasks.find((task) => task.boundTo === null && task.enqueuedAt <= cpu.time);
  if (busiest === null || pulled === undefined) return 0;
  busiest.runQueue.remove(pulled);
  busiest.runQueue.storeLength(m.words, true);
  setTaskCpu(m, pulled, cpu.id);
  rq.add(pulled);
  storeWord(m.words, pulled.address + TASK.cfsRq, rq.cfs);
  return 1;
}
/** kernel/sched/fair.c: an idle CPU takes a waiting task from the longest queue. */
const schedBalanceNewidle = inlined(70, (m, rq: RunQueue): number => pullTask(m, rq, 0));
/** A busy one looks now and then whether another has two more to run. */
const schedBalanceDomains = kernelFunction('sched_balance_domains', 90, (m, rq: RunQueue, _idle: number): void => {
  m.cpu.nextBalance = m.cpu.time + BALANCE_INTERVAL_NS;
  pullTask(m, rq, rq.tasks.length + 1);
});
/** The base interval of a domain of CPUs that share a cache, lengthened by the factor for busy ones. */
const BALANCE_INTERVAL_NS = 64_000_000;
export const schedBalanceSoftirq = kernelFunction('sched_balance_softirq', 30, (m): void =>
  schedBalanceDomains(m, m.cpu.runQueue, 0),
);

const setTaskCpu = kernelFunction('set_task_cpu', 12, (m, p: Task, newCpu: number): void => {
  schedMigrateTask(m, p, newCpu);
  // Virtual time is relative to the queue.
  p.vruntime += m.cpuList[newCpu]!.runQueue.minVruntime - m.cpuList[p.cpu]!.runQueue.minVruntime;
  p.cpu = newCpu;
  m.words[(p.address + TASK.cpu) >> 2] = newCpu;
  countSoftware(m, 'cpu-migrations');
});

/** Runs in the next task's context after each switch: `prev` is who ran before. */
export const finishTaskSwitch = kernelFunction('finish_task_switch.isra.0', 40, (m, prev: Task): void => {
  irqEnable(m);
  if (prev.state !== TASK_DEAD) return;
  cgroupTaskDead(m, prev);
  putTask(m, prev);
});

const scheduleCore = kernelFunction(
  '__schedule',
  420,
  (m, mode: number): Result => {
    const { cpu } = m;
    const { current: prev, runQueue: rq } = cpu;
    if (isAtomic(cpu)) {
      scheduleBug(m, prev);
      // Linux switches all the same and rarely survives it. Here whoever slept goes on as if woken at once.
      setTaskState(m, prev, TASK_RUNNING);
      return 0;
    }
    irqDisable(m);
    updateCurr(m, rq.cfs);
    cpu.needResched = false;
    const preempt = mode === SM_PREEMPT ? 1 : 0;
    if (preempt === 0 && mayNotSleep(prev)) setTaskState(m, prev, TASK_RUNNING);
    const prevState = prev.state;
    if (prev !== cpu.idle) {
      if (preempt === 0 && prevState !== TASK_RUNNING) {
        dequeueTaskFair(m, rq, prev, DEQUEUE_SLEEP);
        if (prev.inIoWait) addIoWaiters(cpu, 1, cpu.time);
        storeNumber(m.words, prev.address + TASK.nvcsw, (prev.voluntarySwitches += 1));
      } else {
        prev.enqueuedAt = cpu.time;
        rq.add(prev);
      }
    }
    let next = pickTaskFair(m, rq);
    if (next === null && schedBalanceNewidle(m, rq) !== 0) next = rq.takeFirst() ?? null;
    next ??= cpu.idle;
    next.onRunQueue = false;
    next.execStart = taskClock(cpu);
    next.sliceStart = next.sumExecRuntime;
    if (next === prev) {
      irqEnable(m);
      return 0;
    }
    rq.countSwitch(m.words);
    rq.storeLength(m.words, next !== cpu.idle);
    schedSwitch(m, preempt, prev, next, prevState);
    countSoftware(m, 'context-switches');
    cpu.next = next;
    return new Pending().then(() => {
      finishTaskSwitch(m, m.cpu.previous);
      return 0;
    });
  },
  { traceable: false },
);

/** Gives up the CPU; sleeps until woken unless the state is TASK_RUNNING. */
/** signal_pending_state(): a signal that came before its sleep wakes nobody, so nobody may go to sleep on it. */
function mayNotSleep({ state, pendingSignal, process }: Task): boolean {
  return state === TASK_INTERRUPTIBLE && pendingSignal !== 0 && process !== null;
}
export const schedule = kernelFunction('schedule', 14, (m): Result => scheduleCore(m, SM_NONE));
export const scheduleIdle = kernelFunction('schedule_idle', 8, (m): Result => scheduleCore(m, SM_IDLE));
/** What the exit paths do when NEED_RESCHED is set: the task stays runnable. */
export function preemptSchedule(m: Machine): Result {
  m.cpu.current.involuntary += 1;
  return schedule(m);
}

const reschedCurr = kernelFunction('resched_curr', 10, (m, _rq: RunQueue): void => {
  m.cpu.needResched = true;
});

const wakeupPreemptFair = kernelFunction(
  'wakeup_preempt_fair',
  22,
  (m, rq: RunQueue, p: Task, _flags: number): void => {
    const { cpu } = m;
    updateCurr(m, rq.cfs);
    if (isRealTime(p) ? p.prio < cpu.current.prio : p.vruntime + WAKEUP_GRANULARITY_NS < cpu.current.vruntime)
      reschedCurr(m, rq);
  },
);

const wakeupPreempt = kernelFunction('wakeup_preempt', 8, (m, rq: RunQueue, p: Task, flags: number): void => {
  if (m.cpu.current === m.cpu.idle) reschedCurr(m, rq);
  else wakeupPreemptFair(m, rq, p, flags);
});

const selectTaskRqFair = kernelFunction(
  'select_task_rq_fair',
  55,
  (m, p: Task, prevCpu: number, _flags: number): number => {
    if (p.boundTo !== null) return p.boundTo;
    const { cpuList: cpus } = m;
    if (isIdle(cpus[prevCpu]!)) return prevCpu;
    for (let i = 1; i < cpus.length; i += 1) {
      const candidate = (prevCpu + i) % cpus.length;
      if (isIdle(cpus[candidate]!)) return candidate;
    }
    let best = prevCpu;
    for (const cpu of cpus) if (loadOf(cpu) < loadOf(cpus[best]!)) best = cpu.id;
    return best;
  },
);
function isIdle(cpu: Cpu): boolean {
  return cpu.current === cpu.idle && cpu.next === null && loadOf(cpu) === 0;
}
function loadOf(cpu: Cpu): number {
  return cpu.runQueue.tasks.length + cpu.runQueue.wakeList.length + (cpu.current === cpu.idle ? 0 : 1);
}

const ttwuDoActivate = kernelFunction(
  'ttwu_do_activate',
  18,
  (m, rq: RunQueue, p: Task, wakeFlags: number, _rf: null): void => {
    enqueueTaskFair(m, rq, p, ENQUEUE_WAKEUP);
    wakeupPreempt(m, rq, p, wakeFlags);
    const isNew = p.state === TASK_NEW;
    setTaskState(m, p, TASK_RUNNING);
    if (!isNew) schedWakeup(m, p);
  },
);

/** Wake-ups that other CPUs left for this one. */
export const schedTtwuPending = kernelFunction('sched_ttwu_pending', 20, (m, _arg: null): void => {
  const { runQueue } = m.cpu;
  for (const task of runQueue.wakeList.splice(0)) {
    takeUp(m, task);
    ttwuDoActivate(m, runQueue, task, WF_TTWU, null);
  }
});

/** Wakes a task that sleeps in one of the states of the mask; 1 if it did. */
export const tryToWakeUp = kernelFunction(
  'try_to_wake_up',
  55,
  (m, p: Task, state: number, wakeFlags: number): number => {
    if ((p.state & state) === 0) return 0;
    const { cpu } = m;
    // smp_cond_load_acquire(&p->on_cpu, !VAL): it may still be on its way to sleep.
    if (p !== cpu.current) takeUp(m, p);
    schedWaking(m, p);
    if (p === cpu.current) {
      // It was about to sleep and an interrupt came first.
      setTaskState(m, p, TASK_RUNNING);
      schedWakeup(m, p);
      return 1;
    }
    if (p.inIoWait) addIoWaiters(m.cpuList[p.cpu]!, -1, cpu.time);
    const target = selectTaskRqFair(m, p, p.cpu, wakeFlags);
    if (target !== p.cpu) setTaskCpu(m, p, target);
    if (target === cpu.id) {
      ttwuDoActivate(m, cpu.runQueue, p, wakeFlags, null);
      return 1;
    }
    // Nobody wakes it a second time before the other CPU has seen it.
    setTaskState(m, p, TASK_WAKING);
    queueRemotely(m, m.cpuList[target]!, p);
    return 1;
  },
);

export const wakeUpProcess = kernelFunction('wake_up_process', 8, (m, p: Task): number =>
  tryToWakeUp(m, p, TASK_NORMAL, 0),
);

/** ttwu_queue_wakelist: the other CPU takes the task over when it hears of it. */
function queueRemotely(m: Machine, other: Cpu, p: Task): void {
  const { time } = m.cpu;
  leave(m, p);
  other.runQueue.wakeList.push(p);
  csdQueueCpu(m, other.id, returnAddress(m), { address: schedTtwuPending.symbol.entry }, p);
  if (other.runQueue.wakeList.length !== 1) return;
  if (other.halted && time >= other.idleSince && time - other.idleSince < IDLE_POLL_NS) {
    schedWakeIdleWithoutIpi(m, other.id);
    stopPolling(other, time + POLL_NOTICE_NS);
  } else {
    sendCallFunctionSingleIpi(m, other.id);
  }
}
/** An idle CPU that still polls sees TIF_NEED_RESCHED. */
function stopPolling(cpu: Cpu, timeNs: number): void {
  cpu.halted = false;
  cpu.needResched = true;
  cpu.busyUntil = Math.max(timeNs, cpu.time);
}
/** An idle CPU polls for this long before it halts (cpuidle's poll state), and notices a wake-up within that. */
const IDLE_POLL_NS = 40_000;
const POLL_NOTICE_NS = 120;

/** Makes a forked task runnable for the first time. */
export const wakeUpNewTask = kernelFunction('wake_up_new_task', 60, (m, p: Task): void => {
  const target = selectTaskRqFair(m, p, p.cpu, 0);
  p.cpu = target;
  m.words[(p.address + TASK.cpu) >> 2] = target;
  p.vruntime = m.cpuList[target]!.runQueue.minVruntime;
  const { cpu } = m;
  if (target === cpu.id) {
    enqueueTaskFair(m, cpu.runQueue, p, 0);
    setTaskState(m, p, TASK_RUNNING);
    schedWakeupNew(m, p);
    wakeupPreempt(m, cpu.runQueue, p, 0);
    return;
  }
  setTaskState(m, p, TASK_NEW);
  schedWakeupNew(m, p);
  queueRemotely(m, m.cpuList[target]!, p);
});

const taskTickFair = kernelFunction('task_tick_fair', 25, (m, rq: RunQueue, curr: Task, _queued: number): void => {
  updateCurr(m, rq.cfs);
  if (!isRealTime(curr) && rq.tasks.length > 0 && curr.sumExecRuntime - curr.sliceStart >= SLICE_NS) reschedCurr(m, rq);
});

export const schedTick = kernelFunction('sched_tick', 45, (m): void => {
  const { cpu } = m;
  if (cpu.current === cpu.idle) return;
  taskTickFair(m, cpu.runQueue, cpu.current, 0);
  // sched_balance_trigger()
  if (cpu.time >= cpu.nextBalance) raiseSoftirq(m, cpu, 'SCHED');
});
