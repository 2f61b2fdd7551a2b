import type { Request } from '../block/request.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { HwBreakpoint } from '../functions/x86/hw-breakpoint.ts';
import type { IrqPoll } from '../functions/kernel/irq-poll.ts';
import type { IrqWork } from '../functions/kernel/irq-work.ts';
import type { Backlog, Napi } from '../functions/net/net-rx.ts';
import type { CallSingle } from '../functions/x86/smp.ts';
import type { TaskletHead } from '../functions/kernel/tasklet.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import type { IrqDesc } from '../irq/irq-desc.ts';
import type { TimerWheel } from '../irq/timer-list.ts';
import type { Qdisc } from '../net/device.ts';
import type { RunQueue } from '../tasks/run-queue.ts';
import type { Task } from '../tasks/task.ts';
import { CPU_TIME_SLOTS } from './accounting.ts';
import { DebugRegisters } from './debug-registers.ts';
import { FLAGS, FLAGS_IF } from './registers.ts';

/** An interrupt on its way to a CPU's local APIC. */
export interface Arrival {
  readonly timeNs: number;
  readonly vector: number;
}

/** One CPU. Fields change at every step of the machine, so this is plain data that the execution core owns. */
export class Cpu {
  readonly id: number;
  /** How far this CPU has run. */
  time: number;
  /** It has something to do from here on: the end of the work in progress, Infinity while halted. */
  busyUntil = Infinity;
  /** Earliest interrupt: the APIC timer's deadline or an arrival. */
  nextArrival = Infinity;
  /** Running past this, it must look for interrupts and device events; Infinity while interrupts are off. */
  horizon = Infinity;
  readonly arrivals: Arrival[] = [];
  /** Which line each of its vectors belongs to. */
  readonly vectorIrq: (IrqDesc | undefined)[] = new Array<IrqDesc | undefined>(256).fill(undefined);
  timerDeadline = Infinity;
  /** Where its time went, in nanoseconds; see accounting.ts. */
  readonly times = new Float64Array(CPU_TIME_SLOTS);
  /** How slowly kernel code runs at the moment (caches, branch prediction): drawn anew for every system call. */
  pace = 1;

  /** General registers in the order of pt_regs, two words each; the frame pointer lives in `fp`. */
  readonly registers: Int32Array;
  sp = 0;
  fp = 0;
  fn: TextSymbol;
  /** Faulting address, read by the page fault handler. */
  cr2 = 0;
  /** Arena offset below a stack that a push reached, where CR2 would point; 0: none did. */
  guardPageHit = 0;
  /** RFLAGS: the interrupt and the trap flag are kept. */
  flags = FLAGS_IF;
  readonly debug = new DebugRegisters();
  /** Whose breakpoint each debug register holds (bp_per_reg). */
  readonly breakpoints: (HwBreakpoint | null)[] = [null, null, null, null];
  /** A watched address or the trap flag: every stretch of code is looked at when it is over. */
  attentive = false;
  /** Image offset at which the last `iret` to the kernel went on. */
  resumedAt = 0;
  userMode = false;
  halted = false;
  /** When it last went idle: for a moment it polls instead of halting for good, and needs no interrupt to wake. */
  idleSince = 0;
  /** Arena offsets: the 256 gates, the task state segment, the interrupt stack's end. */
  idt = 0;
  /** Of IDTR: offset of the table's last byte. */
  idtLimit = 0;
  readonly tss: number;
  readonly irqStackTop: number;
  /** Arena offset of its copy of the per-CPU variables. */
  readonly perCpu: number;
  /** When an NMI arrives; Infinity when none is on its way. */
  nmiAt = Infinity;
  /** pt_regs of the innermost interrupt (get_irq_regs), 0 outside. */
  irqRegs = 0;

  current: Task;
  /** Set by __schedule: the task to switch to once the current one has unwound. */
  next: Task | null = null;
  /** The task that ran before the current one. */
  previous: Task;
  readonly idle: Task;
  readonly runQueue: RunQueue;
  needResched = false;
  /** When its queue is next compared with the others'. */
  nextBalance = 0;
  /** Spinlocks held, preempt_disable() calls. */
  preemptDepth = 0;
  nmiDepth = 0;
  hardirqDepth = 0;
  softirqDepth = 0;
  /** local_bh_disable() calls: softirqs wait for the last local_bh_enable(). */
  bhDisabled = 0;
  softirqPending = 0;
  readonly tasklets: TaskletHead;
  readonly urgentTasklets: TaskletHead;
  /** What other CPUs ask this one to run (call_single_queue), and what it asks itself (raised_list). */
  readonly callQueue: CallSingle[] = [];
  readonly irqWorks: IrqWork[] = [];
  /** Devices that the IRQ_POLL softirq looks at (blk_cpu_iopoll). */
  readonly irqPolls: IrqPoll[] = [];
  /** Queues that the NET_TX softirq runs (softnet_data.output_queue). */
  readonly outputQueue: Qdisc[] = [];
  /** wake_up_klogd_work: made when it first has somebody to wake. */
  klogdWork: IrqWork | null = null;
  /** Serves softirqs that the interrupt's end left over; there from when the machine first runs. */
  ksoftirqd: Task | null = null;
  /** Devices whose packets the NET_RX softirq fetches (softnet_data.poll_list). */
  readonly pollList: Napi[] = [];
  /** Made with the first packet that no interrupt brought. */
  backlog: Backlog | null = null;
  /** Finished requests that the BLOCK softirq takes care of (blk_cpu_done). */
  readonly blockDone: Request[] = [];

  readonly hrtimers: HrTimer[] = [];
  /** Those that expire in the HRTIMER softirq, and whether that has been raised for them. */
  readonly softTimers: HrTimer[] = [];
  softTimersActive = false;
  readonly tick: HrTimer;
  readonly wheel: TimerWheel;
  tickStopped = false;

  constructor(parts: {
    id: number;
    registerWords: number;
    time: number;
    fn: TextSymbol;
    tss: number;
    irqStackTop: number;
    perCpu: number;
    idle: Task;
    runQueue: RunQueue;
    tick: HrTimer;
    tasklets: TaskletHead;
    urgentTasklets: TaskletHead;
    wheel: TimerWheel;
  }) {
    this.id = parts.id;
    this.registers = new Int32Array(parts.registerWords);
    this.time = parts.time;
    this.fn = parts.fn;
    this.tss = parts.tss;
    this.irqStackTop = parts.irqStackTop;
    this.perCpu = parts.perCpu;
    this.idle = parts.idle;
    this.current = parts.idle;
    this.previous = parts.idle;
    this.runQueue = parts.runQueue;
    this.tick = parts.tick;
    this.tasklets = parts.tasklets;
    this.urgentTasklets = parts.urgentTasklets;
    this.wheel = parts.wheel;
  }
  get interruptsEnabled(): boolean {
    return (this.flags & FLAGS.interrupt) !== 0;
  }
}
