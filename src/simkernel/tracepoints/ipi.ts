import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

type Place = KernelObject | null;

export const ipiSendCpu: Tracepoint<[cpu: number, callsite: Place, callback: Place]> = tracepoint(
  'ipi:ipi_send_cpu',
  3,
  (f) => {
    const cpuField = f.number('cpu');
    const site = f.pointer('callsite');
    const callbackField = f.pointer('callback');
    return (cpu, callsite, callback) => {
      cpuField(cpu);
      site(callsite);
      callbackField(callback);
    };
  },
);
type Mask = KernelObject & { readonly cpus: readonly number[] };
export const ipiSendCpumask: Tracepoint<[mask: Mask, callsite: Place, callback: Place]> = tracepoint(
  'ipi:ipi_send_cpumask',
  3,
  (f) => {
    const maskField = f.bytes('cpumask');
    const site = f.pointer('callsite');
    const callbackField = f.pointer('callback');
    return (mask, callsite, callback) => {
      maskField(maskBytes(mask.cpus));
      site(callsite);
      callbackField(callback);
    };
  },
);
/** The longs of a cpumask for up to 64 CPUs. */
function maskBytes(cpus: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8);
  for (const cpu of cpus) bytes[cpu >> 3]! |= 1 << (cpu & 7);
  return bytes;
}

export const csdQueueCpu: Tracepoint<[cpu: number, callsite: Place, func: Place, csd: Place]> = tracepoint(
  'csd:csd_queue_cpu',
  4,
  (f) => {
    const cpuField = f.number('cpu');
    const site = f.pointer('callsite');
    const funcField = f.pointer('func');
    const csdField = f.pointer('csd');
    return (cpu, callsite, func, csd) => {
      cpuField(cpu);
      site(callsite);
      funcField(func);
      csdField(csd);
    };
  },
);
function call(f: RecordFields): (func: Place, csd: Place) => void {
  const funcField = f.pointer('func');
  const csdField = f.pointer('csd');
  return (func, csd) => {
    funcField(func);
    csdField(csd);
  };
}
export const csdFunctionEntry: Tracepoint<[func: Place, csd: Place]> = tracepoint('csd:csd_function_entry', 2, call);
export const csdFunctionExit: Tracepoint<[func: Place, csd: Place]> = tracepoint('csd:csd_function_exit', 2, call);
