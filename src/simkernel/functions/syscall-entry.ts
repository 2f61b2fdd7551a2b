import { storeUserFrame } from '../cpu/user-frame.ts';
import { trapFlagChanged } from '../cpu/debug-registers.ts';
import { irqEnable } from '../cpu/local-apic.ts';
import { FLAGS } from '../cpu/registers.ts';
import { account } from '../cpu/accounting.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { KernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { declareText } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { addressHigh, addressLow, storeNumber } from '../memory/arena.ts';
import { SYSTEM_CALLS } from '../memory/kernel-data.ts';
import { fireSyscallEnter, fireSyscallExit } from '../probes/syscall-events.ts';
import { syscallByName } from '../syscalls.ts';
import type { Task } from '../tasks/task.ts';
import { exitToUserModeLoop } from './irq-entry.ts';
import { ENOSYS } from '../errno.ts';

/** Where do_syscall_64 returns to. */
const entrySyscall64 = declareText('entry_SYSCALL_64_after_hwframe', { traceable: false, site: 0x76 });
const ENTRY_NS = 45;
const EXIT_NS = 35;

type Implementation = KernelFunction<[regs: KernelObject], Result>;
const implementations: (Implementation | undefined)[] = new Array<Implementation | undefined>(SYSTEM_CALLS).fill(
  undefined,
);

/**
 * Declares a system call: `__x64_sys_NAME(regs)`, which takes its arguments from the registers that entry pushed. `body` gets
 * them as C numbers: declare as many as it needs.
 */
export function systemCall(
  name: string,
  ns: number,
  body: (m: Machine, a: number, b: number, c: number, d: number, e: number, f: number) => Result,
): void {
  const row = syscallByName(name);
  if (row === undefined) throw new Error(`no system call ${name}`);
  const parameters = row.parameters.map(({ type }) => narrow(type));
  const arity = body.length - 1;
  const allWide = parameters.slice(0, arity).every((kind) => kind === 'wide');
  implementations[row.number] = kernelFunction(`__x64_sys_${row.entry}`, ns, (m, _regs: KernelObject): Result => {
    const { args } = m.cpu.current;
    if (allWide) return body(m, args[0]!, args[1]!, args[2]!, args[3]!, args[4]!, args[5]!);
    const [a, b, c, d, e, f] = parameters;
    return body(
      m,
      truncate(a, args[0]!),
      truncate(b, args[1]!),
      truncate(c, args[2]!),
      truncate(d, args[3]!),
      truncate(e, args[4]!),
      truncate(f, args[5]!),
    );
  });
}
type Width = 'wide' | 'int' | 'unsigned';
function narrow(type: string): Width {
  if (/^(int|pid_t|clockid_t|key_t|timer_t)$/.test(type)) return 'int';
  if (/^(unsigned int|unsigned|uid_t|gid_t|umode_t|u32)$/.test(type)) return 'unsigned';
  return 'wide';
}
function truncate(width: Width | undefined, value: number): number {
  return width === 'int' ? value | 0 : width === 'unsigned' ? value >>> 0 : value;
}

const sysNiSyscall = kernelFunction('__x64_sys_ni_syscall', 15, (_m, _regs: KernelObject): Result => -ENOSYS);

/** sys_call_table: what the kernel keeps for tracers, since calls themselves go through x64_sys_call. */
export function storeSystemCallTable({ words, globals, arch }: Machine): void {
  implementations.forEach((implementation, declared) => {
    const nr = arch.systemCallNumber(declared);
    if (nr === undefined) return;
    const { entry } = (implementation ?? sysNiSyscall).symbol;
    const at = (globals.sys_call_table >> 2) + 2 * nr;
    words[at] = addressLow(entry);
    words[at + 1] = addressHigh(entry);
  });
}

/** The function behind a number of x86-64, under which the machine keeps all calls; its arguments are in the task. */
export function runSystemCall(m: Machine, regs: KernelObject, nr: number): Result {
  const implementation = m.arch.systemCallNumber(nr) === undefined ? undefined : implementations[nr];
  return implementation === undefined ? sysNiSyscall(m, regs) : implementation(m, regs);
}
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
