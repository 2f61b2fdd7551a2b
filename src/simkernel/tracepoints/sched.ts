import type { Task } from '../tasks/task.ts';
import { TASK_RUNNING } from '../tasks/task.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

/** What the state field says for a task that is still runnable (TASK_REPORT_MAX). */
const PREEMPTED = 0x100;

function wakeupRecord(f: RecordFields): (task: Task) => void {
  const comm = f.text('comm');
  const pid = f.number('pid');
  const prio = f.number('prio');
  const targetCpu = f.number('target_cpu');
  return (task) => {
    comm(task.comm);
    pid(task.pid);
    prio(task.prio);
    targetCpu(task.cpu);
  };
}
export const schedWaking: Tracepoint<[task: Task]> = tracepoint('sched:sched_waking', 1, wakeupRecord);
export const schedWakeup: Tracepoint<[task: Task]> = tracepoint('sched:sched_wakeup', 1, wakeupRecord);
export const schedWakeupNew: Tracepoint<[task: Task]> = tracepoint('sched:sched_wakeup_new', 1, wakeupRecord);

export const schedSwitch: Tracepoint<[preempt: number, prev: Task, next: Task, prevState: number]> = tracepoint(
  'sched:sched_switch',
  4,
  (f) => {
    const prevComm = f.text('prev_comm');
    const prevPid = f.number('prev_pid');
    const prevPrio = f.number('prev_prio');
    const state = f.number('prev_state');
    const nextComm = f.text('next_comm');
    const nextPid = f.number('next_pid');
    const nextPrio = f.number('next_prio');
    return (preempt, prev, next, prevState) => {
      prevComm(prev.comm);
      prevPid(prev.pid);
      prevPrio(prev.prio);
      state(preempt !== 0 ? PREEMPTED : prevState === TASK_RUNNING ? 0 : prevState & 0xff);
      nextComm(next.comm);
      nextPid(next.pid);
      nextPrio(next.prio);
    };
  },
);

export const schedStatRuntime: Tracepoint<[task: Task, runtimeNs: number]> = tracepoint(
  'sched:sched_stat_runtime',
  2,
  (f) => {
    const comm = f.text('comm');
    const pid = f.number('pid');
    const runtime = f.number('runtime');
    return (task, runtimeNs) => {
      comm(task.comm);
      pid(task.pid);
      runtime(runtimeNs);
    };
  },
);

export const schedMigrateTask: Tracepoint<[task: Task, destinationCpu: number]> = tracepoint(
  'sched:sched_migrate_task',
  2,
  (f) => {
    const comm = f.text('comm');
    const pid = f.number('pid');
    const prio = f.number('prio');
    const origCpu = f.number('orig_cpu');
    const destCpu = f.number('dest_cpu');
    return (task, destinationCpu) => {
      comm(task.comm);
      pid(task.pid);
      prio(task.prio);
      origCpu(task.cpu);
      destCpu(destinationCpu);
    };
  },
);

export const schedWakeIdleWithoutIpi: Tracepoint<[cpu: number]> = tracepoint(
  'sched:sched_wake_idle_without_ipi',
  1,
  (f) => f.number('cpu'),
);

export const schedProcessFork: Tracepoint<[parent: Task, child: Task]> = tracepoint(
  'sched:sched_process_fork',
  2,
  (f) => {
    const parentComm = f.text('parent_comm');
    const parentPid = f.number('parent_pid');
    const childComm = f.text('child_comm');
    const childPid = f.number('child_pid');
    return (parent, child) => {
      parentComm(parent.comm);
      parentPid(parent.pid);
      childComm(child.comm);
      childPid(child.pid);
    };
  },
);

export const schedProcessExec: Tracepoint<
  [task: Task, oldPid: number, binary: KernelObject & { readonly path: string }]
> = tracepoint('sched:sched_process_exec', 3, (f) => {
  const filename = f.text('filename');
  const pid = f.number('pid');
  const old = f.number('old_pid');
  return (task, oldPid, binary) => {
    filename(binary.path);
    pid(task.pid);
    old(oldPid);
  };
});

export const schedProcessExit: Tracepoint<[task: Task, groupDead: number]> = tracepoint(
  'sched:sched_process_exit',
  2,
  (f) => {
    const comm = f.text('comm');
    const pid = f.number('pid');
    const prio = f.number('prio');
    const dead = f.number('group_dead');
    return (task, groupDead) => {
      comm(task.comm);
      pid(task.pid);
      prio(task.prio);
      dead(groupDead);
    };
  },
);

function templateRecord(f: RecordFields): (task: Task) => void {
  const comm = f.text('comm');
  const pid = f.number('pid');
  const prio = f.number('prio');
  return (task) => {
    comm(task.comm);
    pid(task.pid);
    prio(task.prio);
  };
}
export const schedProcessFree: Tracepoint<[task: Task]> = tracepoint('sched:sched_process_free', 1, templateRecord);

export const schedProcessWait: Tracepoint<[pid: (KernelObject & { readonly number: number }) | null]> = tracepoint(
  'sched:sched_process_wait',
  1,
  (f, m) => {
    const comm = f.text('comm');
    const pidField = f.number('pid');
    const prio = f.number('prio');
    return (pid) => {
      comm(m.cpu.current.comm);
      pidField(pid === null ? 0 : pid.number);
      prio(m.cpu.current.prio);
    };
  },
);

export const taskNewtask: Tracepoint<[task: Task, cloneFlags: number]> = tracepoint('task:task_newtask', 2, (f) => {
  const pid = f.number('pid');
  const comm = f.text('comm');
  const flagsField = f.number('clone_flags');
  const oom = f.number('oom_score_adj');
  return (task, cloneFlags) => {
    pid(task.pid);
    comm(task.comm);
    flagsField(cloneFlags);
    oom(0);
  };
});
export const taskRename: Tracepoint<[task: Task, comm: KernelObject & { readonly text: string }]> = tracepoint(
  'task:task_rename',
  2,
  (f) => {
    const pid = f.number('pid');
    const oldComm = f.text('oldcomm');
    const newComm = f.text('newcomm');
    const oom = f.number('oom_score_adj');
    return (task, comm) => {
      oom(0);
      pid(task.pid);
      oldComm(task.comm);
      newComm(comm.text);
    };
  },
);
