import type { EntryPoint } from '../cpu/deliver.ts';
import { VECTORS } from '../cpu/descriptor-tables.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { declareText } from '../execution/text.ts';
import type { KernelObject } from '../memory/arena.ts';
import { leaveToUser } from './irq-entry.ts';
import { doubleFaultEntry, generalProtectionEntry, trapUser } from './oops.ts';
import { int80Entry } from './int80.ts';
import { nmiEntry } from './nmi.ts';
import { TRAPS } from './traps.ts';
import { pageFaultEntry } from './page-fault.ts';
import { runHandlers } from '../probes/handler.ts';

/** Finds the probe whose breakpoint was hit and runs its handlers on the interrupted registers. */
const kprobeInt3Handler = kernelFunction(
  'kprobe_int3_handler',
  60,
  (m, regs: KernelObject): number => {
    const { words } = m;
    const ip = words[(regs.address + PT_REGS.ip) >> 2]! & 0x7fffffff;
    const handlers = m.breakpoints.get(ip - 1);
    if (handlers === undefined) return 0;
    m.traceFrom(ip, words[(regs.address + PT_REGS.bp) >> 2]!, 0);
    runHandlers(m, handlers, regs.address);
    return 1;
  },
  { traceable: false },
);
const doInt3 = kernelFunction('do_int3', 20, (m, regs: KernelObject): number => kprobeInt3Handler(m, regs), {
  traceable: false,
});
const doInt3User = kernelFunction('do_int3_user', 20, (m, _regs: KernelObject): void => trapUser(m), {
  traceable: false,
});
const excInt3 = kernelFunction('exc_int3', 25, (m, regs: KernelObject): number => doInt3(m, regs), {
  traceable: false,
});

const asmExcInt3 = declareText('asm_exc_int3', { traceable: false, site: 0x3a });

export const EXCEPTIONS: readonly (readonly [vector: number, entry: EntryPoint, dpl: number])[] = [
  [
    VECTORS.breakpoint,
    {
      symbol: asmExcInt3,
      run(m, address) {
        const regs = { address };
        if ((m.words[(address + PT_REGS.cs) >> 2]! & 3) === 0) excInt3(m, regs);
        else doInt3User(m, regs);
        return leaveToUser(m, regs);
      },
    },
    3,
  ],
  ...TRAPS,
  [VECTORS.nmi, nmiEntry, 0],
  [VECTORS.legacySyscall, int80Entry, 3],
  [VECTORS.doubleFault, doubleFaultEntry, 0],
  [VECTORS.generalProtection, generalProtectionEntry, 0],
  [VECTORS.pageFault, pageFaultEntry, 0],
];
