import { EBUSY, EEXIST, EINVAL, ENODEV, EOPNOTSUPP, ESRCH } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { Cgroup } from '../../tasks/cgroups.ts';
import type { Task } from '../../tasks/task.ts';
import {
  cgroupAttachTaskEvent,
  cgroupMkdirEvent,
  cgroupNotifyPopulated,
  cgroupReleaseEvent,
  cgroupRmdirEvent,
} from '../../tracepoints/cgroup.ts';
import type { CString } from '../fs/filename.ts';
import { callRcu } from './rcu.ts';

/* kernel/cgroup/cgroup.c: groups come and go by mkdir and rmdir, tasks move when their number is written into cgroup.procs. */

/** Tells of groups that have got their first task, or lost their last one. */
function notifyPopulated(m: Machine, changed: readonly Cgroup[]): void {
  for (const each of changed) cgroupNotifyPopulated(m, each, each.pathText, each.isPopulated ? 1 : 0);
}

/** A kernfs_node with the group that its `priv` leads to. */
type GroupNode = KernelObject & { readonly cgroup: Cgroup };
const nodeOf = (cgroup: Cgroup): GroupNode => ({ address: cgroup.kn.address, cgroup });

const cgroupMkdirFunction = kernelFunction(
  'cgroup_mkdir',
  9_000,
  (m, parent: GroupNode, name: CString, _mode: number): number => {
    const { cgroup } = parent;
    if (cgroup.isDead) return -ENODEV;
    if (cgroup.children.has(name.path)) return -EEXIST;
    if (name.path.includes('\n')) return -EINVAL;
    const made = m.cgroups.add(cgroup, name.path);
    cgroupMkdirEvent(m, made, made.pathText);
    return 0;
  },
);
export function cgroupMkdir(m: Machine, parent: Cgroup, name: string, mode: number): number {
  return cgroupMkdirFunction(m, nodeOf(parent), { address: m.scratch, path: name }, mode);
}

/** css_release_work_fn(): dead tasks may have had it until now. */
function releaseLater(m: Machine, cgroup: Cgroup): void {
  callRcu(m, () => {
    cgroupReleaseEvent(m, cgroup, cgroup.pathText);
    m.ioGroups.forget(cgroup);
    m.cgroups.free(cgroup);
  });
}
/** A group with tasks or groups in it stays. */
const cgroupDestroyLocked = kernelFunction('cgroup_destroy_locked', 3_500, (m, cgroup: Cgroup): number => {
  if (cgroup.tasks.size > 0 || cgroup.children.size > 0) return -EBUSY;
  m.cgroups.remove(cgroup);
  if (cgroup.users === 0) releaseLater(m, cgroup);
  else cgroup.whenUnused = () => releaseLater(m, cgroup);
  return 0;
});
const cgroupRmdirFunction = kernelFunction('cgroup_rmdir', 600, (m, kn: GroupNode): number => {
  const { cgroup } = kn;
  const status = cgroupDestroyLocked(m, cgroup);
  if (status === 0) cgroupRmdirEvent(m, cgroup, cgroup.pathText);
  return status;
});
export function cgroupRmdir(m: Machine, cgroup: Cgroup): number {
  return cgroupRmdirFunction(m, nodeOf(cgroup));
}

const cgroupMigrate = kernelFunction(
  'cgroup_migrate',
  4_000,
  (m, leader: Task, threadgroup: number, context: KernelObject & { readonly to: Cgroup }): number => {
    const threads = threadgroup === 1 ? (leader.process?.threads ?? [leader]) : [leader];
    for (const thread of threads) notifyPopulated(m, m.cgroups.move(thread, context.to));
    return 0;
  },
);
const cgroupAttachTask = kernelFunction(
  'cgroup_attach_task',
  1_500,
  (m, to: Cgroup, leader: Task, threadgroup: number): number => {
    const status = cgroupMigrate(m, leader, threadgroup, { address: m.scratch, to });
    if (status === 0) cgroupAttachTaskEvent(m, to, to.pathText, leader, threadgroup);
    return status;
  },
);
/** What is written into cgroup.procs and cgroup.threads: the number of a process or thread, 0 for the writer. */
function attachNumber(m: Machine, to: Cgroup, text: string, threadgroup: number): number {
  if (to.isDead) return -ENODEV;
  if (!/^\s*\d+\s*$/.test(text)) return -EINVAL;
  const number = Number(text);
  const task = number === 0 ? m.cpu.current : m.tasks.get(number);
  if (task === undefined) return -ESRCH;
  const leader = threadgroup === 1 ? (m.tasks.get(task.tgid) ?? task) : task;
  // Kernel threads that are bound to their CPUs stay in the root; a thread goes no further than its process's domain.
  if (leader.process === null && leader.boundTo !== null) return -EINVAL;
  if (threadgroup === 0 && to !== task.cgroup) return -EOPNOTSUPP;
  return cgroupAttachTask(m, to, leader, threadgroup);
}
interface OpenFileOf extends KernelObject {
  readonly to: Cgroup;
}
const procsWrite = kernelFunction(
  'cgroup_procs_write',
  400,
  (m, of: OpenFileOf, text: CString, _bytes: number, _off: number): number => attachNumber(m, of.to, text.path, 1),
);
const threadsWrite = kernelFunction(
  'cgroup_threads_write',
  400,
  (m, of: OpenFileOf, text: CString, _bytes: number, _off: number): number => attachNumber(m, of.to, text.path, 0),
);
export function writeProcs(m: Machine, to: Cgroup, text: string, threads: boolean): number {
  const write = threads ? threadsWrite : procsWrite;
  return write(m, { address: m.scratch, to }, { address: m.scratch, path: text }, text.length, 0);
}

/** A forked task is in its parent's group from its first moment on. */
export const cgroupPostFork = kernelFunction('cgroup_post_fork', 120, (m, child: Task, _args: KernelObject): void => {
  notifyPopulated(m, m.cgroups.enter(child));
});
/** The last that its group sees of it: it has switched away for good. */
export const cgroupTaskDead = kernelFunction('cgroup_task_dead', 90, (m, task: Task): void => {
  notifyPopulated(m, m.cgroups.leave(task));
});
