import { EFAULT, EINVAL, ESRCH } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { structFields } from '../../memory/layout.ts';
import { DEFAULT_PRIORITY, TASK } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { userBytes } from '../x86/user-access.ts';

/** Which queue a task stands in, and how urgent it is there. */

const POLICY = structFields('task_struct', { policy: 'policy', rtPriority: 'rt_priority' });
const SCHED_NORMAL = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
/** MAX_RT_PRIO */
const MOST_URGENT = 99;
/** struct sched_param */
const PARAM_SIZE = 4;

const taskOf = (m: Machine, pid: number): Task | undefined => (pid === 0 ? m.cpu.current : m.tasks.get(pid));

/** struct sched_attr: the address is that of the caller's parameters. */
interface SchedulingAttributes {
  readonly address: number;
  readonly policy: number;
  readonly priority: number;
}
const setScheduler = kernelFunction(
  '__sched_setscheduler',
  110,
  (m, p: Task, attr: SchedulingAttributes, _user: number, _pi: number): number => {
    const { policy, priority } = attr;
    const isRealTime = policy === SCHED_FIFO || policy === SCHED_RR;
    if (!isRealTime && policy !== SCHED_NORMAL) return -EINVAL;
    if (isRealTime ? priority < 1 || priority > MOST_URGENT : priority !== 0) return -EINVAL;
    p.prio = isRealTime ? MOST_URGENT - priority : DEFAULT_PRIORITY;
    for (const field of [TASK.prio, TASK.staticPrio, TASK.normalPrio]) m.words[(p.address + field) >> 2] = p.prio;
    m.words[(p.address + POLICY.policy) >> 2] = policy;
    m.words[(p.address + POLICY.rtPriority) >> 2] = priority;
    return 0;
  },
);
const doSchedSetScheduler = kernelFunction(
  'do_sched_setscheduler',
  40,
  (m, pid: number, policy: number, param: number): number => {
    if (param === 0 || pid < 0 || policy < 0) return -EINVAL;
    const bytes = userBytes(m, param, PARAM_SIZE);
    if (bytes === undefined) return -EFAULT;
    const task = taskOf(m, pid);
    if (task === undefined) return -ESRCH;
    const priority = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
    return setScheduler(m, task, { address: param, policy, priority }, 1, 1);
  },
);

systemCall('sched_setscheduler', 20, (m, pid, policy, param) => doSchedSetScheduler(m, pid, policy, param));
systemCall('sched_getscheduler', 30, (m, pid) => {
  const task = taskOf(m, pid);
  return task === undefined ? -ESRCH : m.words[(task.address + POLICY.policy) >> 2]!;
});
systemCall('sched_getparam', 30, (m, pid, param) => {
  const task = taskOf(m, pid);
  if (task === undefined) return -ESRCH;
  const bytes = userBytes(m, param, PARAM_SIZE);
  if (bytes === undefined) return -EFAULT;
  bytes.fill(0);
  bytes[0] = m.words[(task.address + POLICY.rtPriority) >> 2]!;
  return 0;
});
