import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TASK_INTERRUPTIBLE } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import { signalGenerate } from '../tracepoints/signal.ts';
import { tryToWakeUp } from './sched.ts';
import { systemCall } from './syscall-entry.ts';
import { EINVAL, ESRCH } from '../errno.ts';

const SIGNALS = 64;
/** Signals that do nothing unless the program asks for them: CHLD, CONT, URG, WINCH. Programs here install no handlers. */
const IGNORED: ReadonlySet<number> = new Set([17, 18, 23, 28]);

const completeSignal = kernelFunction('complete_signal', 60, (m, sig: number, p: Task, _type: number): void => {
  if (IGNORED.has(sig)) return;
  p.pendingSignal = sig;
  tryToWakeUp(m, p, TASK_INTERRUPTIBLE, 0);
});
const sendSignalLocked = kernelFunction(
  'send_signal_locked',
  80,
  (m, sig: number, _info: KernelObject | null, t: Task, type: number): number => {
    signalGenerate(m, sig, null, t, type, 0);
    completeSignal(m, sig, t, type);
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

function kill(m: Machine, pid: number, sig: number): number {
  if (sig < 0 || sig > SIGNALS) return -EINVAL;
  const task = m.tasks.get(pid);
  return task === undefined ? -ESRCH : doSendSigInfo(m, sig, null, task, 1);
}
systemCall('kill', 60, (m, pid, sig) => kill(m, pid, sig));
systemCall('tkill', 60, (m, pid, sig) => kill(m, pid, sig));
systemCall('tgkill', 60, (m, _tgid, pid, sig) => kill(m, pid, sig));
