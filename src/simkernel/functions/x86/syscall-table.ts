import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { addressHigh, addressLow } from '../../memory/arena.ts';
import { SYSTEM_CALLS } from '../../memory/kernel-data.ts';
import { syscallByName } from '../../syscalls.ts';
import { ENOSYS } from '../../errno.ts';
import { bug } from '../../../source/bug.ts';

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
  if (row === undefined) bug(`no system call ${name}`);
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
