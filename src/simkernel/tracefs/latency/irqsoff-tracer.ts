import type { Machine } from '../../machine.ts';
import { kernelStack, recordKernelStack } from '../stack-records.ts';
import type { TraceArray } from '../trace-array.ts';
import type { Tracer } from '../tracer.ts';
import { describedTask, isReported, keepLongest } from './latency.ts';
import { recordPlace, startLatency } from './start-latency.ts';

/** Where a CPU took no interrupts any more. */
interface Critical {
  readonly sinceNs: number;
  readonly place: bigint;
}

/** `irqsoff`: the longest time in which a CPU has had its interrupts off, the idle loop's aside. */
export function startIrqsOff(array: TraceArray): Tracer {
  return new IrqsOffTracer(array);
}

class IrqsOffTracer implements Tracer {
  readonly name = 'irqsoff';
  readonly showsLongest = true;
  private readonly array: TraceArray;
  private readonly machine: Machine;
  private readonly open: (Critical | null)[];
  private readonly stopFunctions: () => void;

  constructor(array: TraceArray) {
    this.array = array;
    this.machine = array.machine;
    this.open = this.machine.cpuList.map(() => null);
    this.stopFunctions = startLatency(array, () => this.open[this.machine.cpu.id] !== null);
    this.machine.irqWatch = (isOff) => (isOff ? this.begin() : this.end());
  }
  stop(): void {
    this.machine.irqWatch = null;
    this.stopFunctions();
  }
  /** start_critical_timing() */
  private begin(): void {
    const { array, machine } = this;
    if (!array.isOn) return;
    machine.traceHere();
    const [ip = 0n, parent = ip] = kernelStack(machine, 2);
    this.open[machine.cpu.id] = { sinceNs: array.timestamp(), place: parent };
    recordPlace(array, ip, parent);
  }
  /** stop_critical_timing() */
  private end(): void {
    const { array, machine } = this;
    const { cpu } = machine;
    const critical = this.open[cpu.id] ?? null;
    if (critical === null) return;
    machine.traceHere();
    const [ip = 0n, parent = ip] = kernelStack(machine, 2);
    recordPlace(array, ip, parent);
    this.open[cpu.id] = null;
    const latencyNs = array.timestamp() - critical.sinceNs;
    if (!isReported(array, latencyNs)) return;
    recordKernelStack(array);
    keepLongest(array, {
      latencyNs,
      startNs: critical.sinceNs,
      cpu: cpu.id,
      isOfOneCpu: true,
      task: describedTask(cpu.current),
      critical: { start: critical.place, end: parent },
    });
  }
}
