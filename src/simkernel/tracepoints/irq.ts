import type { HrTimer } from '../irq/hrtimer.ts';
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
export const localTimerEntry: Vector = tracepoint('irq_vectors:local_timer_entry', 1, one('vector'));
export const localTimerExit: Vector = tracepoint('irq_vectors:local_timer_exit', 1, one('vector'));
export const rescheduleEntry: Vector = tracepoint('irq_vectors:reschedule_entry', 1, one('vector'));
export const rescheduleExit: Vector = tracepoint('irq_vectors:reschedule_exit', 1, one('vector'));
export const callFunctionSingleEntry: Vector = tracepoint('irq_vectors:call_function_single_entry', 1, one('vector'));
export const callFunctionSingleExit: Vector = tracepoint('irq_vectors:call_function_single_exit', 1, one('vector'));

export const hrtimerStart: Tracepoint<[timer: HrTimer, mode: number, wasArmed: number]> = tracepoint(
  'timer:hrtimer_start',
  3,
  (f) => {
    const hrtimer = f.pointer('hrtimer');
    const fn = f.pointer('function');
    const expires = f.number('expires');
    const soft = f.number('softexpires');
    const modeField = f.number('mode');
    const armed = f.number('was_armed');
    return (timer, mode, wasArmed) => {
      hrtimer(timer);
      fn({ address: timer.expire.symbol.entry });
      expires(timer.expires);
      soft(timer.expires);
      modeField(mode);
      armed(wasArmed);
    };
  },
);
export const hrtimerCancel: Tracepoint<[timer: HrTimer]> = tracepoint('timer:hrtimer_cancel', 1, (f) =>
  f.pointer('hrtimer'),
);
export const hrtimerExpireEntry: Tracepoint<[timer: HrTimer, now: number]> = tracepoint(
  'timer:hrtimer_expire_entry',
  2,
  (f) => {
    const hrtimer = f.pointer('hrtimer');
    const nowField = f.number('now');
    const fn = f.pointer('function');
    return (timer, now) => {
      hrtimer(timer);
      nowField(now);
      fn({ address: timer.expire.symbol.entry });
    };
  },
);
export const hrtimerExpireExit: Tracepoint<[timer: HrTimer]> = tracepoint('timer:hrtimer_expire_exit', 1, (f) =>
  f.pointer('hrtimer'),
);
