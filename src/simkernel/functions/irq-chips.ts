import { kernelFunction } from '../execution/kernel-function.ts';
import { entryRegisters, readRegister, redirectionEntry, RTE_MASKED, writeRegister } from '../irq/io-apic.ts';
import type { IrqChip, IrqDesc } from '../irq/irq-desc.ts';

/** arch/x86/kernel/apic/io_apic.c */
const unmaskIoapicIrq = kernelFunction('unmask_ioapic_irq', 30, (m, data: IrqDesc): void => {
  const { low } = entryRegisters(data.hwirq);
  writeRegister(m.ioApic, low, readRegister(m.ioApic, low) & ~RTE_MASKED);
});
const maskIoapicIrq = kernelFunction('mask_ioapic_irq', 30, (m, data: IrqDesc): void => {
  const { low } = entryRegisters(data.hwirq);
  writeRegister(m.ioApic, low, readRegister(m.ioApic, low) | RTE_MASKED);
});
/** Writes vector, destination and trigger mode of the pin, masked, then opens it. */
const startupIoapicIrq = kernelFunction('startup_ioapic_irq', 60, (m, data: IrqDesc): void => {
  const registers = entryRegisters(data.hwirq);
  const entry = redirectionEntry(data.vector, data.cpu, data.flow === 'fasteoi' ? 'level' : 'edge');
  writeRegister(m.ioApic, registers.high, entry.high);
  writeRegister(m.ioApic, registers.low, entry.low | RTE_MASKED);
  unmaskIoapicIrq(m, data);
});
const ioapicAckLevel = kernelFunction('ioapic_ack_level', 25, (m, data: IrqDesc): void =>
  m.ioApic.endOfInterrupt(data.vector, m.cpu.time),
);
const apicAckEdge = kernelFunction('apic_ack_edge', 8, (_m, _data: IrqDesc): void => {});

export const IO_APIC_CHIP: IrqChip = {
  name: 'IO-APIC',
  startup: (m, desc) => startupIoapicIrq(m, desc),
  mask: (m, desc) => maskIoapicIrq(m, desc),
  unmask: (m, desc) => unmaskIoapicIrq(m, desc),
  acknowledge: (m, desc) => (desc.flow === 'fasteoi' ? ioapicAckLevel(m, desc) : apicAckEdge(m, desc)),
};

const pciMsixUnmask = kernelFunction('pci_irq_unmask_msix', 20, (_m, _data: IrqDesc): void => {});
const pciMsixMask = kernelFunction('pci_irq_mask_msix', 20, (_m, _data: IrqDesc): void => {});
/** Message-signalled interrupts of one PCI function. */
export function msixChip(pciAddress: string): IrqChip {
  return {
    name: `PCI-MSIX-${pciAddress}`,
    startup: (m, desc) => pciMsixUnmask(m, desc),
    mask: (m, desc) => pciMsixMask(m, desc),
    unmask: (m, desc) => pciMsixUnmask(m, desc),
    acknowledge: (m, desc) => apicAckEdge(m, desc),
  };
}
