import { kernelFunction } from '../execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createIrqDesc, IRQ_NONE, IRQF_SHARED } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { DeviceSpec } from './device.ts';

/** The PCI line that it shares with the disk controller. */
const IRQ = 16;
const PCI_STATUS_NS = 300;

/** Its status register says that the interrupt is somebody else's: nothing is going on on the bus. */
const i801Isr = kernelFunction('i801_isr', 20, (m, _irq: number, _devId: KernelObject | null): number => {
  m.spend(PCI_STATUS_NS);
  return IRQ_NONE;
});

/** The SMBus controller of the chipset: a quiet neighbour on a shared line. */
export const smbus: DeviceSpec = {
  name: 'i801_smbus',
  start(m) {
    if (!m.irqs.some(({ irq }) => irq === IRQ)) {
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'fasteoi' });
    }
    requestIrq(m, IRQ, i801Isr, IRQF_SHARED, 'i801_smbus', { address: m.arena.allocate(64) });
  },
};
