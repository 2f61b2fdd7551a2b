import { PT_REGS } from '../../../btf/pt-regs.ts';
import { account } from '../../cpu/accounting.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { irqEnable } from '../../cpu/local-apic.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { declareText } from '../../execution/text.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { finishSyscall } from './syscall-entry.ts';
import { runSystemCall } from './syscall-table.ts';
import { syscallByName } from '../../syscalls.ts';
import { fireSyscallEnter } from '../../probes/syscall-events.ts';
import { ENOSYS } from '../../errno.ts';

/** Calls by their numbers of 32-bit x86 (arch/x86/entry/syscalls/syscall_32.tbl), as far as the machine has them. */
const I386 = {
  1: 'exit',
  2: 'fork',
  3: 'read',
  4: 'write',
  5: 'open',
  6: 'close',
  11: 'execve',
  19: 'lseek',
  20: 'getpid',
  24: 'getuid',
  47: 'getgid',
  49: 'geteuid',
  64: 'getppid',
  158: 'sched_yield',
  162: 'nanosleep',
  224: 'gettid',
  252: 'exit_group',
} as const satisfies Record<number, string>;

const ia32SysCall = kernelFunction(
  'ia32_sys_call',
  8,
  (m, regs: KernelObject, nr: number): Result => {
    const name = (I386 as Readonly<Record<number, string>>)[nr];
    const row = name === undefined ? undefined : syscallByName(name);
    return row === undefined ? -ENOSYS : runSystemCall(m, regs, row.number);
  },
  { traceable: false },
);

/** `int 0x80`: number in eax, arguments in ebx, ecx, edx, esi, edi and ebp, all of 32 bits whatever the program is. */
const doInt80Emulation = kernelFunction(
  'do_int80_emulation',
  60,
  (m, regs: KernelObject): Result => {
    const { words } = m;
    const task = m.cpu.current;
    const word = (offset: number): number => words[(regs.address + offset) >> 2]! >>> 0;
    const nr = word(PT_REGS.ax);
    const { bx, cx, dx, si, di, bp } = PT_REGS;
    [bx, cx, dx, si, di, bp].forEach((offset, i) => (task.args[i] = word(offset)));
    task.syscall = nr;
    words[(regs.address + PT_REGS.orig_ax) >> 2] = nr;
    words[((regs.address + PT_REGS.orig_ax) >> 2) + 1] = 0;
    irqEnable(m);
    if (m.syscallEvents.enterUsers !== 0) fireSyscallEnter(m, regs, nr);
    const ret = ia32SysCall(m, regs, nr);
    return ret instanceof Pending
      ? ret.then((value: number) => finishSyscall(m, regs, value))
      : finishSyscall(m, regs, ret);
  },
  { traceable: false },
);

export const int80Entry: EntryPoint = {
  symbol: declareText('asm_int80_emulation', { traceable: false, site: 0x1a }),
  run(m, address) {
    account(m.cpu);
    const left = doInt80Emulation(m, { address });
    return left instanceof Pending ? left : undefined;
  },
};
