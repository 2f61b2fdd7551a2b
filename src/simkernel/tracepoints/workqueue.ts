import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

type Work = KernelObject & { readonly run: { readonly symbol: { readonly entry: number } } };

export const workqueueExecuteStart: Tracepoint<[work: Work]> = tracepoint(
  'workqueue:workqueue_execute_start',
  1,
  (f) => {
    const workField = f.pointer('work');
    const fn = f.pointer('function');
    return (work) => {
      workField(work);
      fn({ address: work.run.symbol.entry });
    };
  },
);
export const workqueueExecuteEnd: Tracepoint<[work: Work, fn: KernelObject]> = tracepoint(
  'workqueue:workqueue_execute_end',
  2,
  (f) => {
    const workField = f.pointer('work');
    const fnField = f.pointer('function');
    return (work, fn) => {
      workField(work);
      fnField(fn);
    };
  },
);
