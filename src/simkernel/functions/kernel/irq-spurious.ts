import { kernelFunction } from '../../execution/kernel-function.ts';
import { IRQ_HANDLED, IRQ_NONE, IRQ_WAKE_THREAD, setDepth, storeObserved } from '../../irq/irq-desc.ts';
import type { IrqDesc } from '../../irq/irq-desc.ts';
import { printk } from '../../printk.ts';
import { hashText } from '../../time/random.ts';
import { dumpStack, hex } from '../x86/dump-stack.ts';

/** kernel/irq/spurious.c: of this many interrupts, more than that must be nobody's for the line to be closed. */
const OBSERVED = 100_000;
const TOLERATED = 99_900;
/** Unhandled ones further apart than this (HZ/10) do not add up: they are noise. */
const QUIET_NS = 100_000_000;

/** As %p prints a pointer: a hash, which tells addresses apart and gives none away. */
const pointer = (name: string): string => `[<${hex(0, 8)}${hex(hashText(name), 8)}>] ${name}`;

const reportBadIrq = kernelFunction('__report_bad_irq', 60, (m, desc: IrqDesc, ret: number): void => {
  const known = ret === IRQ_NONE || (ret & ~(IRQ_HANDLED | IRQ_WAKE_THREAD)) === 0;
  printk(
    m,
    known
      ? `irq ${desc.irq}: nobody cared (try booting with the "irqpoll" option)`
      : `irq event ${desc.irq}: bogus return value ${hex(ret, 1)}`,
  );
  dumpStack(m);
  printk(m, 'handlers:');
  for (const { handler, threadFn } of desc.actions) {
    const thread = threadFn === null ? '' : ` threaded ${pointer(threadFn.symbol.name)}`;
    printk(m, `${pointer(handler.symbol.name)}${thread}`);
  }
});

/** Watches what the handlers of a line say; a line that nobody answers for is closed before it eats the CPU. */
export const noteInterrupt = kernelFunction('note_interrupt', 6, (m, desc: IrqDesc, ret: number): void => {
  if ((ret & ~(IRQ_HANDLED | IRQ_WAKE_THREAD)) !== 0) return reportBadIrq(m, desc, ret);
  if (ret === IRQ_NONE) {
    const { time } = m.cpu;
    desc.unhandled = time > desc.lastUnhandled + QUIET_NS ? 1 : desc.unhandled + 1;
    desc.lastUnhandled = time;
  }
  desc.observed += 1;
  storeObserved(m, desc);
  if (desc.observed < OBSERVED) return;
  desc.observed = 0;
  if (desc.unhandled > TOLERATED) {
    reportBadIrq(m, desc, ret);
    printk(m, `Disabling IRQ #${desc.irq}`);
    setDepth(m, desc, desc.depth + 1);
    desc.chip.mask(m, desc);
  }
  desc.unhandled = 0;
});
