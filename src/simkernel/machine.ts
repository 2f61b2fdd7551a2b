import { Cpu } from './cpu/cpu.ts';
import type { Arrival } from './cpu/cpu.ts';
import type { EntryPoint } from './cpu/deliver.ts';
import { VECTORS } from './cpu/descriptor-tables.ts';
import { FLAGS_IF, PT_REGS, USER_CS, USER_DS } from './cpu/registers.ts';
import { MachineHalted } from './execution/halt.ts';
import type { Body } from './execution/kernel-function.ts';
import { Pending } from './execution/pending.ts';
import type { Result } from './execution/pending.ts';
import { catchUp, runUntil } from './execution/run.ts';
import { callSites, declareText, textSymbolAt, writeText } from './execution/text.ts';
import type { TextSymbol } from './execution/text.ts';
import { boot, bootWorkload } from './boot.ts';
import type { FileSystem } from './fs/file-system.ts';
import { getSignal } from './functions/process.ts';
import { doSendSigInfo } from './functions/signal.ts';
import { raiseSoftirq, SOFTIRQS } from './functions/softirq.ts';
import type { Softirq } from './functions/softirq.ts';
import { IoApic } from './irq/io-apic.ts';
import type { IrqDesc } from './irq/irq-desc.ts';
import { createArena, storeNumber, storeText, storeWord } from './memory/arena.ts';
import type { Arena, Word } from './memory/arena.ts';
import { allocateGlobals } from './memory/kernel-data.ts';
import type { KernelGlobals } from './memory/kernel-data.ts';
import { resolveFields } from './memory/layout.ts';
import { attach } from './probes/attach.ts';
import type { Attachment, AttachTarget } from './probes/attach.ts';
import { hookedCall } from './probes/function-hooks.ts';
import type { FunctionHooks } from './probes/function-hooks.ts';
import type { Handler } from './probes/handler.ts';
import { runHandlers } from './probes/handler.ts';
import { unwindKernelStack, unwindUserStack } from './probes/stack.ts';
import { kernelSymbolAddress, kernelSymbolAt, userSymbolAt } from './probes/symbols.ts';
import type { SymbolPlace } from './probes/symbols.ts';
import { createMachineMemory } from './memory/machine-memory.ts';
import type { MachineMemory } from './memory/machine-memory.ts';
import type { TraceStart } from './probes/stack.ts';
import { createSyscallEvents } from './probes/syscall-events.ts';
import { runCommand } from './programs/host-commands.ts';
import { createLoopback } from './net/device.ts';
import type { NetDevice } from './net/device.ts';
import type { Image } from './programs/image.ts';
import type { LogLine } from './printk.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { releaseTask } from './tasks/process.ts';
import { TASK_RUNNING } from './tasks/task.ts';
import type { Task } from './tasks/task.ts';
import { createRandom, hashText } from './time/random.ts';
import type { Random } from './time/random.ts';
import { BinaryEventQueue } from './time/event-queue.ts';
import { recordFields } from './tracepoints/tracepoint.ts';
import type { TracepointRow } from './tracepoints/tracepoint.ts';

/*
 * The simulated machine.
 *
 * Execution. Kernel functions are declared (functions/*.ts, `kernelFunction(name, ns, body)`) and call each other as
 * `vfsRead(m, file, buffer, count, pos)`. A call pushes return address and frame pointer on the simulated kernel stack, adds
 * its own cost to the CPU's time, and runs the body; so stacks unwind from memory and samples find true contexts at no more
 * than a few nanoseconds of host time. A body may
 *   - return its value (atomic functions),
 *   - pass on the Pending of a callee that sleeps (thin wrappers: just `return callee(m, ...)`),
 *   - add work to a Pending with `then`, or be a generator (`sleepingFunction`) that yields Pendings (execution/pending.ts).
 * Time inside kernel code passes with each call, with `m.spend(ns)`, or, when it is long enough for others to interleave, with
 * `m.busy(ns)`, which is a Pending.
 *
 * Values. Arguments and results are C values: plain numbers (exact to 2^53; user addresses too) or objects with an `address`
 * in guest memory, which is what registers and records show of them. Objects keep both a JavaScript view and the bytes that
 * scripts can read; whoever changes one changes the other.
 *
 * Time. One queue of device events and, per CPU, its own time and arriving interrupts; see execution/run.ts for the order.
 *
 * Hooks. `hooked[function]` and `traced[tracepoint]` are the only things an unprobed path reads.
 */
export interface MachineOptions {
  readonly scenario: Scenario;
  readonly seed?: number;
  readonly cpus?: number;
}

const PACE_MASK = 63;
const RECORD_SIZE = 8192;
/** Virtual time between the epoch and boot: 2026-01-01T00:00:00Z. */
const BOOT_TIME_NS = 1_767_225_600_000_000_000;
/** The machine has booted and sat idle for this long when somebody first looks at it; then its workload starts. */
export const UPTIME_NS = 60_000_000_000;
/** PID of the tracer's own process. */
export const TRACER_PID = 19_000;

const rethookTrampoline = declareText('arch_rethook_trampoline', { traceable: false });
const ftraceCaller = declareText('ftrace_regs_caller', { traceable: false });
declareText('__x86_indirect_thunk_array', { traceable: false });

export class Machine {
  readonly arena: Arena;
  readonly words: Int32Array;
  readonly random: Random;
  readonly scenario: Scenario;
  readonly cpuList: Cpu[] = [];
  readonly events = new BinaryEventQueue();
  readonly tasks = new Map<number, Task>();
  readonly tracer: Task;
  readonly fileSystem: FileSystem;
  /** Image offsets of global variables. */
  readonly globals: KernelGlobals;
  /** Executables by path. */
  readonly images = new Map<string, Image>();
  readonly netDevices: NetDevice[] = [createLoopback()];
  /** Stands for small stack objects whose fields nobody reads. */
  readonly scratch: number;
  /** The CPU whose code runs now. */
  cpu: Cpu;
  /** Time of the current segment or device event. */
  clock = UPTIME_NS;
  stopped = false;
  /** The machine's last words; it runs no further. */
  halted: string | undefined;
  readonly kernelLog: LogLine[] = [];
  oopses = 0;
  inHandler = false;
  private inSegment = false;
  private started = false;

  readonly hooked: Uint8Array;
  readonly functionHooks = new Map<number, FunctionHooks>();
  /** int3 probes by the image offset of their byte. */
  readonly breakpoints = new Map<number, readonly Handler[]>();
  readonly traced: Uint8Array;
  readonly tracepointHandlers = new Map<number, TracepointHandlers>();
  readonly syscallEvents = createSyscallEvents();
  readonly trace: TraceStart = { ip: 0, fp: 0, slot: 0 };
  readonly rethookTrampoline = rethookTrampoline;
  readonly ftraceCaller = ftraceCaller;
  readonly recordBase: number;
  private readonly rawBase: number;
  readonly current: CurrentPlaces;
  private located: Task | null = null;
  private locatedVersion = 0;

  readonly entryPoints = new Map<number, EntryPoint>();
  readonly ioApic = new IoApic(this);
  readonly irqs: IrqDesc[] = [];
  readonly vectorIrq = new Map<number, IrqDesc>();
  readonly softirqCounts: number[][];
  readonly interruptCounts: Record<'localTimer' | 'reschedule' | 'callFunction', number[]>;
  private readonly visibleText = new Set<TextSymbol>();
  private readonly rcuCallbacks: (() => void)[] = [];
  /** Where the search for a free PID goes on. */
  lastPid = 20_000;

  constructor(options: MachineOptions) {
    resolveFields();
    this.arena = createArena((offset, size) => this.showText(offset, size));
    this.words = this.arena.words;
    this.random = createRandom(options.seed ?? options.scenario.seed);
    const pace = this.random.stream('pace');
    this.paceState = pace.bits() | 1;
    this.paces = Float64Array.from({ length: PACE_MASK + 1 }, () => Math.max(0.7, pace.logNormal(0.95, 0.3)));
    this.scenario = options.scenario;
    this.hooked = new Uint8Array(4096);
    this.traced = new Uint8Array(1024);
    this.globals = allocateGlobals(this);
    this.recordBase = this.arena.allocate(RECORD_SIZE, 64);
    this.scratch = this.arena.allocate(256, 64);
    this.rawBase = this.arena.allocate(256, 64);
    const place = this.arena.allocate(64, 64);
    this.current = {
      time: place,
      task: place + 8,
      pidTgid: place + 16,
      uidGid: place + 24,
      comm: place + 32,
      cpu: place + 48,
      probedFunction: place + 56,
    };
    const count = options.cpus ?? options.scenario.cpus;
    this.softirqCounts = SOFTIRQS.map(() => new Array<number>(count).fill(0));
    const zeros = (): number[] => new Array<number>(count).fill(0);
    this.interruptCounts = { localTimer: zeros(), reschedule: zeros(), callFunction: zeros() };
    const booted = boot(this, count, TRACER_PID);
    this.tracer = booted.tracer;
    this.fileSystem = booted.fileSystem;
    this.cpu = this.cpuList[0]!;
    this.locate(this.cpu, this.tracer);
  }

  // The interface of the runtime (structurally its `Kernel`).

  readonly bootTimeNs = BOOT_TIME_NS;
  get memory(): MachineMemory {
    return (this.memoryView ??= createMachineMemory(this));
  }
  private memoryView: MachineMemory | undefined;
  get cpus(): number {
    return this.cpuList.length;
  }
  now(): number {
    return this.inSegment ? this.cpu.time : this.clock;
  }
  run(untilNs: number): void {
    this.startWorkload();
    this.stopped = false;
    this.inSegment = true;
    try {
      if (this.halted === undefined) runUntil(this, untilNs);
    } catch (error) {
      if (!(error instanceof MachineHalted)) throw error;
      this.halted = error.message;
      this.clock = this.cpu.time;
    } finally {
      this.inSegment = false;
    }
  }
  /** Disk, files and processes; nothing of it exists until somebody runs the machine or looks at its files. */
  private startWorkload(): void {
    if (this.started) return;
    this.started = true;
    bootWorkload(this);
    this.scenario.start(this);
  }
  stop(): void {
    this.stopped = true;
  }
  at(timeNs: number, callback: () => void): void {
    this.events.schedule(timeNs, () => {
      const { inSegment, clock, cpu } = this;
      this.inSegment = false;
      this.clock = timeNs;
      this.cpu = this.cpuList[0]!;
      this.trace.ip = 0;
      this.locate(this.cpu, this.tracer, timeNs);
      callback();
      this.inSegment = inSegment;
      this.cpu = cpu;
      this.clock = clock;
    });
    if (timeNs < this.cpu.horizon && this.cpu.interruptsEnabled) this.cpu.horizon = timeNs;
  }
  asTracer(body: () => void): void {
    const { cpu } = this;
    this.cpu = this.cpuList[0]!;
    this.trace.ip = 0;
    this.locate(this.cpu, this.tracer, this.now());
    body();
    this.cpu = cpu;
  }
  attach(target: AttachTarget, handler: Handler): Attachment {
    return attach(this, target, handler);
  }
  kernelStack(out: number, limit: number, skip: number): number {
    return unwindKernelStack(this, out, limit, skip);
  }
  userStack(out: number, limit: number, skip: number): number {
    return unwindUserStack(this, out, limit, skip);
  }
  kernelSymbol(low: number, high: number): SymbolPlace | undefined {
    return kernelSymbolAt(this, low, high);
  }
  userSymbol(pid: number, low: number, high: number): SymbolPlace | undefined {
    return userSymbolAt(this, pid, low, high);
  }
  kernelSymbolAddress(name: string): { readonly low: number; readonly high: number } | undefined {
    return kernelSymbolAddress(this, name);
  }
  readFile(path: string): Uint8Array | undefined {
    this.startWorkload();
    return this.fileSystem.contents(this, path);
  }
  userName(uid: number): string | undefined {
    return USERS.get(uid);
  }
  sendSignal(pid: number, signal: number): number {
    const task = this.tasks.get(pid);
    if (task === undefined) return -ESRCH;
    if (this.inSegment) return doSendSigInfo(this, signal, null, task, 1);
    // The tracer's process sends it between two segments, from the first CPU; that one must look up if it woke somebody.
    const { cpu } = this;
    const host = this.cpuList[0]!;
    this.cpu = host;
    if (host.halted) host.time = Math.max(host.time, this.clock);
    const sent = doSendSigInfo(this, signal, null, task, 1);
    if (host.needResched) this.post(host, VECTORS.reschedule, host.time);
    this.cpu = cpu;
    return sent;
  }
  shell(command: string): string {
    this.startWorkload();
    return runCommand(this, command);
  }

  // What simulated code uses.

  /** CPU time of straight-line kernel code. */
  spend(ns: number): void {
    const { cpu } = this;
    const cost = ns * cpu.pace;
    if ((cpu.time += cost) >= cpu.horizon) catchUp(this, cpu, cost);
  }
  /** A new mood of the caches. */
  drawPace(cpu: Cpu): void {
    // xorshift32: this is drawn for every system call.
    let x = this.paceState;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.paceState = x;
    cpu.pace = this.paces[x & PACE_MASK]!;
  }
  private readonly paces: Float64Array;
  private paceState: number;
  /** Longer kernel work: other CPUs' events interleave, interrupts arrive on time, the task keeps the CPU. */
  busy(ns: number): Pending {
    const { cpu } = this;
    cpu.busyUntil = cpu.time + ns;
    return new Pending();
  }
  /** `hlt`: until the next interrupt. */
  halt(): Pending {
    const { cpu } = this;
    cpu.halted = true;
    cpu.idleSince = cpu.time;
    cpu.busyUntil = Infinity;
    return new Pending();
  }
  /** An idle CPU that still polls sees TIF_NEED_RESCHED. */
  stopPolling(cpu: Cpu, timeNs: number): void {
    cpu.halted = false;
    cpu.needResched = true;
    cpu.busyUntil = Math.max(timeNs, cpu.time);
  }
  catchUp(cpu: Cpu, ns: number): void {
    catchUp(this, cpu, ns);
  }
  hookedCall(symbol: TextSymbol, ns: number, body: Body, args: readonly unknown[]): unknown {
    return hookedCall(this, symbol, ns, body, args);
  }
  irqDisable(): void {
    this.cpu.interruptsEnabled = false;
    this.cpu.horizon = Infinity;
  }
  irqEnable(): void {
    const { cpu } = this;
    if (cpu.interruptsEnabled) return;
    cpu.interruptsEnabled = true;
    this.refresh(cpu);
    if (cpu.time >= cpu.horizon) catchUp(this, cpu, 0);
  }
  /** Recomputes when a CPU must next look up from its work. */
  refresh(cpu: Cpu): void {
    if (!cpu.interruptsEnabled) {
      cpu.nextArrival = cpu.horizon = Infinity;
      return;
    }
    const [first] = cpu.arrivals;
    cpu.nextArrival = first !== undefined && first.timeNs < cpu.timerDeadline ? first.timeNs : cpu.timerDeadline;
    cpu.horizon = cpu.nextArrival < this.events.nextTime ? cpu.nextArrival : this.events.nextTime;
  }
  /** Something outside the CPUs happens at a virtual time. */
  schedule(timeNs: number, action: () => void): void {
    this.events.schedule(timeNs, action);
    if (timeNs < this.cpu.horizon && this.cpu.interruptsEnabled) this.cpu.horizon = timeNs;
  }
  /** Sends a vector to a CPU's local APIC. */
  post(cpu: Cpu, vector: number, timeNs: number): void {
    const { arrivals } = cpu;
    let at = arrivals.length;
    while (at > 0 && arrivals[at - 1]!.timeNs > timeNs) at -= 1;
    const arrival: Arrival = { timeNs, vector };
    arrivals.splice(at, 0, arrival);
    this.refresh(cpu);
  }
  /** Sets the one-shot timer of a CPU's local APIC to its first hrtimer. */
  programTimer(cpu: Cpu): void {
    cpu.timerDeadline = cpu.hrtimers[0]?.expires ?? Infinity;
    this.refresh(cpu);
  }
  takeInterrupt(cpu: Cpu): number {
    const [first] = cpu.arrivals;
    if (first !== undefined && first.timeNs < cpu.timerDeadline) {
      cpu.arrivals.shift();
      this.refresh(cpu);
      return first.vector;
    }
    cpu.timerDeadline = Infinity;
    this.refresh(cpu);
    return VECTORS.localTimer;
  }
  raiseSoftirq(cpu: Cpu, softirq: Softirq): void {
    raiseSoftirq(this, cpu, softirq);
  }
  /** call_rcu: runs after a grace period, in the RCU softirq. */
  callRcu(callback: () => void): void {
    this.rcuCallbacks.push(callback);
    this.cpu.softirqPending |= 1 << SOFTIRQS.indexOf('RCU');
  }
  runRcuCallbacks(): void {
    for (const callback of this.rcuCallbacks.splice(0)) callback();
  }
  /** A dead task has switched away for the last time. */
  reapDead(task: Task): void {
    if (task.exitState === 0) return;
    this.callRcu(() => releaseTask(this, task));
  }
  /** Puts a task on a run queue before anything runs. */
  enqueueAtBoot(task: Task, cpu: number): void {
    task.cpu = cpu;
    task.state = TASK_RUNNING;
    const on = this.cpuList[cpu]!;
    on.runQueue.add(task);
    on.needResched = true;
  }
  /** Called on the way to user mode; functions/syscall-entry.ts cannot import what declares system calls. */
  deliverSignal(task: Task): Result {
    return getSignal(this, task);
  }
  allocatePid(): number {
    return (this.lastPid += 1);
  }
  slack(limitNs: number): number {
    return this.slackStream.uniform() * limitNs;
  }
  private get slackStream(): Random {
    return (this.slackRandom ??= this.random.stream('timer slack'));
  }
  private slackRandom: Random | undefined;
  irqFromUser(cpu: Cpu): boolean {
    return cpu.irqRegs !== 0 && (this.words[(cpu.irqRegs + PT_REGS.cs) >> 2]! & 3) !== 0;
  }
  /** SS, RSP, RFLAGS, CS, RIP and RBP of the interrupted user program. */
  storeUserFrame(cpu: Cpu, regs: number): void {
    const { words } = this;
    const { user } = cpu.current;
    const at = regs >> 2;
    storeNumber(words, regs + PT_REGS.bp, user?.fp ?? 0);
    storeNumber(words, regs + PT_REGS.ip, user?.ip ?? 0);
    words[at + PT_REGS.cs / 4] = USER_CS;
    words[at + PT_REGS.cs / 4 + 1] = 0;
    words[at + PT_REGS.flags / 4] = FLAGS_IF;
    words[at + PT_REGS.flags / 4 + 1] = 0;
    storeNumber(words, regs + PT_REGS.sp, user?.sp ?? 0);
    words[at + PT_REGS.ss / 4] = USER_DS;
    words[at + PT_REGS.ss / 4 + 1] = 0;
  }

  // What the hook points use.

  traceFrom(ip: number, fp: number, slot: number): void {
    const { trace } = this;
    trace.ip = ip | 0x80000000;
    trace.fp = fp;
    trace.slot = slot;
  }
  /** The stack from a tracepoint in the running function. */
  traceHere(siteHash = 0): void {
    const { fn, fp } = this.cpu;
    this.traceFrom(fn.entry + (fn.sites ?? callSites(fn))[siteHash]!, fp, 0);
  }
  /** Tells the tracer who runs: the places that its helpers read. */
  locate(cpu: Cpu, task: Task, time = cpu.time): void {
    const { words, current } = this;
    words[current.time >> 2] = time | 0;
    words[(current.time >> 2) + 1] = Math.floor(time / 4294967296);
    words[current.cpu >> 2] = cpu.id;
    if (this.located === task && this.locatedVersion === task.version) return;
    this.located = task;
    this.locatedVersion = task.version;
    words[current.pidTgid >> 2] = task.pid;
    words[(current.pidTgid >> 2) + 1] = task.tgid;
    words[current.uidGid >> 2] = task.uid;
    words[(current.uidGid >> 2) + 1] = task.gid;
    storeText(this.arena.bytes, current.comm, task.comm, 16);
    storeWord(words, current.task, task);
  }
  /** Whom hook handlers see as current. */
  currentTask(): Task {
    return this.located ?? this.tracer;
  }
  storeCommonFields(at: number, id: number): void {
    const { view } = this.arena;
    view.setUint16(at, id, true);
    view.setUint8(at + 2, this.cpu.interruptsEnabled ? 0 : 1);
    view.setUint8(at + 3, 0);
    view.setInt32(at + 4, this.cpu.current.pid, true);
  }
  storeRawArguments(args: readonly Word[]): number {
    for (let i = 0; i < args.length; i += 1) storeWord(this.words, this.rawBase + 8 * i, args[i]);
    return this.rawBase;
  }
  fireTracepoint(row: TracepointRow, args: readonly Word[]): void {
    const handlers = this.tracepointHandlers.get(row.index);
    if (handlers === undefined) return;
    this.traceHere((hashText(row.name) >>> 4) & 15);
    if (handlers.raw.length > 0) runHandlers(this, handlers.raw, this.storeRawArguments(args));
    if (handlers.record.length > 0) {
      handlers.builder ??= recordBuilder(this, row);
      handlers.builder(args);
      runHandlers(this, handlers.record, this.recordBase);
    }
  }

  /** Makes the bytes of the kernel text around a place real. */
  private showText(offset: number, size: number): void {
    for (let at = offset; at < offset + size;) {
      const symbol = textSymbolAt(at);
      if (symbol !== undefined) this.showFunction(symbol);
      at = symbol === undefined ? at + 16 : symbol.entry + symbol.size;
    }
  }
  restoreText(symbol: TextSymbol): void {
    writeText(symbol, this.arena.bytes, this.arena.view);
  }
  showFunction(symbol: TextSymbol): void {
    if (this.visibleText.has(symbol)) return;
    this.visibleText.add(symbol);
    writeText(symbol, this.arena.bytes, this.arena.view);
  }
}

const ESRCH = 3;
const USERS: ReadonlyMap<number, string> = new Map([
  [0, 'root'],
  [33, 'www-data'],
  [110, 'mysql'],
  [112, 'Debian-snmp'],
  [1000, 'user'],
]);

/** Arena offsets of what helpers without arguments read. */
export interface CurrentPlaces {
  readonly cpu: number;
  readonly time: number;
  readonly pidTgid: number;
  readonly uidGid: number;
  readonly comm: number;
  readonly task: number;
  readonly probedFunction: number;
}
export interface TracepointHandlers {
  record: readonly Handler[];
  raw: readonly Handler[];
  builder: ((args: readonly Word[]) => void) | null;
}

function recordBuilder(m: Machine, row: TracepointRow): (args: readonly Word[]) => void {
  const { fields, id, restart } = recordFields(m, row.category, row.name, m.recordBase);
  const fill = row.record(fields, m) as (...args: readonly Word[]) => void;
  return (args) => {
    restart();
    m.storeCommonFields(m.recordBase, id);
    fill(args[0], args[1], args[2], args[3], args[4]);
  };
}

export function createMachine(options: MachineOptions): Machine {
  return new Machine(options);
}
export { traceableFunctions, userFiles, userSymbols } from './listing.ts';
