import { kernelFunction } from '../../execution/kernel-function.ts';
import { entryRegisters, readRegister, redirectionEntry, RTE_MASKED, writeRegister } from '../../irq/io-apic.ts';
import type { IrqChip, IrqDesc } from '../../irq/irq-desc.ts';
import type { Machine } from '../../machine.ts';
import { apicSetAffinity, completeMove } from './irq-vectors.ts';
import type { CpuMask } from './smp.ts';

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
  maskIoapicIrq(m, data);
  writeEntry(m, data);
  unmaskIoapicIrq(m, data);
});
/** The entry of the pin as vector, destination and mode want it; the mask stays. */
function writeEntry(m: Machine, data: IrqDesc): void {
  const registers = entryRegisters(data.hwirq);
  const entry = redirectionEntry(data.vector, data.cpu, data.flow === 'fasteoi' ? 'level' : 'edge');
  const masked = readRegister(m.ioApic, registers.low) & RTE_MASKED;
  writeRegister(m.ioApic, registers.high, entry.high);
  writeRegister(m.ioApic, registers.low, entry.low | masked);
}
const ioapicSetAffinity = kernelFunction(
  'ioapic_set_affinity',
  40,
  (m, data: IrqDesc, mask: CpuMask, force: number): number => {
    const error = apicSetAffinity(m, data, mask, force);
    if (error === 0) writeEntry(m, data);
    return error;
  },
);
/** A change of affinity that has waited for this moment, and the end of the one before. */
const irqMoveMaskedIrq = kernelFunction('irq_move_masked_irq', 20, (m, data: IrqDesc): void => {
  const cpus = data.wantedAffinity;
  data.wantedAffinity = null;
  if (cpus !== null) data.chip.setAffinity(m, data, { address: m.scratch, cpus });
});
function finishMove(m: Machine, data: IrqDesc): void {
  if (data.moved !== null) completeMove(m, data);
  if (data.wantedAffinity !== null) irqMoveMaskedIrq(m, data);
}
const ioapicAckLevel = kernelFunction('ioapic_ack_level', 25, (m, data: IrqDesc): void => {
  m.ioApic.endOfInterrupt(data.vector, m.cpu.time);
  finishMove(m, data);
});
const apicAckEdge = kernelFunction('apic_ack_edge', 8, (m, data: IrqDesc): void => finishMove(m, data));

export const IO_APIC_CHIP: IrqChip = {
  name: 'IO-APIC',
  movesAtOnce: false,
  startup: (m, desc) => startupIoapicIrq(m, desc),
  mask: (m, desc) => maskIoapicIrq(m, desc),
  unmask: (m, desc) => unmaskIoapicIrq(m, desc),
  setAffinity: (m, desc, mask) => ioapicSetAffinity(m, desc, mask, 0),
  acknowledge: (m, desc) => (desc.flow === 'fasteoi' ? ioapicAckLevel(m, desc) : apicAckEdge(m, desc)),
};

const pciMsixUnmask = kernelFunction('pci_irq_unmask_msix', 20, (_m, _data: IrqDesc): void => {});
const pciMsixMask = kernelFunction('pci_irq_mask_msix', 20, (_m, _data: IrqDesc): void => {});
/** The function's table in its memory gets the address of another local APIC and another vector. */
const msiSetAffinity = kernelFunction(
  'msi_set_affinity',
  60,
  (m, data: IrqDesc, mask: CpuMask, force: number): number => apicSetAffinity(m, data, mask, force),
);
/** Message-signalled interrupts of one PCI function. */
export function msixChip(pciAddress: string): IrqChip {
  return {
    name: `PCI-MSIX-${pciAddress}`,
    movesAtOnce: true,
    startup: (m, desc) => pciMsixUnmask(m, desc),
    mask: (m, desc) => pciMsixMask(m, desc),
    unmask: (m, desc) => pciMsixUnmask(m, desc),
    setAffinity: (m, desc, mask) => msiSetAffinity(m, desc, mask, 0),
    acknowledge: (m, desc) => apicAckEdge(m, desc),
  };
}
