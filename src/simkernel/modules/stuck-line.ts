import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createIrqDesc, IRQ_NONE, IRQF_SHARED } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';

const IRQ = 19;

/** A driver that does not know its card: it looks at the wrong register, so the interrupt is never its own. */
const stuckIsr = kernelFunction('stuck_isr', 150, (_m, _irq: number, _devId: KernelObject | null): number => IRQ_NONE, {
  module: 'stuck',
});

/** A card that holds its level-triggered line from `afterNs` on, and a driver that does nothing about it. */
export function stuckLine(afterNs: number): DeviceSpec {
  return {
    name: 'stuck',
    start(m) {
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'fasteoi' });
      requestIrq(m, IRQ, stuckIsr, IRQF_SHARED, 'stuck', { address: m.arena.allocate(64) });
      const when = m.now() + afterNs;
      m.schedule(when, () => m.ioApic.setLine(IRQ, true, when));
    },
  };
}
