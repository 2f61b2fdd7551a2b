import type { EntryPoint } from '../../cpu/deliver.ts';
import { IST, VECTORS } from '../../cpu/descriptor-tables.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { declareText } from '../../execution/text.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { leaveToUser } from './irq-entry.ts';
import { debugEntry } from './debug.ts';
import { doubleFaultEntry, generalProtectionEntry, isUser, trapUser } from './oops.ts';
import { int80Entry } from './int80.ts';
import { nmiEntry } from './nmi.ts';
import { kprobeInt3Handler } from '../kernel/kprobes.ts';
import { TRAPS } from './traps.ts';
import { uprobePreSstepNotifier } from '../kernel/uprobes.ts';
import { pageFaultEntry } from './page-fault.ts';

const doInt3 = kernelFunction('do_int3', 20, (m, regs: KernelObject): number => kprobeInt3Handler(m, regs), {
  traceable: false,
});
const doInt3User = kernelFunction(
  'do_int3_user',
  20,
  (m, regs: KernelObject): void => {
    if (uprobePreSstepNotifier(m, regs) === 0) trapUser(m);
  },
  {
    traceable: false,
  },
);
const excInt3 = kernelFunction('exc_int3', 25, (m, regs: KernelObject): number => doInt3(m, regs), {
  traceable: false,
});

const breakpointEntry: EntryPoint = {
  symbol: declareText('asm_exc_int3', { traceable: false, site: 0x3a }),
  run(m, address) {
    const regs = { address };
    if (isUser(m, regs)) doInt3User(m, regs);
    else excInt3(m, regs);
    return leaveToUser(m, regs);
  },
};

interface ExceptionRow {
  readonly vector: number;
  readonly entry: EntryPoint;
  readonly dpl: number;
  readonly ist: number;
}

/** What the CPU itself raises, with the least privilege that `int N` needs for it and the stack of its own. */
export const EXCEPTIONS: readonly ExceptionRow[] = [
  ...TRAPS.map(({ vector, entry }) => ({ vector, entry, dpl: 0, ist: IST.none })),
  { vector: VECTORS.debug, entry: debugEntry, dpl: 0, ist: IST.debug },
  { vector: VECTORS.nmi, entry: nmiEntry, dpl: 0, ist: IST.nmi },
  { vector: VECTORS.breakpoint, entry: breakpointEntry, dpl: 3, ist: IST.none },
  { vector: VECTORS.doubleFault, entry: doubleFaultEntry, dpl: 0, ist: IST.doubleFault },
  { vector: VECTORS.generalProtection, entry: generalProtectionEntry, dpl: 0, ist: IST.none },
  { vector: VECTORS.pageFault, entry: pageFaultEntry, dpl: 0, ist: IST.none },
  { vector: VECTORS.legacySyscall, entry: int80Entry, dpl: 3, ist: IST.none },
];
