import { demangle } from '../../../../btf/cxx/demangle.ts';
import { attach } from '../../../probes/attach.ts';
import type { AttachTarget } from '../../../probes/attach.ts';
import { HARDWARE_RATES } from '../../../probes/hardware-events.ts';
import { unwindUserStack, walkKernelStack } from '../../../probes/stack.ts';
import type { Machine } from '../../../machine.ts';
import { fieldsByName, parsedFormat, type TraceEvent } from '../../../tracefs/event.ts';
import { printRecord } from '../../../tracefs/print-format.ts';
import { SECOND } from '../../../time/units.ts';
import type { PerfEventName } from './events.ts';
import type { Place, Sample } from './samples.ts';

/** How samples are taken. */
export interface SamplingOptions {
  /** Samples a second and CPU, of what has no count of its own. */
  readonly frequency: number;
  /** One sample for so many events; 0: by the frequency. */
  readonly count: number;
  /** With the stacks of kernel and program. */
  readonly graph: boolean;
  /** Frames of either stack (kernel.perf_event_max_stack). */
  readonly depth: number;
}

const hex = (low: number, high: number): string =>
  high === 0 ? (low >>> 0).toString(16) : (high >>> 0).toString(16) + (low >>> 0).toString(16).padStart(8, '0');

/** What is at an address, for the task that runs. */
function placeAt(m: Machine, low: number, high: number): Place {
  const address = hex(low, high);
  const isKernel = high < 0;
  const found = isKernel ? m.kernelSymbol(low, high) : m.userSymbol(m.currentTask.pid, low, high);
  if (found === undefined) return { address, symbol: '', offset: 0, object: '[unknown]', isKernel };
  const { name, offset, module } = found;
  const object = !isKernel ? module : module === 'vmlinux' ? '[kernel.kallsyms]' : `[${module}]`;
  return { address, symbol: isKernel ? name : (demangle(name) ?? name), offset, object, isKernel };
}

function eventText(m: Machine, event: TraceEvent, data: Uint8Array): string {
  const format = parsedFormat(event.print);
  return format === undefined ? '' : printRecord({ machine: m, data, fields: fieldsByName(event) }, format);
}

/** Whose samples are kept. */
export type Wanted = () => boolean;

/** Takes samples of events on all CPUs until it is closed. */
export class Sampler {
  readonly samples: Sample[] = [];
  private readonly machine: Machine;
  private readonly options: SamplingOptions;
  private readonly wanted: Wanted;
  /** Return addresses of the program, 8 bytes each. */
  private readonly addresses: number;
  private readonly closers: (() => void)[];

  constructor(m: Machine, events: readonly PerfEventName[], options: SamplingOptions, wanted: Wanted) {
    this.machine = m;
    this.options = options;
    this.wanted = wanted;
    this.addresses = m.arena.allocate(8 * options.depth);
    this.closers = events.map((event) => this.open(event));
  }
  close(): void {
    for (const close of this.closers.splice(0)) close();
    this.machine.arena.free(this.addresses, 8 * this.options.depth);
  }
  /** What has come since the last call. */
  take(): readonly Sample[] {
    return this.samples.splice(0);
  }

  private open(event: PerfEventName): () => void {
    const m = this.machine;
    const { frequency, count } = this.options;
    if (event.kind === 'tracepoint') {
      const traced = event.event;
      const close = traced.listen(m, (record, context) => {
        if (!this.wanted()) return;
        const low = 'probe' in traced ? this.registerOf(context).low : m.trace.ip;
        const high = 'probe' in traced ? this.registerOf(context).high : -1;
        this.add(event, 1, placeAt(m, low, high), eventText(m, traced, record()));
      });
      return typeof close === 'number' ? () => undefined : close;
    }
    const [target, period] = perfTarget(event, frequency, count);
    const attached = attach(m, target, (regs) => {
      if (!this.wanted()) return;
      const { low, high } = this.registerOf(regs);
      if ((high < 0 && event.inKernel) || (high >= 0 && event.inUser))
        this.add(event, period, placeAt(m, low, high), '');
    });
    return attached.ok ? () => attached.detach() : () => undefined;
  }
  private registerOf(regs: number): { readonly low: number; readonly high: number } {
    const { arena, abi } = this.machine;
    return { low: arena.view.getInt32(regs + abi.ip, true), high: arena.view.getInt32(regs + abi.ip + 4, true) };
  }
  private add(event: PerfEventName, period: number, place: Place, text: string): void {
    const { cpu } = this.machine;
    const { current } = cpu;
    this.samples.push({
      event: event.name,
      comm: current.pid === 0 ? 'swapper' : current.comm,
      pid: current.tgid,
      tid: current.pid,
      cpu: cpu.id,
      timeNs: cpu.time,
      period,
      text,
      place,
      chain: this.options.graph ? this.chainHere() : [],
    });
  }
  /** The kernel's frames, then the program's, innermost first. */
  private chainHere(): readonly Place[] {
    const m = this.machine;
    const { depth } = this.options;
    const chain: Place[] = [];
    walkKernelStack(m, (low) => {
      chain.push(placeAt(m, low, -1));
      return chain.length < depth;
    });
    const count = unwindUserStack(m, this.addresses, depth - chain.length, 0);
    const { view } = m.arena;
    for (let at = this.addresses; at < this.addresses + 8 * count; at += 8)
      chain.push(placeAt(m, view.getInt32(at, true), view.getInt32(at + 4, true)));
    return chain;
  }
}

/** A clock's period is never shorter (perf_swevent_start_hrtimer), and interrupts that come faster are throttled. */
const LEAST_PERIOD_NS = 10_000;
/** What the kernel is asked for, and how many events a sample then stands for. */
function perfTarget(
  event: Exclude<PerfEventName, { kind: 'tracepoint' }>,
  frequency: number,
  count: number,
): readonly [AttachTarget, number] {
  if (event.kind === 'clock') {
    const periodNs = Math.max(LEAST_PERIOD_NS, count > 0 ? count : Math.round(SECOND / frequency));
    return [{ kind: 'clock', periodNs, cpu: 'all' }, periodNs];
  }
  if (event.kind === 'software') {
    const period = Math.max(1, count);
    return [{ kind: 'software', event: event.counter, period }, period];
  }
  // What the kernel's adjustment of the period ends at while a CPU executes all the time.
  const rate = HARDWARE_RATES[event.counter];
  const period = count > 0 ? count : Math.round((rate * SECOND) / frequency);
  const allowed = Math.max(period, Math.ceil(rate * LEAST_PERIOD_NS));
  return [{ kind: 'hardware', event: event.counter, period: allowed }, allowed];
}
