import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { schedTtwuPending, scheduleIdle } from '../kernel/sched.ts';
import { tickNohzIdleEnter, tickNohzIdleExit, tickNohzIdleStopTick } from '../kernel/timer.ts';

/** Wake-ups that came while polling. */
const flushSmpCallFunctionQueue = kernelFunction('flush_smp_call_function_queue', 20, (m): void =>
  schedTtwuPending(m, null),
);

/** `sti; hlt`: the next interrupt continues behind it, at the 11th byte. */
const halt = kernelFunction('pv_native_safe_halt', 6, (m): Result => m.halt(), { traceable: false, site: 11 });
const archCpuIdle = kernelFunction('arch_cpu_idle', 4, (m): Result => halt(m), { traceable: false, site: 9 });
const defaultIdleCall = kernelFunction('default_idle_call', 10, (m): Result => archCpuIdle(m), {
  traceable: false,
  site: 0x2c,
});
const cpuidleIdleCall = kernelFunction(
  'cpuidle_idle_call',
  25,
  (m): Result => {
    tickNohzIdleStopTick(m);
    return defaultIdleCall(m);
  },
  { traceable: false },
);

const doIdle = sleepingFunction('do_idle', 30, function* (m) {
  tickNohzIdleEnter(m);
  while (!m.cpu.needResched) {
    const woken = cpuidleIdleCall(m);
    if (woken instanceof Pending) yield woken;
  }
  tickNohzIdleExit(m);
  if (m.cpu.runQueue.wakeList.length > 0) flushSmpCallFunctionQueue(m);
  const switched = scheduleIdle(m);
  if (switched instanceof Pending) yield switched;
  return 0;
});

/** The idle task's body; never returns. */
export const cpuStartupEntry = sleepingFunction('cpu_startup_entry', 20, function* (m, _state: number) {
  for (;;) {
    const idled = doIdle(m);
    if (idled instanceof Pending) yield idled;
  }
});
