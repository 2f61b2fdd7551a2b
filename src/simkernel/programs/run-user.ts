import { PT_REGS } from '../../btf/pt-regs.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { DR6_STEP, instructionReached, memoryAccessed, raiseDebug } from '../cpu/debug-registers.ts';
import { deliver, softwareInterrupt } from '../cpu/deliver.ts';
import { VECTORS } from '../cpu/descriptor-tables.ts';
import { enterSystemCall } from '../functions/x86/syscall-entry.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../tasks/task.ts';
import {
  ACCESS,
  BREAKPOINT,
  EXECUTE,
  EXCEPTION,
  PAGE_FAULT,
  SINGLE_STEP,
  SOFTWARE_INTERRUPT,
  SYSTEM_CALL,
} from './image.ts';
import { raiseSingleStep } from '../functions/kernel/uprobes.ts';
import { highHalf, lowHalf } from './user-stack.ts';
import type { UserContext } from './user.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';
import { X86_PF_USER, X86_PF_WRITE, X86_PF_PROT } from '../cpu/page-fault-code.ts';

/** Error code of a page fault: the access was from user mode, was a write. */
/** An access that the page tables do not allow. The instruction runs again when the fault has been taken care of. */
function touchPage(m: Machine, cpu: Cpu, task: Task, address: number, write: boolean): unknown {
  const isShared = write && task.process?.mm.isShared(address) === true;
  cpu.cr2 = address;
  return deliver(m, cpu, VECTORS.pageFault, 0, X86_PF_USER | (write ? X86_PF_WRITE : 0) | (isShared ? X86_PF_PROT : 0));
}
const HIGH = 4294967296;
/** Instructions around a system call in user mode. */
const WRAPPER_NS = 60;

/** Advances a user program by one step; a system call runs to its end or to its sleep. */
export function runUserProgram(m: Machine, cpu: Cpu, task: Task): unknown {
  if (task.user?.isStepOver() === true) return raiseDebug(m, cpu, DR6_STEP);
  const { user, process } = task;
  // Whatever comes next pushes something.
  if (user !== null && process?.mm.isStackShared(user.sp) === true) return touchPage(m, cpu, task, user.sp - 8, true);
  const step = nextStep(task);
  if (step.done === true) {
    task.syscall = SYSCALL_NUMBERS.exit_group;
    task.args[0] = typeof step.value === 'number' ? step.value : 0;
  } else if (step.value === PAGE_FAULT) {
    return touchPage(m, cpu, task, task.args[0]!, task.args[1] !== 0);
  } else if (step.value === SOFTWARE_INTERRUPT) {
    loadUserRegisters(cpu, task);
    return softwareInterrupt(m, cpu, task.args[0]!);
  } else if (step.value === BREAKPOINT) {
    loadRegisters(cpu, task);
    return deliver(m, cpu, VECTORS.breakpoint, 0, -1);
  } else if (step.value === ACCESS) {
    const [address = 0, size = 0, write = 0] = task.args;
    const met = memoryAccessed(cpu, address | 0, Math.floor(address / HIGH), size, write !== 0);
    return met === 0 ? undefined : raiseDebug(m, cpu, met);
  } else if (step.value === EXECUTE) {
    const address = task.args[0]!;
    const met = instructionReached(cpu, address | 0, Math.floor(address / HIGH));
    return met === 0 ? undefined : raiseDebug(m, cpu, met);
  } else if (step.value === SINGLE_STEP) {
    return raiseSingleStep(m);
  } else if (step.value === EXCEPTION) {
    return deliver(m, cpu, task.args[0]!, 0, -1);
  } else if (step.value !== SYSTEM_CALL) {
    return undefined;
  }
  cpu.time += WRAPPER_NS;
  return enterSystemCall(m, cpu, task);
}

/** The program's next step; a probed wrapper of the C library takes its own steps first. */
function nextStep(task: Task): { done?: boolean; value: unknown } {
  const user = task.user!;
  if (user.detour !== null) {
    const step = user.detour.next(task.result);
    if (step.done !== true) return step;
    user.detour = null;
    // The result is the system call's: what the uretprobe's own returned is the same.
    task.result = Number(step.value);
  }
  const step = task.program!.next(task.result);
  return step.done === true ? step : (firstDetourStep(user) ?? step);
}

/** Making a system call may have found probes in the way. */
function firstDetourStep({ detour }: UserContext): { done?: boolean; value: unknown } | undefined {
  return detour?.next(0);
}

/** The general registers that a program has set itself. */
function loadRegisters(cpu: Cpu, task: Task): void {
  for (const [register, value] of task.user?.registers ?? []) {
    cpu.registers[register / 4] = lowHalf(value);
    cpu.registers[register / 4 + 1] = highHalf(value);
  }
}

/** Registers as the program set them for `int N`: number, then arguments, by the convention of 32-bit system calls. */
const INT_REGISTERS = [PT_REGS.ax, PT_REGS.bx, PT_REGS.cx, PT_REGS.dx, PT_REGS.si, PT_REGS.di] as const;
function loadUserRegisters(cpu: Cpu, task: Task): void {
  INT_REGISTERS.forEach((register, i) => {
    const value = task.user?.intRegisters[i] ?? 0;
    cpu.registers[register / 4] = value | 0;
    cpu.registers[register / 4 + 1] = Math.floor(value / 4294967296);
  });
}
