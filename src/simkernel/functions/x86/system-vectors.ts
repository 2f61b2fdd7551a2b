import { VECTORS } from '../../cpu/descriptor-tables.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import {
  callFunctionSingleVector,
  callFunctionVector,
  irqWorkVector,
  localTimer,
  rescheduleVector,
} from '../../tracepoints/irq.ts';
import { entryPoint } from './irq-entry.ts';
import type { Registers } from './irq-entry.ts';
import { irqWorkRun } from '../kernel/irq-work.ts';
import { flushCallQueue } from './smp.ts';
import { irqEnterRcu, irqExitRcu } from '../kernel/softirq.ts';
import { hrtimerInterrupt } from '../kernel/timer.ts';

const localApicTimerInterrupt = kernelFunction(
  'local_apic_timer_interrupt',
  10,
  (m): void => hrtimerInterrupt(m, m.cpu.wheel),
  { traceable: false },
);
const genericSmpCallFunctionSingle = kernelFunction('generic_smp_call_function_single_interrupt', 8, (m): void =>
  flushCallQueue(m, 1),
);

/** Vectors of the local APIC itself: sysvec_NAME counts as an interrupt, __sysvec_NAME does what the vector is for. */
const ROWS = [
  {
    vector: VECTORS.localTimer,
    name: 'apic_timer_interrupt',
    count: 'localTimer',
    event: localTimer,
    handle: localApicTimerInterrupt,
  },
  {
    vector: VECTORS.callFunctionSingle,
    name: 'call_function_single',
    count: 'callFunction',
    event: callFunctionSingleVector,
    handle: genericSmpCallFunctionSingle,
  },
  {
    vector: VECTORS.callFunction,
    name: 'call_function',
    count: 'callFunction',
    event: callFunctionVector,
    // generic_smp_call_function_interrupt() is another name of the same.
    handle: genericSmpCallFunctionSingle,
  },
  { vector: VECTORS.irqWork, name: 'irq_work', count: 'irqWork', event: irqWorkVector, handle: irqWorkRun },
] as const;

function systemVector({ vector, name, count, event, handle }: (typeof ROWS)[number]): EntryPoint {
  const inner = kernelFunction(`__sysvec_${name}`, 14, (m, _regs: Registers): void => {
    event.entry(m, vector);
    m.interruptCounts[count][m.cpu.id]! += 1;
    handle(m);
    event.exit(m, vector);
  });
  const outer = kernelFunction(
    `sysvec_${name}`,
    12,
    (m, regs: Registers): void => {
      irqEnterRcu(m);
      inner(m, regs);
      irqExitRcu(m);
    },
    { traceable: false },
  );
  return entryPoint(`asm_sysvec_${name}`, (m, regs) => outer(m, regs));
}

/** Not an interrupt to the accounting, and no softirqs run behind it: the way back to the task looks at the flag (DEFINE_IDTENTRY_SYSVEC_SIMPLE). */
const sysvecRescheduleIpi = kernelFunction(
  'sysvec_reschedule_ipi',
  25,
  (m: Machine, _regs: Registers): void => {
    rescheduleVector.entry(m, VECTORS.reschedule);
    m.interruptCounts.reschedule[m.cpu.id]! += 1;
    m.cpu.needResched = true;
    rescheduleVector.exit(m, VECTORS.reschedule);
  },
  { traceable: false },
);

/** Gates that always lead to the same code. */
export const SYSTEM_VECTORS: readonly (readonly [vector: number, entry: EntryPoint])[] = [
  ...ROWS.map((row) => [row.vector, systemVector(row)] as const),
  [VECTORS.reschedule, entryPoint('asm_sysvec_reschedule_ipi', (m, regs) => sysvecRescheduleIpi(m, regs))],
];
