import { irqDisable, post } from '../../cpu/local-apic.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { csdFunctionEntry, csdFunctionExit, csdQueueCpu, ipiSendCpu, ipiSendCpumask } from '../../tracepoints/ipi.ts';
import { schedTtwuPending } from '../kernel/sched.ts';
import { localIrqRestore } from '../kernel/spinlock.ts';

/** From writing the interrupt command register to the arrival at the other CPU. */
const IPI_LATENCY_NS = 600;

/** What other CPUs are asked to run, with interrupts off. */
export interface SmpFunction {
  (m: Machine, info: KernelObject | null): void;
  readonly symbol: TextSymbol;
}
/** A set of CPUs. */
export interface CpuMask extends KernelObject {
  readonly cpus: readonly number[];
}
/** struct call_single_data: one call on its way to another CPU. */
export interface CallSingle extends KernelObject {
  readonly func: SmpFunction;
  readonly info: KernelObject | null;
  /** csd_unlock: whoever waits is told. */
  readonly finished: () => void;
}

/** _RET_IP_: where the running function will return to. */
export function returnAddress(m: Machine): KernelObject {
  return { address: m.words[(m.cpu.fp + 8) >> 2]! & 0x7fffffff };
}

/** Asks another CPU to look at TIF_NEED_RESCHED, or just to wake up. */
const nativeSmpSendReschedule = kernelFunction('native_smp_send_reschedule', 25, (m, cpu: number): void => {
  ipiSendCpu(m, cpu, returnAddress(m), null);
  post(m, m.cpuList[cpu]!, VECTORS.reschedule, m.cpu.time + IPI_LATENCY_NS);
});
export function sendReschedule(m: Machine, cpu: Cpu): void {
  nativeSmpSendReschedule(m, cpu.id);
}

/** Something has been put on the queue of another CPU, which must hear of it. */
export const sendCallFunctionSingleIpi = kernelFunction(
  'send_call_function_single_ipi',
  15,
  (m, cpu: number): void => {
    ipiSendCpu(m, cpu, returnAddress(m), { address: flushSmpCallFunctionQueue.entry });
    post(m, m.cpuList[cpu]!, VECTORS.callFunctionSingle, m.cpu.time + IPI_LATENCY_NS);
  },
  { traceable: false },
);
const sendCallFunctionIpiMask = kernelFunction('native_send_call_func_ipi', 25, (m, mask: CpuMask): void => {
  ipiSendCpumask(m, mask, returnAddress(m), { address: flushSmpCallFunctionQueue.entry });
  for (const cpu of mask.cpus) post(m, m.cpuList[cpu]!, VECTORS.callFunction, m.cpu.time + IPI_LATENCY_NS);
});

function runCall(m: Machine, call: CallSingle): void {
  const func = { address: call.func.symbol.entry };
  csdFunctionEntry(m, func, call);
  call.func(m, call.info);
  csdFunctionExit(m, func, call);
  call.finished();
}
/** The calls that other CPUs left here. */
export const flushCallQueue = kernelFunction('__flush_smp_call_function_queue', 25, (m, _warn: number): void => {
  for (const call of m.cpu.callQueue.splice(0)) runCall(m, call);
  schedTtwuPending(m, null);
});
const flushSmpCallFunctionQueue = flushCallQueue.symbol;

/**
 * Has a function run on other CPUs, all of them at once by one interrupt each; those that have a call pending already need
 * none. With `wait` the caller spins, interrupts on, until the last has run it.
 */
const smpCallFunctionManyCond = kernelFunction(
  'smp_call_function_many_cond',
  60,
  (m, mask: CpuMask, func: SmpFunction, info: KernelObject | null, flags: number, _condition: null): Result => {
    const { cpu } = m;
    const wait = (flags & SCF_WAIT) !== 0;
    const others = mask.cpus.filter((id) => id !== cpu.id);
    let left = others.length;
    const finished = (): void => {
      left -= 1;
      if (left === 0 && wait) cpu.busyUntil = Math.max(cpu.time, m.cpu.time);
    };
    const silent = others.filter((id) => m.cpuList[id]!.callQueue.length === 0);
    for (const id of others) {
      const call: CallSingle = { address: m.scratch, func, info, finished };
      csdQueueCpu(m, id, returnAddress(m), { address: func.symbol.entry }, call);
      m.cpuList[id]!.callQueue.push(call);
    }
    if (silent.length === 1) sendCallFunctionSingleIpi(m, silent[0]!);
    else if (silent.length > 1) sendCallFunctionIpiMask(m, { address: mask.address, cpus: silent });
    if ((flags & SCF_RUN_LOCAL) !== 0 && mask.cpus.includes(cpu.id)) {
      const { flags: saved } = cpu;
      irqDisable(m);
      func(m, info);
      localIrqRestore(m, saved);
    }
    return wait && left > 0 ? m.busy(Infinity) : 0;
  },
);
const SCF_WAIT = 1;
const SCF_RUN_LOCAL = 2;
/** smp_call_function_many(): not on this CPU. */
export function smpCallFunctionMany(
  m: Machine,
  mask: CpuMask,
  func: SmpFunction,
  info: KernelObject | null,
  wait: boolean,
): Result {
  return smpCallFunctionManyCond(m, mask, func, info, wait ? SCF_WAIT : 0, null);
}
/** on_each_cpu(): here too. */
export function onEachCpu(m: Machine, func: SmpFunction, info: KernelObject | null): Result {
  const everyone = { address: m.scratch, cpus: m.cpuList.map(({ id }) => id) };
  return smpCallFunctionManyCond(m, everyone, func, info, SCF_WAIT | SCF_RUN_LOCAL, null);
}
