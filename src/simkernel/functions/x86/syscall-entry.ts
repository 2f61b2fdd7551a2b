import { storeUserFrame } from '../../cpu/user-frame.ts';
import { trapFlagChanged } from '../../cpu/debug-registers.ts';
import { irqEnable } from '../../cpu/local-apic.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { account } from '../../cpu/accounting.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { declareText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber } from '../../memory/arena.ts';
import { fireSyscallEnter, fireSyscallExit } from '../../probes/syscall-events.ts';
import type { Task } from '../../tasks/task.ts';
import { exitToUserModeLoop } from './irq-entry.ts';
import { runSystemCall } from './syscall-table.ts';

/** Where do_syscall_64 returns to. */
const entrySyscall64 = declareText('entry_SYSCALL_64_after_hwframe', { traceable: false, site: 0x76 });
const ENTRY_NS = 45;
const EXIT_NS = 35;

const x64SysCall = kernelFunction(
  'x64_sys_call',
  8,
  (m, regs: KernelObject, nr: number): Result => runSystemCall(m, regs, nr),
  { traceable: false, site: 0x26 },
);

const doSyscall64 = kernelFunction(
  'do_syscall_64',
  20,
  (m, regs: KernelObject, nr: number): Result => {
    irqEnable(m);
    if (m.syscallEvents.enterUsers !== 0) fireSyscallEnter(m, regs, nr);
    const ret = x64SysCall(m, regs, nr);
    return ret instanceof Pending
      ? ret.then((value: number) => finishSyscall(m, regs, value))
      : finishSyscall(m, regs, ret);
  },
  { traceable: false, site: 0x7c },
);

/** What follows the system call's function: the result in rax, exit events, work that is due before user mode. */
export function finishSyscall(m: Machine, regs: KernelObject, ret: number): Result {
  const { cpu } = m;
  const task = cpu.current;
  task.result = ret;
  storeNumber(m.words, regs.address + m.abi.result, ret);
  if (m.syscallEvents.exitUsers !== 0) fireSyscallExit(m, regs, task.syscall, ret);
  return exitWork(m);
}
function exitWork(m: Machine): Result {
  const { cpu } = m;
  const task = cpu.current;
  if (task.taskWork !== null) {
    const work = task.taskWork;
    task.taskWork = null;
    work();
  }
  if (task.pendingSignal !== 0) return m.deliverSignal(task);
  if (!cpu.needResched) return 0;
  const left = exitToUserModeLoop(m);
  return left instanceof Pending ? left.then(() => exitWork(m)) : exitWork(m);
}

/** `syscall`: registers are pushed at the top of the task's kernel stack, do_syscall_64 runs, and `sysret` goes back. */
export function enterSystemCall(m: Machine, cpu: Cpu, task: Task): unknown {
  const regs = task.userRegs;
  const { words, abi, arch } = m;
  account(cpu);
  cpu.userMode = false;
  storeUserFrame(m, cpu, regs.address);
  if ((cpu.flags & FLAGS.trap) !== 0) {
    cpu.flags &= ~FLAGS.trap;
    trapFlagChanged(cpu);
  }
  const at = regs.address >> 2;
  const { args, syscall: nr } = task;
  const registers = abi.systemCallArguments;
  for (let i = 0; i < registers.length; i += 1) storeArgument(words, at + registers[i]! / 4, args[i]!);
  arch.frames.storeSystemCall(words, regs.address, arch.systemCallNumber(nr) ?? nr, args[0]!);
  cpu.sp = regs.address;
  cpu.fp = regs.address | 1;
  cpu.fn = entrySyscall64;
  cpu.pace = m.paces.next();
  cpu.time += ENTRY_NS * cpu.pace;
  const left = doSyscall64(m, regs, nr);
  if (left instanceof Pending) {
    return left.then(() => {
      m.cpu.time += EXIT_NS;
      m.cpu.flags = arch.frames.loadFlags(words, regs.address);
      return 0;
    });
  }
  cpu.time += EXIT_NS;
  cpu.flags = arch.frames.loadFlags(words, regs.address);
  return 0;
}
function storeArgument(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / 4294967296);
}
