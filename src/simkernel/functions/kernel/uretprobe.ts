import { DR6_STEP } from '../../cpu/debug-registers.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber } from '../../memory/arena.ts';
import { runUserHandlers } from '../../probes/handler.ts';
import { storeUserWord } from '../../programs/user-stack.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { uprobePostSstepNotifier, uprobeTask } from './uprobes.ts';

/** At the trampoline: handlers see the result in its register and the caller as the place. */
const uprobeHandleTrampoline = kernelFunction(
  'uprobe_handle_trampoline',
  40,
  (m, regs: KernelObject): void => {
    const { current } = m.cpu;
    const instance = uprobeTask(current).returns.pop();
    if (instance === undefined) return;
    storeNumber(m.words, regs.address + m.abi.ip, instance.original);
    current.user!.stack.ip = instance.original;
    m.trace.ip = 0;
    const { returns } = instance.uprobe;
    if (returns.length > 0) runUserHandlers(m, returns, regs.address, instance.entry);
  },
  { traceable: false },
);
/** The trampoline of x86 makes a system call. */
systemCall('uretprobe', 30, (m) => {
  const { userRegs, user } = m.cpu.current;
  const result = user?.registers.get(m.abi.result) ?? 0;
  storeUserWord(m.words, userRegs.address + m.abi.result, result);
  uprobeHandleTrampoline(m, userRegs);
  return Number(result);
});

/** Claims the single steps of programs that uprobes sent off, and takes care of breakpoints in trampolines. */
export function registerUprobeNotifier(m: Machine): void {
  m.uprobes.handleTrampoline = uprobeHandleTrampoline;
  m.debugNotifiers.push((machine, regs, dr6) => {
    const isStep = (dr6 & DR6_STEP) !== 0;
    return isStep && uprobePostSstepNotifier(machine, regs) !== 0 ? dr6 & ~DR6_STEP : dr6;
  });
}
