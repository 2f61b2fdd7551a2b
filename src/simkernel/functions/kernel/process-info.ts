import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import { storeText } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { setComm } from '../../tasks/process.ts';
import { taskRename } from '../../tracepoints/sched.ts';
import { EFAULT, EINVAL, ESRCH } from '../../errno.ts';
import { HOST_NAME, KERNEL_RELEASE, KERNEL_VERSION } from '../../version.ts';
import { DEFAULT_PRIORITY, TASK, TASK_STIME, TASK_UTIME } from '../../tasks/task.ts';
import { CAP, nsCapable } from './capability.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { userBytes } from '../x86/user-access.ts';
import { loadText, storeNumber } from '../../memory/arena.ts';
import { UTS_NAME_SIZE } from '../../tasks/namespaces.ts';
import { SECOND } from '../../time/units.ts';

/** What processes ask of themselves and the machine: small calls that programs make all the time. */

const UTSNAME = structFields('new_utsname', {
  system: 'sysname',
  node: 'nodename',
  release: 'release',
  version: 'version',
  machine: 'machine',
});
const PR_SET_NAME = 15;
const COMM_SIZE = 16;
const RUSAGE_SIZE = 144;
const RLIMIT_SIZE = 16;
const RLIMIT_NOFILE = 7;
const NOFILE = 1024;
const RLIM_INFINITY = 2 ** 53;

const newuname = inlined(30, (m, name: number): number => {
  const at = m.cpu.current.process?.mm.find(name, UTSNAME.size) ?? -1;
  if (at < 0) return -EFAULT;
  const put = (field: number, text: string): void => storeText(m.arena.bytes, at + field, text, UTS_NAME_SIZE);
  put(UTSNAME.system, 'Linux');
  put(UTSNAME.node, HOST_NAME);
  put(UTSNAME.release, KERNEL_RELEASE);
  put(UTSNAME.version, KERNEL_VERSION);
  put(UTSNAME.machine, m.abi.machine);
  return 0;
});
systemCall('uname', 12, (m, name) => newuname(m, name));

const setTaskComm = kernelFunction(
  '__set_task_comm',
  30,
  (m, tsk: Machine['tracer'], buffer: number, _exec: number): void => {
    const at = m.cpu.current.process?.mm.find(buffer, 1) ?? -1;
    if (at < 0) return;
    const text = loadText(m.arena.bytes, at, COMM_SIZE - 1);
    taskRename(m, tsk, { address: at, text });
    setComm(m, tsk, text);
  },
);
systemCall('prctl', 40, (m, option, arg2) => {
  if (option === PR_SET_NAME) setTaskComm(m, m.cpu.current, arg2, 0);
  return 0;
});

function storeTime(m: Machine, address: number, ns: number, unit: number): number {
  const at = m.cpu.current.process?.mm.find(address, 16) ?? -1;
  if (at < 0) return -EFAULT;
  storeNumber(m.words, at, Math.floor(ns / SECOND));
  storeNumber(m.words, at + 8, Math.floor((ns % SECOND) / unit));
  return 0;
}
// Programs read the clock in the vDSO; those that make the call after all get it here.
systemCall('clock_gettime', 25, (m, clock, address) =>
  storeTime(m, address, clock === 0 ? m.bootTimeNs + m.cpu.time : m.cpu.time, 1),
);
systemCall('gettimeofday', 25, (m, address) => storeTime(m, address, m.bootTimeNs + m.cpu.time, 1000));
systemCall('time', 15, (m) => Math.floor((m.bootTimeNs + m.cpu.time) / SECOND));

systemCall('getrusage', 60, (m, _who, address) => {
  const usage = userBytes(m, address, RUSAGE_SIZE);
  if (usage === undefined) return -EFAULT;
  usage.fill(0);
  const { times } = m.cpu.current;
  storeTime(m, address, times[TASK_UTIME]!, 1000);
  return storeTime(m, address + 16, times[TASK_STIME]!, 1000);
});
systemCall('prlimit64', 60, (m, _pid, resource, _newLimit, oldLimit) => {
  if (oldLimit === 0) return nsCapable(m, null, CAP.SYS_RESOURCE) === 1 ? 0 : -EINVAL;
  const at = m.cpu.current.process?.mm.find(oldLimit, RLIMIT_SIZE) ?? -1;
  if (at < 0) return -EFAULT;
  for (const field of [0, 8]) storeNumber(m.words, at + field, resource === RLIMIT_NOFILE ? NOFILE : RLIM_INFINITY);
  return 0;
});

/** getrandom(): from the machine's own seeded source, as everything else. */
systemCall('getrandom', 90, (m, buffer, size) => {
  const bytes = userBytes(m, buffer, size);
  if (bytes === undefined) return -EFAULT;
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = m.network.random.bits() & 0xff;
  return size;
});

systemCall('sched_getaffinity', 40, (m, pid, size, mask) => {
  const task = pid === 0 ? m.cpu.current : m.tasks.get(pid);
  if (task === undefined) return -ESRCH;
  const bytes = userBytes(m, mask, Math.min(size, 8));
  if (bytes === undefined) return -EFAULT;
  bytes.fill(0);
  bytes[0] = task.boundTo === null ? 2 ** m.cpus - 1 : 1 << task.boundTo;
  return bytes.length;
});
/** A mask of one CPU binds, any other lets go. */
systemCall('sched_setaffinity', 90, (m, pid, size, mask) => {
  const task = pid === 0 ? m.cpu.current : m.tasks.get(pid);
  if (task === undefined) return -ESRCH;
  const bytes = userBytes(m, mask, Math.min(size, 8));
  if (bytes === undefined) return -EFAULT;
  const allowed = m.cpuList.filter(({ id }) => (bytes[0]! & (1 << id)) !== 0);
  if (allowed.length === 0) return -EINVAL;
  task.boundTo = allowed.length === 1 ? allowed[0]!.id : null;
  return 0;
});

const PRIO_PROCESS = 0;
/** Nice levels. */
const MIN_NICE = -20;
const MAX_NICE = 19;
const setUserNice = kernelFunction('set_user_nice', 120, (m, p: Machine['tracer'], nice: number): void => {
  p.prio = DEFAULT_PRIORITY + nice;
  for (const field of [TASK.prio, TASK.staticPrio, TASK.normalPrio]) m.words[(p.address + field) >> 2] = p.prio;
});
const setOnePrio = kernelFunction(
  'set_one_prio',
  40,
  (m, p: Machine['tracer'], niceval: number, error: number): number => {
    setUserNice(m, p, niceval);
    return error === -ESRCH ? 0 : error;
  },
);
systemCall('setpriority', 30, (m, which, who, niceval) => {
  const task = who === 0 ? m.cpu.current : m.tasks.get(who);
  if (which !== PRIO_PROCESS) return -EINVAL;
  return task === undefined ? -ESRCH : setOnePrio(m, task, Math.min(MAX_NICE, Math.max(MIN_NICE, niceval)), -ESRCH);
});

systemCall('set_tid_address', 12, (m) => m.cpu.current.pid);
systemCall('set_robust_list', 12, () => 0);
systemCall('rseq', 30, () => 0);
systemCall('arch_prctl', 15, () => 0);
systemCall('setsid', 60, (m) => m.cpu.current.tgid);
systemCall('setpgid', 40, () => 0);
systemCall('getpgrp', 12, (m) => m.cpu.current.tgid);
systemCall('umask', 12, () => 0o022);
systemCall('alarm', 40, () => 0);

systemCall('getpid', 12, (m) => m.cpu.current.tgid);
systemCall('gettid', 12, (m) => m.cpu.current.pid);
systemCall('getppid', 14, (m) => m.cpu.current.parent?.tgid ?? 0);
systemCall('getuid', 12, (m) => m.cpu.current.uid);
systemCall('geteuid', 12, (m) => m.cpu.current.cred?.users.effective ?? 0);
systemCall('getegid', 12, (m) => m.cpu.current.cred?.groups.effective ?? 0);
systemCall('getgid', 12, (m) => m.cpu.current.gid);
