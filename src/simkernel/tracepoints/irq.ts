import type { IrqAction } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

export const irqHandlerEntry: Tracepoint<[irq: number, action: IrqAction]> = tracepoint(
  'irq:irq_handler_entry',
  2,
  (f) => {
    const irqField = f.number('irq');
    const name = f.text('name');
    return (irq, action) => {
      irqField(irq);
      name(action.name);
    };
  },
);
export const irqHandlerExit: Tracepoint<[irq: number, action: IrqAction, ret: number]> = tracepoint(
  'irq:irq_handler_exit',
  3,
  (f) => {
    const irqField = f.number('irq');
    const retField = f.number('ret');
    return (irq, _action, ret) => {
      irqField(irq);
      retField(ret);
    };
  },
);

const one =
  (field: string) =>
  (f: RecordFields): ((value: number) => void) =>
    f.number(field);
export const softirqEntry: Tracepoint<[vec: number]> = tracepoint('irq:softirq_entry', 1, one('vec'));
export const softirqExit: Tracepoint<[vec: number]> = tracepoint('irq:softirq_exit', 1, one('vec'));
export const softirqRaise: Tracepoint<[vec: number]> = tracepoint('irq:softirq_raise', 1, one('vec'));

type TaskletEvent = Tracepoint<[tasklet: KernelObject, func: KernelObject]>;
const taskletRecord = (f: RecordFields): ((tasklet: KernelObject, func: KernelObject) => void) => {
  const tasklet = f.pointer('tasklet');
  const func = f.pointer('func');
  return (t, fn) => {
    tasklet(t);
    func(fn);
  };
};
export const taskletEntry: TaskletEvent = tracepoint('irq:tasklet_entry', 2, taskletRecord);
export const taskletExit: TaskletEvent = tracepoint('irq:tasklet_exit', 2, taskletRecord);

type Vector = Tracepoint<[vector: number]>;
/** Interrupts of the local APIC: entry and exit, with the vector. */
function vectorEvents(name: string): { readonly entry: Vector; readonly exit: Vector } {
  return {
    entry: tracepoint(`irq_vectors:${name}_entry`, 1, one('vector')),
    exit: tracepoint(`irq_vectors:${name}_exit`, 1, one('vector')),
  };
}
export const localTimer = vectorEvents('local_timer');
export const rescheduleVector = vectorEvents('reschedule');
export const callFunctionVector = vectorEvents('call_function');
export const callFunctionSingleVector = vectorEvents('call_function_single');
export const irqWorkVector = vectorEvents('irq_work');
