import { account } from '../../cpu/accounting.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { TextSymbol } from '../../execution/text.ts';
import { declareText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { printk } from '../../printk.ts';
import { nmiHandlerEvent } from '../../tracepoints/nmi.ts';
import { hex } from './dump-stack.ts';

/** A registered NMI handler: how many events it took care of. */
export interface NmiHandler {
  (m: Machine, type: number, regs: KernelObject): number;
  readonly symbol: TextSymbol;
}
const NMI_LOCAL = 0;
/** Port 0x61 says why: neither parity (0x80) nor I/O check (0x40). */
const NO_REASON = 0;

/** Asks the handlers in turn; nothing masks an NMI, so nothing here may wait for a lock. */
const nmiHandle = kernelFunction(
  'nmi_handle',
  20,
  (m, type: number, regs: KernelObject): number => {
    let handled = 0;
    for (const handler of m.nmiHandlers) {
      const started = m.cpu.time;
      const mine = handler(m, type, regs);
      nmiHandlerEvent(m, { address: handler.symbol.entry }, Math.floor(m.cpu.time - started), mine);
      handled += mine;
    }
    return handled;
  },
  { traceable: false },
);
const unknownNmiError = kernelFunction(
  'unknown_nmi_error',
  40,
  (m, reason: number, _regs: KernelObject): void => {
    printk(m, `Uhhuh. NMI received for unknown reason ${hex(reason, 2)} on CPU ${m.cpu.id}.`);
    printk(m, 'Dazed and confused, but trying to continue');
  },
  { traceable: false },
);
const defaultDoNmi = kernelFunction(
  'default_do_nmi',
  25,
  (m, regs: KernelObject): void => {
    if (nmiHandle(m, NMI_LOCAL, regs) === 0) unknownNmiError(m, NO_REASON, regs);
  },
  { traceable: false },
);
const excNmi = kernelFunction(
  'exc_nmi',
  20,
  (m, regs: KernelObject): void => {
    const { cpu } = m;
    account(cpu);
    cpu.nmiDepth += 1;
    cpu.hardirqDepth += 1;
    m.interruptCounts.nmi[cpu.id]! += 1;
    defaultDoNmi(m, regs);
    account(cpu);
    cpu.hardirqDepth -= 1;
    cpu.nmiDepth -= 1;
  },
  { traceable: false },
);

/** Vector 2: on its own stack (IST), whatever the interrupt flag says. */
export const nmiEntry: EntryPoint = {
  symbol: declareText('asm_exc_nmi', { traceable: false, site: 0x26 }),
  run(m, address) {
    excNmi(m, { address });
    return undefined;
  },
};

export function registerNmiHandler(m: Machine, handler: NmiHandler): void {
  m.nmiHandlers.push(handler);
}
