import { EFAULT } from '../../errno.ts';
import { takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { SignalHandler } from '../../tasks/process.ts';
import type { Task } from '../../tasks/task.ts';
import { signalDeliver } from '../../tracepoints/signal.ts';
import { doGroupExit } from './exit.ts';
import { systemCall } from '../x86/syscall-table.ts';

/* kernel/signal.c: what a signal does to the task that it was sent to. */

/** A signal, seen on the way to user mode: its handler runs, or the task leaves and does not come back. */
export const getSignal = kernelFunction('get_signal', 120, (m, _ksig: KernelObject): Result => {
  const task = m.cpu.current;
  takeUp(m, task);
  const signal = task.pendingSignal;
  task.pendingSignal = task.signalQueue.shift() ?? 0;
  const handler = task.process?.signalHandlers.get(signal) ?? null;
  signalDeliver(m, signal, null, handler === null ? 0 : HANDLER_ADDRESS);
  if (handler === null || task.user === null) return doGroupExit(m, signal);
  runHandler(m, task, signal, handler);
  return 0;
});
/** Where a handler is shown to be: no image gives it a symbol. */
const HANDLER_ADDRESS = 0x5555_5555_5200;
/** setup_rt_frame(): what was interrupted waits below the handler's frame until rt_sigreturn. */
function runHandler(m: Machine, task: Task, signal: number, handler: SignalHandler): void {
  const user = task.user!;
  m.spend(SIGNAL_FRAME_NS);
  task.interrupted.push({
    program: task.program,
    detour: user.detour,
    result: task.result,
    workLeft: task.workLeft,
  });
  user.detour = null;
  task.workLeft = 0;
  task.program = (function* () {
    yield* handler(user, signal);
    yield user.call('rt_sigreturn');
    return 0;
  })();
}
const SIGNAL_FRAME_NS = 350;
systemCall('rt_sigreturn', 60, (m) => {
  const task = m.cpu.current;
  const before = task.interrupted.pop();
  if (before === undefined || task.user === null) return -EFAULT;
  task.program = before.program;
  task.user.detour = before.detour;
  task.workLeft = before.workLeft;
  return before.result;
});
