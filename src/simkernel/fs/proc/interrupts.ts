import { SOFTIRQS } from '../../functions/kernel/softirq-vectors.ts';
import type { Machine } from '../../machine.ts';

/** Columns as kernel/irq/proc.c sizes them on a machine with more than 999 lines. */
const LABEL_WIDTH = 4;
const COUNT_WIDTH = 10;
const FLOW_WIDTH = 8;

const heading = (m: Machine, indent: number): string =>
  `${' '.repeat(indent)}${m.cpuList.map(({ id }) => `CPU${String(id).padEnd(COUNT_WIDTH - 2)}`).join('')}\n`;
const columns = (counts: readonly number[]): string =>
  counts.map((count) => String(count).padStart(COUNT_WIDTH)).join(' ');

/** Interrupts that have no line: what arch_show_interrupts knows and the machine can have. */
export function archInterruptRows(
  m: Machine,
): readonly { readonly label: string; readonly counts: readonly number[]; readonly text: string }[] {
  const { nmi, localTimer, irqWork, reschedule, callFunction, tlb } = m.interruptCounts;
  // Shootdowns come as function calls but are counted apart.
  const calls = callFunction.map((count, cpu) => count - tlb[cpu]!);
  return [
    { label: 'NMI', counts: nmi, text: 'Non-maskable interrupts' },
    { label: 'LOC', counts: localTimer, text: 'Local timer interrupts' },
    { label: 'IWI', counts: irqWork, text: 'IRQ work interrupts' },
    { label: 'RES', counts: reschedule, text: 'Rescheduling interrupts' },
    { label: 'CAL', counts: calls, text: 'Function call interrupts' },
    { label: 'TLB', counts: tlb, text: 'TLB shootdowns' },
  ];
}

export function interruptsText(m: Machine): string {
  const chipWidth = Math.max(0, ...m.irqs.map(({ chip }) => chip.name.length));
  const lines = m.irqs.map(({ irq, counts, chip, hwirq, flow, actions }) => {
    const place = `${chip.name.padEnd(chipWidth)} ${String(hwirq).padStart(LABEL_WIDTH)}-${flow.padEnd(FLOW_WIDTH)}`;
    const users = actions.length === 0 ? '' : `  ${actions.map(({ name }) => name).join(', ')}`;
    return `${String(irq).padStart(LABEL_WIDTH)}: ${columns(counts)}  ${place}${users}\n`;
  });
  const arch = archInterruptRows(m).map(
    ({ label, counts, text }) => `${label.padStart(LABEL_WIDTH)}: ${columns(counts)}  ${text}\n`,
  );
  return heading(m, LABEL_WIDTH + FLOW_WIDTH) + lines.join('') + arch.join('');
}

const SOFTIRQ_WIDTH = 12;
export function softirqsText(m: Machine): string {
  const rows = SOFTIRQS.map(
    (name, vector) => `${name.padStart(SOFTIRQ_WIDTH)}: ${columns(m.softirqCounts[vector]!)}\n`,
  );
  return heading(m, 20) + rows.join('');
}
