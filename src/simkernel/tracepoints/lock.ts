import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const contentionBegin: Tracepoint<[lock: KernelObject, flags: number]> = tracepoint(
  'lock:contention_begin',
  2,
  (f) => {
    const lockField = f.pointer('lock_addr');
    const flagsField = f.number('flags');
    return (lock, flags) => {
      lockField(lock);
      flagsField(flags);
    };
  },
);
export const contentionEnd: Tracepoint<[lock: KernelObject, ret: number]> = tracepoint(
  'lock:contention_end',
  2,
  (f) => {
    const lockField = f.pointer('lock_addr');
    const retField = f.number('ret');
    return (lock, ret) => {
      lockField(lock);
      retField(ret);
    };
  },
);
