import type { HrTimer } from '../irq/hrtimer.ts';
import type { WheelTimer } from '../irq/timer-list.ts';
import { jiffiesAt } from '../memory/kernel-data.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

const justTimer = (f: RecordFields): ((timer: WheelTimer) => void) => f.pointer('timer');
export const timerInit: Tracepoint<[timer: WheelTimer]> = tracepoint('timer:timer_init', 1, justTimer);
export const timerCancel: Tracepoint<[timer: WheelTimer]> = tracepoint('timer:timer_cancel', 1, justTimer);
export const timerExpireExit: Tracepoint<[timer: WheelTimer]> = tracepoint('timer:timer_expire_exit', 1, justTimer);

export const timerStart: Tracepoint<[timer: WheelTimer, bucketExpiry: number]> = tracepoint(
  'timer:timer_start',
  2,
  (f, m) => {
    const timerField = f.pointer('timer');
    const fn = f.pointer('function');
    const expires = f.number('expires');
    const bucket = f.number('bucket_expiry');
    const now = f.number('now');
    const flags = f.number('flags');
    return (timer, bucketExpiry) => {
      timerField(timer);
      fn({ address: timer.callback.symbol.entry });
      expires(timer.expires);
      bucket(bucketExpiry);
      now(jiffiesAt(m.cpu.time));
      flags(timer.queuedOn?.id ?? 0);
    };
  },
);
export const timerExpireEntry: Tracepoint<[timer: WheelTimer, baseclk: number]> = tracepoint(
  'timer:timer_expire_entry',
  2,
  (f, m) => {
    const timerField = f.pointer('timer');
    const now = f.number('now');
    const fn = f.pointer('function');
    const base = f.number('baseclk');
    return (timer, baseclk) => {
      timerField(timer);
      now(jiffiesAt(m.cpu.time));
      fn({ address: timer.callback.symbol.entry });
      base(baseclk);
    };
  },
);

export const timerBaseIdle: Tracepoint<[isIdle: number, cpu: number]> = tracepoint('timer:timer_base_idle', 2, (f) => {
  const idle = f.number('is_idle');
  const cpuField = f.number('cpu');
  return (isIdle, cpu) => {
    idle(isIdle);
    cpuField(cpu);
  };
});
export const tickStop: Tracepoint<[success: number, dependency: number]> = tracepoint('timer:tick_stop', 2, (f) => {
  const successField = f.number('success');
  const dependencyField = f.number('dependency');
  return (success, dependency) => {
    successField(success);
    dependencyField(dependency);
  };
});

export const hrtimerSetup: Tracepoint<[timer: HrTimer, clock: number, mode: number]> = tracepoint(
  'timer:hrtimer_setup',
  3,
  (f) => {
    const hrtimer = f.pointer('hrtimer');
    const clockField = f.number('clockid');
    const modeField = f.number('mode');
    return (timer, clock, mode) => {
      hrtimer(timer);
      clockField(clock);
      modeField(mode);
    };
  },
);
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
const justHrtimer = (f: RecordFields): ((timer: HrTimer) => void) => f.pointer('hrtimer');
export const hrtimerCancel: Tracepoint<[timer: HrTimer]> = tracepoint('timer:hrtimer_cancel', 1, justHrtimer);
export const hrtimerExpireExit: Tracepoint<[timer: HrTimer]> = tracepoint('timer:hrtimer_expire_exit', 1, justHrtimer);
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
export const hrtimerRearm: Tracepoint<[nextEvent: number, deferred: number]> = tracepoint(
  'timer:hrtimer_rearm',
  2,
  (f) => {
    const next = f.number('next_event');
    const deferredField = f.number('deferred');
    return (nextEvent, deferred) => {
      next(nextEvent);
      deferredField(deferred);
    };
  },
);
