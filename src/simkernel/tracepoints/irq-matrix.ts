import type { VectorMatrix } from '../irq/vector-matrix.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

function vectorRecord(f: RecordFields): (bit: number, cpu: number, matrix: VectorMatrix, cmap: KernelObject) => void {
  const bitField = f.number('bit');
  const cpuField = f.number('cpu');
  const online = f.number('online');
  const available = f.number('available');
  const allocated = f.number('allocated');
  const managed = f.number('managed');
  const onlineMaps = f.number('online_maps');
  const globalAvailable = f.number('global_available');
  const reserved = f.number('global_reserved');
  const total = f.number('total_allocated');
  return (bit, cpu, matrix, _cmap) => {
    bitField(bit);
    cpuField(cpu);
    online(1);
    available(matrix.available(cpu));
    allocated(matrix.allocated[cpu]!);
    managed(0);
    onlineMaps(matrix.allocated.length);
    globalAvailable(matrix.globalAvailable);
    reserved(0);
    total(matrix.total);
  };
}
type OfVector = Tracepoint<[bit: number, cpu: number, matrix: VectorMatrix, cmap: KernelObject]>;
export const irqMatrixAlloc: OfVector = tracepoint('irq_matrix:irq_matrix_alloc', 4, vectorRecord);
export const irqMatrixFree: OfVector = tracepoint('irq_matrix:irq_matrix_free', 4, vectorRecord);
