import { VECTORS } from '../cpu/descriptor-tables.ts';
import { post } from '../cpu/local-apic.ts';
import { ESRCH } from '../errno.ts';
import { doSendSigInfo } from '../functions/kernel/signal.ts';
import type { Machine } from '../machine.ts';
import { MachineHalted } from './halt.ts';
import { runUntil } from './run.ts';

/** Lets virtual time pass until then, until somebody stops the machine, or until it halts for good. */
export function runFromOutside(m: Machine, untilNs: number): void {
  m.stopped = false;
  m.inSegment = true;
  try {
    if (m.halted === undefined) runUntil(m, untilNs);
  } catch (error) {
    if (!(error instanceof MachineHalted)) throw error;
    m.halted = error.message;
    m.clock = m.cpu.time;
  } finally {
    m.inSegment = false;
  }
}

/** At a virtual time the tracer's process does something, outside of what the CPUs do. */
export function tracerActsAt(m: Machine, timeNs: number, action: () => void): void {
  m.schedule(timeNs, () => {
    const { inSegment, clock, cpu } = m;
    m.inSegment = false;
    m.clock = timeNs;
    onFirstCpu(m, timeNs);
    action();
    m.inSegment = inSegment;
    m.cpu = cpu;
    m.clock = clock;
  });
}

/** The tracer's process does something now. */
export function tracerActs(m: Machine, action: () => void): void {
  const { cpu } = m;
  onFirstCpu(m, m.now());
  action();
  m.cpu = cpu;
}

function onFirstCpu(m: Machine, timeNs: number): void {
  m.cpu = m.cpuList[0]!;
  m.trace.ip = 0;
  m.locate(m.cpu, m.tracer, timeNs);
}

/** A signal that a program or the tracer's process sends; 0 or a negative error code. */
export function signalProcess(m: Machine, pid: number, signal: number): number {
  const task = m.tasks.get(pid);
  if (task === undefined) return -ESRCH;
  if (m.inSegment) return doSendSigInfo(m, signal, null, task, 1);
  // The tracer's process sends it between two segments, from the first CPU; that one must look up if it woke somebody.
  const { cpu } = m;
  const host = m.cpuList[0]!;
  m.cpu = host;
  if (host.halted) host.time = Math.max(host.time, m.clock);
  const sent = doSendSigInfo(m, signal, null, task, 1);
  if (host.needResched) post(m, host, VECTORS.reschedule, host.time);
  m.cpu = cpu;
  return sent;
}
