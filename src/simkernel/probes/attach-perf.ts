import { archInstallHwBreakpoint, archUninstallHwBreakpoint } from '../functions/x86/hw-breakpoint.ts';
import type { HwBreakpoint } from '../functions/x86/hw-breakpoint.ts';
import type { BreakpointType } from '../cpu/debug-registers.ts';
import { EBUSY } from '../errno.ts';
import type { Machine } from '../machine.ts';
import type { Attachment } from './attach.ts';
import { HARDWARE_RATES, startHardwareEvent } from './hardware-events.ts';
import type { HardwareCounter, HardwareEvent } from './hardware-events.ts';
import type { Handler } from './handler.ts';
import { createPerfEvent, sample } from './perf-event.ts';
import type { PerfEvent, SoftwareCounter } from './perf-event.ts';

/** perf_event_open() on every CPU, for one process if a PID is given. */
export interface PerfTarget {
  readonly kind: 'software' | 'hardware';
  readonly event: string;
  readonly period: number;
  readonly pid?: number;
}
export interface WatchTarget {
  readonly kind: 'watchpoint';
  /** The linear address, as halves. */
  readonly low: number;
  readonly high: number;
  readonly length: number;
  readonly type: BreakpointType;
  readonly pid?: number;
}

const isHardware = (name: string): name is HardwareCounter => Object.hasOwn(HARDWARE_RATES, name);

export function attachCounter(m: Machine, { kind, event, period, pid }: PerfTarget, handler: Handler): Attachment {
  const events = m.cpuList.map(({ id }) => createPerfEvent(m, { cpu: id, period, pid }, handler));
  const close = (): void => {
    for (const each of events) each.handler = null;
  };
  if (kind === 'hardware') {
    if (!isHardware(event)) return { ok: false, errno: 'ENOENT', reason: `no hardware event ${event}` };
    const running = events.map((each): HardwareEvent => {
      const counter = { ...each, rate: HARDWARE_RATES[event], startedAt: 0, overflown: false };
      startHardwareEvent(m, counter);
      return counter;
    });
    return {
      ok: true,
      detach() {
        for (const each of running) {
          each.handler = null;
          m.hardwareEvents.splice(m.hardwareEvents.indexOf(each), 1);
        }
      },
    };
  }
  const counter = event as SoftwareCounter;
  const listening = (list: readonly PerfEvent[]): void => void m.softwareEvents.set(counter, list);
  listening([...(m.softwareEvents.get(counter) ?? []), ...events]);
  return {
    ok: true,
    detach() {
      close();
      listening((m.softwareEvents.get(counter) ?? []).filter((each) => !events.includes(each)));
    },
  };
}

/** A breakpoint in a debug register of every CPU. */
export function attachWatchpoint(m: Machine, target: WatchTarget, handler: Handler): Attachment {
  const { low, high, length, type, pid } = target;
  const events = m.cpuList.map(({ id }) => createPerfEvent(m, { cpu: id, period: 1, pid }, handler));
  const breakpoint: HwBreakpoint = {
    address: m.arena.allocate(64),
    low,
    high,
    size: length,
    type,
    hit(machine, regs) {
      const { cpu } = machine;
      if (pid !== undefined && cpu.current.tgid !== pid) return;
      sample(machine, events[cpu.id]!, regs.address, (low >>> 0) + high * 4294967296);
    },
  };
  const installed: number[] = [];
  const detach = (): void => {
    for (const id of installed.splice(0)) m.asTracer(() => archUninstallHwBreakpoint(m, breakpoint, id));
    for (const event of events) event.handler = null;
  };
  for (const { id } of m.cpuList) {
    let result = 0;
    m.asTracer(() => (result = archInstallHwBreakpoint(m, breakpoint, id)));
    if (result === 0) {
      installed.push(id);
      continue;
    }
    detach();
    return result === -EBUSY
      ? { ok: false, errno: 'EBUSY', reason: 'No more HW registers left' }
      : { ok: false, errno: 'EINVAL', reason: `no breakpoint of ${length} bytes there` };
  }
  return { ok: true, detach };
}
