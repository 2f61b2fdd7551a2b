import type { Machine } from '../machine.ts';
import type { Arena, KernelObject } from '../memory/arena.ts';
import type { IrqDesc } from './irq-desc.ts';
import { irqMatrixAlloc, irqMatrixFree } from '../tracepoints/irq-matrix.ts';

/** Vectors that drivers may have: behind the exceptions and the 8259A's, before the APIC's own. */
const FIRST_VECTOR = 0x31;
const LAST_VECTOR = 0xeb;
const SYSTEM_CALL_VECTOR = 0x80;
const VECTORS_PER_CPU = LAST_VECTOR - FIRST_VECTOR;

/** struct irq_matrix: which vectors of which CPU are taken (kernel/irq/matrix.c). The table itself is each CPU's `vectorIrq`. */
export class VectorMatrix implements KernelObject {
  readonly address: number;
  readonly allocated: number[];
  /** struct cpumap, by CPU. */
  readonly maps: readonly KernelObject[];

  constructor(arena: Arena, cpus: number) {
    this.address = arena.allocate(64);
    this.maps = Array.from({ length: cpus }, () => ({ address: arena.allocate(64) }));
    this.allocated = new Array<number>(cpus).fill(0);
  }
  available(cpu: number): number {
    return VECTORS_PER_CPU - this.allocated[cpu]!;
  }
  get total(): number {
    return this.allocated.reduce((a, b) => a + b, 0);
  }
  get globalAvailable(): number {
    return VECTORS_PER_CPU * this.allocated.length - this.total;
  }
}

/** matrix_find_best_cpu(): the one with the most vectors left. */
export function bestCpu(m: Machine, candidates: readonly number[]): number {
  const { vectors } = m;
  let best = candidates[0] ?? 0;
  for (const cpu of candidates) if (vectors.available(cpu) > vectors.available(best)) best = cpu;
  return best;
}

/** irq_matrix_alloc(): the lowest free vector of a CPU; 0 when there is none. */
export function allocateVector(m: Machine, cpu: number, desc: IrqDesc): number {
  const { vectorIrq } = m.cpuList[cpu]!;
  for (let vector = FIRST_VECTOR; vector <= LAST_VECTOR; vector += 1) {
    if (vector === SYSTEM_CALL_VECTOR || vectorIrq[vector] !== undefined) continue;
    vectorIrq[vector] = desc;
    m.vectors.allocated[cpu]! += 1;
    irqMatrixAlloc(m, vector, cpu, m.vectors, m.vectors.maps[cpu]!);
    return vector;
  }
  return 0;
}
export function freeVector(m: Machine, cpu: number, vector: number): void {
  m.cpuList[cpu]!.vectorIrq[vector] = undefined;
  m.vectors.allocated[cpu]! -= 1;
  irqMatrixFree(m, vector, cpu, m.vectors, m.vectors.maps[cpu]!);
}
