import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { IrqDesc } from '../../irq/irq-desc.ts';
import { allocateVector, bestCpu, freeVector } from '../../irq/vector-matrix.ts';
import type { Machine } from '../../machine.ts';
import {
  vectorActivate,
  vectorAlloc,
  vectorClear,
  vectorConfig,
  vectorDeactivate,
  vectorFreeMoved,
  vectorUpdate,
} from '../../tracepoints/irq-vectors.ts';
import { ENOSPC } from '../../errno.ts';
import type { CpuMask } from './smp.ts';

/** arch/x86/kernel/apic/vector.c */
const apicUpdateVector = inlined(20, (m, irqd: IrqDesc, vector: number, cpu: number): void => {
  vectorUpdate(m, irqd.irq, vector, cpu, irqd.vector, irqd.cpu);
  // The vector on the old CPU stays its until an interrupt has come the new way.
  if (irqd.vector !== 0) irqd.moved = { cpu: irqd.cpu, vector: irqd.vector };
  irqd.vector = vector;
  irqd.cpu = cpu;
});
const assignVectorLocked = kernelFunction('assign_vector_locked', 45, (m, irqd: IrqDesc, dest: CpuMask): number => {
  // Already there.
  if (irqd.vector !== 0 && dest.cpus.includes(irqd.cpu)) return 0;
  const cpu = bestCpu(m, dest.cpus);
  const vector = allocateVector(m, cpu, irqd);
  const ret = vector === 0 ? -ENOSPC : vector;
  vectorAlloc(m, irqd.irq, vector, 0, ret);
  if (vector === 0) return ret;
  apicUpdateVector(m, irqd, vector, cpu);
  vectorConfig(m, irqd.irq, vector, cpu, cpu);
  return 0;
});

/** A line gets a vector on one of the CPUs that it may go to. */
export const x86VectorActivate = kernelFunction(
  'x86_vector_activate',
  40,
  (m, _dom: IrqDesc, irqd: IrqDesc, reserve: number): number => {
    vectorActivate(m, irqd.irq, 0, 1, reserve);
    return assignVectorLocked(m, irqd, { address: m.scratch, cpus: irqd.affinity });
  },
);
export const x86VectorDeactivate = kernelFunction(
  'x86_vector_deactivate',
  30,
  (m, _dom: IrqDesc, irqd: IrqDesc): void => {
    vectorDeactivate(m, irqd.irq, 0, 1, 0);
    if (irqd.vector === 0) return;
    const { moved } = irqd;
    vectorClear(m, irqd.irq, irqd.vector, irqd.cpu, moved?.vector ?? 0, moved?.cpu ?? 0);
    freeVector(m, irqd.cpu, irqd.vector);
    if (moved !== null) freeVector(m, moved.cpu, moved.vector);
    irqd.moved = null;
    irqd.vector = 0;
  },
);

/** Another CPU: a vector there first, then the controller is told. */
export const apicSetAffinity = kernelFunction(
  'apic_set_affinity',
  30,
  (m, irqd: IrqDesc, dest: CpuMask, _force: number): number => {
    if (irqd.moved !== null) freeMovedVector(m, irqd);
    return assignVectorLocked(m, irqd, dest);
  },
);
const freeMovedVector = kernelFunction('free_moved_vector', 25, (m, irqd: IrqDesc): void => {
  const { moved } = irqd;
  // One that is still on its way the old way would find no handler: the next interrupt tries again.
  if (moved === null || m.cpuList[moved.cpu]!.arrivals.some(({ vector }) => vector === moved.vector)) return;
  vectorFreeMoved(m, irqd.irq, moved.cpu, moved.vector, 0);
  freeVector(m, moved.cpu, moved.vector);
  irqd.moved = null;
});
/** Called while an interrupt is acknowledged: the first that came the new way ends the move. */
export function completeMove(m: Machine, irqd: IrqDesc): void {
  if (irqd.moved !== null && m.cpu.id === irqd.cpu) irqCompleteMove(m, irqd);
}
const irqCompleteMove = kernelFunction('irq_complete_move', 15, (m, irqd: IrqDesc): void => freeMovedVector(m, irqd));
