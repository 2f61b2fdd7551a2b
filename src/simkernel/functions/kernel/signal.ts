import { kernelFunction } from '../../execution/kernel-function.ts';
import { leave } from '../../execution/hand-over.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { signalGenerate } from '../../tracepoints/signal.ts';
import { CAP, nsCapable } from './capability.ts';
import { schedule, setTaskState, tryToWakeUp } from './sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { EINTR, EINVAL, EPERM, ESRCH } from '../../errno.ts';
import { SIGKILL, SIGSTOP, SIGCONT, SIGCHLD, SIGURG, SIGWINCH } from '../../tasks/signals.ts';

const SIGNALS = 64;
/** Signals that do nothing unless the program asks for them. */
const IGNORED: ReadonlySet<number> = new Set([SIGCHLD, SIGCONT, SIGURG, SIGWINCH]);
/** include/trace/events/signal.h */
const TRACE_SIGNAL_DELIVERED = 0;
const TRACE_SIGNAL_IGNORED = 1;
const TRACE_SIGNAL_ALREADY_PENDING = 2;

function isIgnored(p: Task, sig: number): boolean {
  const handlers = p.process?.signalHandlers;
  if (handlers?.has(sig) === true && sig !== SIGKILL && sig !== SIGSTOP) return handlers.get(sig) === null;
  return IGNORED.has(sig);
}

const completeSignal = kernelFunction('complete_signal', 60, (m, sig: number, p: Task, _type: number): void => {
  if (p.pendingSignal === 0) p.pendingSignal = sig;
  else p.signalQueue.push(sig);
  leave(m, p);
  tryToWakeUp(m, p, TASK_INTERRUPTIBLE, 0);
});
const sendSignalLocked = kernelFunction(
  'send_signal_locked',
  80,
  (m, sig: number, _info: KernelObject | null, t: Task, type: number): number => {
    const pending = t.pendingSignal === sig || t.signalQueue.includes(sig);
    const ignored = isIgnored(t, sig);
    const result = ignored ? TRACE_SIGNAL_IGNORED : pending ? TRACE_SIGNAL_ALREADY_PENDING : TRACE_SIGNAL_DELIVERED;
    signalGenerate(m, sig, null, t, type, result);
    if (!ignored && !pending) completeSignal(m, sig, t, type);
    return 0;
  },
);
/** Sends a signal; it is acted on when the task next goes back to user mode. */
export const doSendSigInfo = kernelFunction(
  'do_send_sig_info',
  40,
  (m, sig: number, info: KernelObject | null, p: Task, type: number): number =>
    sig === 0 ? 0 : sendSignalLocked(m, sig, info, p, type),
);

/** A signal for what the running program has just done; it cannot be put off. */
export const forceSig = kernelFunction('force_sig', 40, (m, sig: number): void => {
  sendSignalLocked(m, sig, null, m.cpu.current, 0);
});

/** kill_ok_by_cred(), or CAP_KILL. */
function mayKill(m: Machine, target: Task): boolean {
  const mine = m.cpu.current.cred;
  const other = target.cred;
  if (mine === null || other === null || target.process === null) return nsCapable(m, null, CAP.KILL) === 1;
  const { effective, real } = mine.users;
  const ids = [other.users.saved, other.users.real];
  return ids.includes(effective) || ids.includes(real) || nsCapable(m, null, CAP.KILL) === 1;
}
const groupSendSigInfo = kernelFunction(
  'group_send_sig_info',
  40,
  (m, sig: number, info: KernelObject | null, p: Task, type: number): number =>
    mayKill(m, p) ? doSendSigInfo(m, sig, info, p, type) : -EPERM,
);
const doSendSpecific = kernelFunction(
  'do_send_specific',
  40,
  (m, tgid: number, pid: number, sig: number, info: KernelObject | null): number => {
    const task = m.tasks.get(pid);
    if (task === undefined || (tgid > 0 && task.tgid !== tgid)) return -ESRCH;
    return mayKill(m, task) ? doSendSigInfo(m, sig, info, task, 0) : -EPERM;
  },
);
systemCall('kill', 60, (m, pid, sig) => {
  if (sig < 0 || sig > SIGNALS) return -EINVAL;
  const task = m.tasks.get(pid);
  return task === undefined || task.pid !== task.tgid ? -ESRCH : groupSendSigInfo(m, sig, null, task, 1);
});
systemCall('tkill', 60, (m, pid, sig) =>
  sig < 0 || sig > SIGNALS || pid <= 0 ? -EINVAL : doSendSpecific(m, 0, pid, sig, null),
);
systemCall('tgkill', 60, (m, tgid, pid, sig) =>
  sig < 0 || sig > SIGNALS || pid <= 0 || tgid <= 0 ? -EINVAL : doSendSpecific(m, tgid, pid, sig, null),
);
/** Programs say what they do through their context; the call costs what it costs. */
systemCall('rt_sigaction', 55, (_m, sig) => (sig <= 0 || sig > SIGNALS ? -EINVAL : 0));
systemCall('rt_sigprocmask', 35, () => 0);
systemCall('sigaltstack', 30, () => 0);
systemCall('pause', 20, (m): Result => {
  const task = m.cpu.current;
  if (task.pendingSignal !== 0) return -EINTR;
  setTaskState(m, task, TASK_INTERRUPTIBLE);
  const slept = schedule(m);
  const after = (): number => {
    setTaskState(m, task, TASK_RUNNING);
    return -EINTR;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
