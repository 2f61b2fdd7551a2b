import type { DebugNotifier } from './functions/x86/debug.ts';
import type { Abi } from '../btf/abi/abi.ts';
import type { Architecture } from './arch/architecture.ts';
import { ARCHITECTURES } from './arch/architectures.ts';
import type { NmiHandler } from './functions/x86/nmi.ts';
import type { RcuCallback } from './functions/kernel/rcu.ts';
import type { Workqueues } from './functions/kernel/workqueue.ts';
import { TracerView, type CurrentPlaces } from './probes/tracer-view.ts';
import { printText } from './tracefs/print-text.ts';
import { traceArray } from './tracefs/trace-array.ts';
import {
  allocateTracepointBuffers,
  fireTracepoint,
  type TracepointBuffers,
  type TracepointHandlers,
} from './tracepoints/fire.ts';
import { VisibleText } from './execution/visible-text.ts';
import { Paces } from './cpu/pace.ts';
import { USERS } from './tasks/users.ts';
import { Cpu } from './cpu/cpu.ts';
import { UNREAD_GATE, type EntryPoint, type KnownGate } from './cpu/deliver.ts';
import type { Body } from './execution/kernel-function.ts';
import { Pending, type Result } from './execution/pending.ts';
import { runFromOutside, signalProcess, tracerActs, tracerActsAt } from './execution/from-outside.ts';
import { catchUp } from './execution/run.ts';
import { callSites, declareText, type TextSymbol } from './execution/text.ts';
import { boot, bootWorkload } from './boot.ts';
import { IoGroups } from './block/io-groups.ts';
import type { Disk } from './block/disk.ts';
import { Folios } from './fs/folios.ts';
import { SlabCaches } from './functions/mm/slab.ts';
import type { BdiWriteback } from './functions/mm/writeback.ts';
import { PAGE_SIZE } from './memory/sizes.ts';
import { StackObjects } from './memory/stack-objects.ts';
import { Reclaim } from './memory/reclaim.ts';
import type { Zone } from './memory/zone.ts';
import { createZone } from './memory/memory-info.ts';
import { AnonymousFiles } from './fs/anonymous-files.ts';
import { pathName } from './fs/d-path.ts';
import type { FileSystem } from './fs/file-system.ts';
import type { FutexWaiter } from './functions/kernel/futex.ts';
import { getSignal } from './functions/kernel/get-signal.ts';
import { SOFTIRQS } from './functions/kernel/softirq-vectors.ts';
import { IoApic } from './irq/io-apic.ts';
import type { IrqDesc } from './irq/irq-desc.ts';
import { VectorMatrix } from './irq/vector-matrix.ts';
import { createArena, type Arena, type KernelObject, type Word } from './memory/arena.ts';
import { allocatePerCpuSection, perCpuCopy, perCpuVariable } from './cpu/per-cpu.ts';
import { packetData } from './net/skb.ts';
import { socketCookie } from './net/sock.ts';
import { allocateGlobals, type KernelGlobals } from './memory/kernel-data.ts';
import { resolveFields } from './memory/layout.ts';
import { attach, type Attachment, type AttachTarget } from './probes/attach.ts';
import { hookedCall, type FunctionHooks } from './probes/function-hooks.ts';
import type { Handler } from './probes/handler.ts';
import { unwindKernelStack, unwindUserStack } from './probes/stack.ts';
import {
  kernelSymbolAddress,
  kernelSymbolAt,
  userFilePlaceAt,
  userSourceAt,
  userSymbolAt,
  type SymbolPlace,
} from './probes/symbols.ts';
import { createMachineMemory, type MachineMemory } from './memory/machine-memory.ts';
import type { TraceStart } from './probes/stack.ts';
import { createSyscallEvents } from './probes/syscall-events.ts';
import { runCommand, type CommandResult } from './programs/host-commands.ts';
import { createLoopback } from './functions/net/dev-xmit.ts';
import type { NetDevice } from './net/device.ts';
import { Network } from './net/network.ts';
import type { Image } from './programs/image.ts';
import { ImageTexts } from './memory/image-texts.ts';
import { registerKprobeNotifier } from './functions/kernel/kprobes.ts';
import type { Kprobe, KprobeStep } from './probes/kprobes.ts';
import { registerUprobeNotifier } from './functions/kernel/uretprobe.ts';
import { userFile, type UserFile } from './listing.ts';
import type { HardwareEvent } from './probes/hardware-events.ts';
import type { PerfEvent, SoftwareCounter } from './probes/perf-event.ts';
import { Uprobes } from './probes/uprobes.ts';
import { spawn, type Spawned } from './programs/spawn.ts';
import type { LogLine } from './printk.ts';
import { KERNEL_PROFILES, type KernelProfile } from './kernel-profiles.ts';
import { type MachineOptions, TRACER_PID } from './machine-options.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { Cgroups } from './tasks/cgroups.ts';
import { createNamespaces, type Namespaces } from './tasks/namespaces.ts';
import { giveDirectory } from './tasks/process.ts';
import type { Task } from './tasks/task.ts';
import { createRandom, type Random } from './time/random.ts';
import { BinaryEventQueue } from './time/event-queue.ts';
import type { TracepointRow } from './tracepoints/tracepoint.ts';
import { createInterruptCounts, type InterruptCounts } from './irq/interrupt-counts.ts';
import { EFAULT } from './errno.ts';

/*
 * The simulated machine: all that it consists of, by name; what is done with it stands in the files that it imports.
 *
 * Execution. Kernel functions are declared (below functions/, `kernelFunction(name, ns, body)`) and call each other as
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

/** Virtual time between the epoch and boot: 2026-01-01T00:00:00Z. */
const BOOT_TIME_NS = 1_767_225_600_000_000_000;
/** The machine has booted and sat idle for this long when somebody first looks at it; then its workload starts. */
const UPTIME_NS = 60_000_000_000;
/** struct user_namespace, of which only the address matters. */
const USER_NAMESPACE_SIZE = 896;

const rethookTrampoline = declareText('arch_rethook_trampoline', { traceable: false });
const ftraceCaller = declareText('ftrace_regs_caller', { traceable: false });
declareText('__x86_indirect_thunk_array', { traceable: false });

export class Machine {
  readonly arena: Arena;
  readonly words: Int32Array;
  readonly arch: Architecture;
  readonly abi: Abi;
  /** Where the return addresses of its architecture are in the tables of functions. */
  readonly siteBase: number;
  readonly random: Random;
  readonly scenario: Scenario;
  readonly profile: KernelProfile;
  readonly cpuList: Cpu[] = [];
  readonly events = new BinaryEventQueue();
  readonly tasks = new Map<number, Task>();
  readonly tracer: Task;
  readonly fileSystem: FileSystem;
  /** Image offsets of global variables. */
  readonly globals: KernelGlobals;
  /** Image offset of the section of per-CPU variables. */
  readonly perCpuSection: number;
  /** Executables by path. */
  readonly images = new Map<string, Image>();
  readonly disks: Disk[] = [];
  readonly netDevices: NetDevice[] = [];
  readonly network: Network;
  /** init_user_ns: every task is in it. */
  readonly userNamespace: KernelObject;
  readonly namespaces: Namespaces;
  readonly cgroups: Cgroups;
  readonly ioGroups: IoGroups;
  readonly anonymousFiles = new AnonymousFiles(this);
  /** Who waits on a futex, by the arena offset of its word. */
  readonly futexQueues = new Map<number, FutexWaiter[]>();
  readonly flushers: BdiWriteback[] = [];
  readonly zone: Zone;
  readonly folios: Folios;
  readonly slabs = new SlabCaches();
  /** Reclaim: who frees pages in the background, and what can be swapped out. */
  readonly reclaim: Reclaim;
  /** Stands for structures on kernel stacks that the machine keeps elsewhere or not at all: zeroes, which nobody writes. */
  readonly scratch: number;
  readonly stackObjects: StackObjects;
  /** The CPU whose code runs now. */
  cpu: Cpu;
  /** Time of the current segment or device event. */
  clock = UPTIME_NS;
  stopped = false;
  /** The machine's last words; it runs no further. */
  halted: string | undefined;
  readonly kernelLog: LogLine[] = [];
  /** Who sleeps until there is more of it. */
  readonly kernelLogReaders: Task[] = [];
  oopses = 0;
  /** When might_sleep() last complained. */
  lastSleepReport = -Infinity;
  inHandler = false;
  /** CPUs are at work: time is theirs. */
  inSegment = false;
  private started = false;

  readonly hooked: Uint8Array;
  /** Files of iterators that are being read, by their struct seq_file. */
  readonly sequences = new Map<number, (text: Uint8Array) => void>();
  /** Told of each task_struct that is freed. */
  readonly taskOwners = new Set<(task: number) => void>();
  readonly functionHooks = new Map<number, FunctionHooks>();
  /** Breakpoints of kprobes by their image offset. */
  readonly breakpoints = new Map<number, readonly Kprobe[]>();
  /** A kprobe's handler runs: others are missed meanwhile. */
  kprobeRunning = false;
  kprobeStep: KprobeStep | null = null;
  readonly traced: Uint8Array;
  readonly tracepointHandlers = new Map<number, TracepointHandlers>();
  readonly syscallEvents = createSyscallEvents();
  readonly trace: TraceStart = { ip: 0, fp: 0, slot: 0 };
  /** Told when the CPU in charge is about to take no interrupts any more, or some again (trace_hardirqs_off, trace_hardirqs_on). */
  irqWatch: ((isOff: boolean) => void) | null = null;
  readonly rethookTrampoline = rethookTrampoline;
  readonly ftraceCaller = ftraceCaller;
  readonly tracepointBuffers: TracepointBuffers;
  private readonly view: TracerView;

  readonly entryPoints = new Map<number, EntryPoint>();
  /** The gates of the IDT as they were last read. */
  readonly gates: KnownGate[] = new Array<KnownGate>(256).fill(UNREAD_GATE);
  readonly ioApic = new IoApic(this);
  readonly irqs: IrqDesc[] = [];
  readonly vectors: VectorMatrix;
  readonly softirqCounts: number[][];
  readonly interruptCounts: InterruptCounts;
  readonly nmiHandlers: NmiHandler[] = [];
  /** Who single-steps, asked at each #DB after the debug registers' owners. */
  readonly debugNotifiers: DebugNotifier[] = [];
  readonly visibleText: VisibleText;
  readonly imageTexts: ImageTexts;
  readonly uprobes = new Uprobes(this);
  /** Open perf events of software counters, by what they count. */
  readonly softwareEvents = new Map<SoftwareCounter, readonly PerfEvent[]>();
  readonly hardwareEvents: HardwareEvent[] = [];
  /** pt_regs of what the kernel counts of its own accord. */
  get callerRegisters(): number {
    return (this.callerRegistersAt ??= this.arena.allocate(this.abi.registersBytes));
  }
  private callerRegistersAt: number | undefined;
  /** Made when the machine first runs. */
  workqueues!: Workqueues;
  /** Waiting for a grace period. */
  readonly rcuCallbacks: RcuCallback[] = [];
  /** Where the search for a free PID goes on. */
  lastPid = 20_000;
  readonly paces: Paces;
  /** How late timers of sleepers are. */
  readonly slack: Random;

  constructor(options: MachineOptions) {
    resolveFields();
    this.arena = createArena(
      (offset, size) => this.visibleText.showRange(this.arena, offset, size),
      () => this.allocationTime(),
    );
    this.words = this.arena.words;
    this.arch = ARCHITECTURES[options.arch ?? options.scenario.arch ?? 'x86_64'];
    this.abi = this.arch.abi;
    this.siteBase = this.arch.kernelCode.sites;
    this.visibleText = new VisibleText(this.arch.kernelCode);
    this.imageTexts = new ImageTexts(this.arena, this.arch);
    registerKprobeNotifier(this);
    registerUprobeNotifier(this);
    this.random = createRandom(options.seed ?? options.scenario.seed);
    this.paces = new Paces(this.random.stream('pace'));
    this.slack = this.random.stream('timer slack');
    this.scenario = options.scenario;
    this.profile = KERNEL_PROFILES[options.profile ?? '7.2'];
    this.hooked = new Uint8Array(4096);
    this.traced = new Uint8Array(1024);
    this.globals = allocateGlobals(this);
    this.perCpuSection = allocatePerCpuSection(this);
    this.tracepointBuffers = allocateTracepointBuffers(this.arena);
    this.scratch = this.arena.allocate(PAGE_SIZE, 64);
    this.stackObjects = new StackObjects(this.arena);
    this.folios = new Folios(this);
    this.zone = createZone(this);
    this.reclaim = new Reclaim();
    this.view = new TracerView(this.arena);
    this.userNamespace = { address: this.arena.allocate(USER_NAMESPACE_SIZE, 64) };
    this.network = new Network(this);
    this.namespaces = createNamespaces(this);
    this.cgroups = new Cgroups(this);
    this.ioGroups = new IoGroups(this);
    createLoopback(this);
    const count = options.cpus ?? options.scenario.cpus;
    this.softirqCounts = SOFTIRQS.map(() => new Array<number>(count).fill(0));
    this.interruptCounts = createInterruptCounts(count);
    this.vectors = new VectorMatrix(this.arena, count);
    const booted = boot(this, count, TRACER_PID);
    this.tracer = booted.tracer;
    this.fileSystem = booted.fileSystem;
    for (const task of this.tasks.values()) giveDirectory(this, task);
    this.cpu = this.cpuList[0]!;
    this.locate(this.cpu, this.tracer);
  }

  // The interface of the runtime (structurally its `Kernel`).

  get current(): CurrentPlaces {
    return this.view.places;
  }
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
    runFromOutside(this, untilNs);
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
    tracerActsAt(this, timeNs, callback);
  }
  asTracer(body: () => void): void {
    tracerActs(this, body);
  }
  attach(target: AttachTarget, handler: Handler): Attachment {
    return attach(this, target, handler);
  }
  executable(path: string): UserFile | undefined {
    return userFile(this.scenario, this.profile.files[path] ?? path, this.arch);
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
  userSource(pid: number, low: number, high: number): ReturnType<typeof userSourceAt> {
    return userSourceAt(this, pid, low, high);
  }
  userFilePlace(low: number, high: number): ReturnType<typeof userFilePlaceAt> {
    return userFilePlaceAt(this, low, high);
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
  pathName(low: number, high: number): string | undefined {
    const path = this.memory.kernelAddress(low, high, 16);
    return path < 0 ? undefined : pathName(this, path);
  }
  tracePrintk(text: string): void {
    printText(traceArray(this), 'bpf_trace_printk: ', text);
  }
  writeSequence(low: number, high: number, text: Uint8Array): number {
    const write = this.sequences.get(this.memory.kernelAddress(low, high, 1));
    write?.(text);
    return write === undefined ? -EFAULT : 0;
  }
  writeFile(path: string, contents: Uint8Array): void {
    this.startWorkload();
    this.fileSystem.store(path, contents);
  }
  socketCookie(low: number, high: number): number {
    return socketCookie(this, low, high);
  }
  packetData(low: number, high: number, size: number): Uint8Array | undefined {
    return packetData(this, low, high, size);
  }
  perCpuVariable(id: number): { readonly low: number; readonly high: number } | undefined {
    return perCpuVariable(this, id);
  }
  perCpuCopy(low: number, high: number, cpu: number): number {
    return perCpuCopy(this, low, high, cpu);
  }
  onTaskFreed(freed: (task: number) => void): () => void {
    this.taskOwners.add(freed);
    return () => void this.taskOwners.delete(freed);
  }
  taskAddress(pid: number): number {
    return this.tasks.get(pid)?.address ?? 0;
  }
  currentCgroup(): number {
    return this.currentTask.cgroup.id;
  }
  ancestorCgroup(level: number): number {
    return this.currentTask.cgroup.ancestor(level)?.id ?? 0;
  }
  cgroupPath(id: number): string | undefined {
    return this.cgroups.withId(id)?.path;
  }
  /** The id of the group with this folder. */
  cgroupId(path: string): number | undefined {
    this.startWorkload();
    const folder = this.fileSystem.find(path);
    return folder?.inode.sb.type === 'cgroup2' && folder.inode.isDirectory ? folder.inode.ino : undefined;
  }
  sendSignal(pid: number, signal: number): number {
    return signalProcess(this, pid, signal);
  }
  hasProcess(pid: number): boolean {
    this.startWorkload();
    return this.tasks.has(pid);
  }
  spawn(argv: readonly string[]): Spawned | string {
    this.startWorkload();
    return spawn(this, argv);
  }
  shell(command: string): string {
    return this.command(command).printed;
  }
  command(line: string): CommandResult {
    this.startWorkload();
    return runCommand(this, line);
  }

  /** Between segments it is the tracer that asks, at no CPU's time. */
  private allocationTime(): number {
    return this.inSegment ? this.cpu.time : Infinity;
  }

  // What simulated code uses.

  /** CPU time of straight-line kernel code. */
  spend(ns: number): void {
    const { cpu } = this;
    const cost = ns * cpu.pace;
    if ((cpu.time += cost) >= cpu.horizon) catchUp(this, cpu, cost);
  }
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
  catchUp(cpu: Cpu, ns: number): void {
    catchUp(this, cpu, ns);
  }
  hookedCall(symbol: TextSymbol, ns: number, body: Body, args: readonly unknown[]): unknown {
    return hookedCall(this, symbol, ns, body, args);
  }
  /** Something outside the CPUs happens at a virtual time. */
  schedule(timeNs: number, action: () => void): void {
    this.events.schedule(timeNs, action);
    if (timeNs < this.cpu.horizon && this.cpu.interruptsEnabled) this.cpu.horizon = timeNs;
  }
  /** Called on the way to user mode; functions/x86/syscall-entry.ts cannot import what declares system calls. */
  deliverSignal(task: Task): Result {
    return getSignal(this, task);
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
    this.traceFrom(fn.entry + (fn.sites ?? callSites(fn))[siteHash + this.siteBase]!, fp, 0);
  }
  /** Tells the tracer who runs: the places that its helpers read. */
  locate(cpu: Cpu, task: Task, time = cpu.time): void {
    this.view.locate(cpu, task, time);
  }
  /** Whom hook handlers see as current. */
  get currentTask(): Task {
    return this.view.task ?? this.tracer;
  }
  fireTracepoint(row: TracepointRow, args: readonly Word[]): void {
    fireTracepoint(this, row, args);
  }
}

export function createMachine(options: MachineOptions): Machine {
  return new Machine(options);
}
