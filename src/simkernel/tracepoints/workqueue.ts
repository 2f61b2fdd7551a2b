import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

type Work = KernelObject & { readonly run: { readonly symbol: { readonly entry: number } } };

const workRecord = (f: RecordFields): ((work: Work) => void) => {
  const workField = f.pointer('work');
  const fn = f.pointer('function');
  return (work) => {
    workField(work);
    fn({ address: work.run.symbol.entry });
  };
};

type Pool = KernelObject & { readonly cpu: number | null; readonly workqueue: string };
export const workqueueQueueWork: Tracepoint<[cpu: number, pwq: Pool, work: Work]> = tracepoint(
  'workqueue:workqueue_queue_work',
  3,
  (f) => {
    const common = workRecord(f);
    const name = f.text('workqueue');
    const wanted = f.number('req_cpu');
    const cpu = f.number('cpu');
    return (req, pwq, work) => {
      common(work);
      name(pwq.workqueue);
      wanted(req);
      cpu(pwq.cpu ?? -1);
    };
  },
);
export const workqueueActivateWork: Tracepoint<[work: Work]> = tracepoint(
  'workqueue:workqueue_activate_work',
  1,
  workRecord,
);
export const workqueueExecuteStart: Tracepoint<[work: Work]> = tracepoint(
  'workqueue:workqueue_execute_start',
  1,
  workRecord,
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
