import type { VECTORS } from '../cpu/descriptor-tables.ts';
import { FLAGS } from '../cpu/registers.ts';
import type { Machine } from '../machine.ts';
import type { Random } from '../time/random.ts';
import type { Process, SignalHandler } from '../tasks/process.ts';
import type { Task } from '../tasks/task.ts';
import { load } from './dynamic-loader.ts';
import { LIBC } from './libc.ts';
import type { Image } from './image.ts';
import {
  ACCESS,
  BREAKPOINT,
  EXECUTE,
  EXCEPTION,
  imageSymbolOffset,
  PAGE_FAULT,
  SINGLE_STEP,
  SOFTWARE_INTERRUPT,
  SYSTEM_CALL,
  WORK,
} from './image.ts';
import type { UserBody, UserStep } from './image.ts';
import type { UserFunctionFacts, UserWord } from './user-function.ts';
import { layoutOf } from './image-layout.ts';
import type { ImageFunction } from './image-layout.ts';
import { createPosition } from './stack-position.ts';
import type { StackPosition } from './stack-position.ts';
import { UserMemory } from './user-memory.ts';
import { UserStack } from './user-stack.ts';
import type { UserPlace } from './user-stack.ts';
import { placeOperands } from './usdt-values.ts';
import { SYSCALL_NUMBERS, CLONE_THREAD_FLAGS, SYS_URETPROBE } from './syscall-numbers.ts';
import type { SyscallName } from './syscall-numbers.ts';
import { syscallByName } from '../syscalls.ts';
import { LEGACY_CALLS } from './legacy-calls.ts';
import { AT_FDCWD } from '../fs/fcntl.ts';
import { MS } from '../time/units.ts';
import { bug } from '../../source/bug.ts';

const THREAD_STACK_SIZE = 8192;
const SCRATCH_SIZE = 64;
const ENVIRONMENT = ['PATH=/usr/local/bin:/usr/bin', 'HOME=/root', 'LANG=C.UTF-8'];

/**
 * What a simulated program programs against: `const n = yield u.read(fd, buffer, 4096)`. Every method prepares one step of
 * the task and returns what the body has to yield.
 */
export class UserContext extends UserMemory {
  readonly task: Task;
  readonly random: Random;
  /** What `int N` is executed with. */
  intRegisters: readonly number[] = [];
  /** General registers that the program has set itself, by their place in pt_regs: loaded where a probe will look. */
  readonly registers = new Map<number, UserWord>();
  readonly stack: UserStack;
  /** Lowest address of a thread's stack; 0 for the main thread. */
  readonly threadStack: number;
  /** Steps of a wrapper of the C library that somebody probes, taken before the program goes on. */
  detour: Generator<UserStep, UserWord, number> | null = null;
  /** Where frames of `in` begin: the program's start, or the function that was called last. */
  private outermost: StackPosition;
  private position: StackPosition;
  private readonly wrappers = new Map<SyscallName, LoadedFunction>();
  /** The function of the C library that makes the system call, and the program's own place below it. */
  private wrapper = '';
  /** The function that was called last: frames of `in` may begin with it. */
  private inside = '';
  private caller: UserPlace;

  constructor(m: Machine, task: Task, process: Process, image: Image) {
    const { mm } = process;
    const isThread = task.pid !== task.tgid;
    // The C library keeps the stacks of threads that have ended for new ones.
    const threadStack = isThread ? (process.freeStacks.pop() ?? mm.allocate(THREAD_STACK_SIZE)) : 0;
    super(m, process, image, isThread ? threadStack + THREAD_STACK_SIZE - SCRATCH_SIZE : process.scratch);
    this.task = task;
    this.threadStack = threadStack;
    this.random = m.random.stream(`${image.path}#${task.pid}`);
    const stackTop = isThread ? this.scratch - 256 : mm.stackTop;
    this.stack = new UserStack(m.words, mm, stackTop, m.arch);
    const start = isThread ? 'start_thread' : '__libc_start_call_main';
    this.stack.ip = m.arch.userCode.align(mm.imageBase(LIBC) + imageSymbolOffset(LIBC, start) + START_SITE);
    this.caller = this.stack.place();
    this.outermost = this.position = createPosition([], this.caller);
    // A program of real instructions keeps its stack itself.
    if (!isThread && image.layout === undefined) this.in('main');
  }
  /** The program that it runs. */
  get executable(): Image {
    return this.image;
  }
  get ip(): number {
    return this.stack.ip;
  }
  get sp(): number {
    return this.stack.sp;
  }
  get fp(): number {
    return this.stack.fp;
  }

  /** Somebody has put a breakpoint into its text. */
  get isProbed(): boolean {
    return this.process.mm.text.breakpoints.size > 0;
  }

  /** The program as execve() starts it. */
  *start(argv: readonly string[]): UserBody {
    // The loader of a program of real instructions is not carried out.
    if (this.image.layout === undefined) yield* load(this);
    return yield* this.run(argv);
  }
  /** The program from main on. */
  *run(argv: readonly string[]): UserBody {
    this.process.argv = argv;
    const { main, symbols } = this.image;
    if (main === null) return 0;
    if (!symbols.includes('main')) return yield* main(this, argv);
    const prototype = 'int main(int argc, char **argv)';
    this.stack.goTo(this.outermost.place!);
    return yield* this.invoke(
      { name: 'main', prototype },
      [argv.length, this.isProbed ? this.stringArray(argv) : 0],
      () => main(this, argv),
    );
  }
  /** Runs in user mode for this long. */
  work(ns: number): UserStep {
    this.task.workLeft = Math.max(1, Math.round(ns));
    this.leaveWrapper();
    return WORK;
  }
  /** From here on the program's functions on the stack are these, outermost first. */
  in(...frames: readonly string[]): void {
    let position = this.outermost;
    for (const name of frames[0] === this.inside ? frames.slice(1) : frames) {
      let callee = position.callees.get(name);
      if (callee === undefined) {
        callee = createPosition([...position.frames, name], null);
        position.callees.set(name, callee);
      }
      position = callee;
    }
    if (position === this.position) return;
    this.position = position;
    this.writeFrames();
  }
  /** Touches a page for the first time since it was mapped. */
  touch(address: number, write = true): UserStep {
    const { args } = this.task;
    args[0] = address;
    args[1] = write ? 1 : 0;
    this.leaveWrapper();
    return PAGE_FAULT;
  }
  /** Writes a number where somebody may watch. */
  poke(address: number, size: number, value: UserWord): UserStep {
    if (this.process.mm.find(address, size) >= 0) this.store(address, size, value);
    return this.accessed(address, size, true);
  }
  private accessed(address: number, size: number, write: boolean): UserStep {
    const { args } = this.task;
    args[0] = address;
    args[1] = size;
    args[2] = write ? 1 : 0;
    this.leaveWrapper();
    return ACCESS;
  }
  /** Jumps to code that is no function of the program, and comes back. */
  execute(address: number): UserStep {
    this.task.args[0] = address;
    this.leaveWrapper();
    return EXECUTE;
  }
  /** Executes an instruction that faults: `div` by zero, `ud2`. */
  raise(
    vector: typeof VECTORS.divideError | typeof VECTORS.invalidOpcode | typeof VECTORS.generalProtection,
  ): UserStep {
    this.task.args[0] = vector;
    this.leaveWrapper();
    return EXCEPTION;
  }
  /** `popf`: of the flags a program may set itself only the trap flag matters here; the instruction after it still runs. */
  popf(flags: number): UserStep {
    const { cpu } = this.machine;
    cpu.flags = (cpu.flags & ~FLAGS.trap) | (flags & FLAGS.trap);
    return this.work(1);
  }
  /** With the trap flag set, every other time: an instruction has run, and what follows is the trap. */
  isStepOver(): boolean {
    this.stepped = (this.machine.cpu.flags & FLAGS.trap) !== 0 && !this.stepped;
    return this.stepped;
  }
  private stepped = false;
  /** Executes `int N` with eax, ebx, ecx, edx, esi and edi as given. */
  interrupt(vector: number, ...registers: readonly number[]): UserStep {
    this.task.args[0] = vector;
    this.intRegisters = registers;
    this.leaveWrapper();
    return SOFTWARE_INTERRUPT;
  }
  call(name: SyscallName, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): UserStep {
    const { task } = this;
    task.syscall = SYSCALL_NUMBERS[name];
    const { args } = task;
    args[0] = a;
    args[1] = b;
    args[2] = c;
    args[3] = d;
    args[4] = e;
    args[5] = f;
    if (this.machine.arch.systemCallNumber(task.syscall) === undefined) this.replaceCall(name);
    if (this.wrapper !== name) this.enterWrapper(name);
    return SYSTEM_CALL;
  }
  /** On architectures without a call the C library makes a newer one that can do the same. */
  private replaceCall(name: SyscallName): void {
    const { task } = this;
    const instead = LEGACY_CALLS[name];
    if (instead === undefined) return;
    const args = instead.args([...task.args], (ms) => this.timespec(ms * MS));
    task.syscall = syscallByName(instead.name)!.number;
    task.args.forEach((_, i) => (task.args[i] = args[i] ?? 0));
  }
  openat(path: string, flags = 0, mode = 0): UserStep {
    return this.call('openat', AT_FDCWD, this.string(path), flags, mode);
  }
  /** A call whose arguments are path names. */
  paths(name: SyscallName, paths: readonly string[]): UserStep {
    const [a = 0, b = 0] = paths.map((path) => this.string(path));
    return this.call(name, a, b);
  }
  /** Whether the architecture has a system call. */
  has(name: SyscallName): boolean {
    return this.machine.arch.systemCallNumber(SYSCALL_NUMBERS[name]) !== undefined;
  }
  /** Memory of its own or, with a descriptor, pages of a file. */
  mmap(bytes: number, protection: number, flags: number, fd = -1, offset = 0): UserStep {
    return this.mmapAt(0, bytes, protection, flags, fd, offset);
  }
  mmapAt(address: number, bytes: number, protection: number, flags: number, fd: number, offset: number): UserStep {
    return this.call('mmap', address, bytes, protection, flags, fd, offset);
  }
  /** Reads or writes a page: a fault when it is not in memory. */
  *access(address: number, write = true): UserBody {
    if (!this.process.mm.accessPage(address, write)) yield this.touch(address, write);
    return 0;
  }
  read(fd: number, buffer: number, count: number): UserStep {
    return this.call('read', fd, buffer, count);
  }
  pread(fd: number, buffer: number, count: number, position: number): UserStep {
    return this.call('pread64', fd, buffer, count, position);
  }
  write(fd: number, buffer: number, count: number): UserStep {
    return this.call('write', fd, buffer, count);
  }
  close(fd: number): UserStep {
    return this.call('close', fd);
  }
  getpid(): UserStep {
    return this.call('getpid');
  }
  nanosleep(ns: number): UserStep {
    return this.call('clock_nanosleep', 1, 0, this.timespec(ns), 0);
  }
  /** fork(2) with what the child goes on to do. */
  fork(child: (u: UserContext) => UserBody): UserStep {
    this.process.childBody = child;
    return this.call('clone', 0x0120_0011);
  }
  /** A new thread of the process: clone3 with what it goes on to do; returns its id. */
  thread(body: (u: UserContext) => UserBody): UserStep {
    this.process.childBody = body;
    return this.call('clone', CLONE_THREAD_FLAGS);
  }
  /** Says what a signal does from now on: a handler, or null to ignore it. */
  onSignal(signal: number, handler: SignalHandler | null): UserStep {
    this.process.signalHandlers.set(signal, handler);
    return this.call('rt_sigaction', signal, 0, 0, 8);
  }
  execve(path: string, argv: readonly string[]): UserStep {
    this.process.execArguments = argv;
    return this.call('execve', this.string(path), this.stringArray(argv), this.stringArray(ENVIRONMENT));
  }
  wait4(pid: number): UserStep {
    return this.call('wait4', pid, 0, 0, 0);
  }
  exit(code: number): UserStep {
    return this.call('exit_group', code);
  }

  /** What a declared function's call does: see user-function.ts. */
  *invoke(facts: UserFunctionFacts, args: readonly UserWord[], body: () => UserBody): UserBody {
    const { stack, outermost, position, inside } = this;
    const { entry, row } = this.find(facts.name);
    this.leaveWrapper();
    const caller = stack.place();
    const { arguments: registers } = this.machine.abi;
    for (let i = args.length - 1; i >= registers.length; i -= 1) stack.push(args[i]!);
    const slot = stack.call(entry);
    yield* this.probes(entry, entry + 1, args);
    stack.enter(entry + row.callSite);
    yield* this.probes(entry + 1, entry + row.size, args);
    this.outermost = this.position = createPosition([], stack.place());
    this.inside = facts.name;
    const result = yield* body();
    this.leaveWrapper();
    yield* this.returnTo(slot, caller, result ?? 0);
    this.outermost = outermost;
    this.position = position;
    this.inside = inside;
    return result;
  }
  /** Reaches a static probe with these arguments: they are put where its note says that they are. */
  *usdt(provider: string, name: string, ...values: readonly UserWord[]): UserBody {
    return yield* this.usdtAt(0, provider, name, ...values);
  }
  /** The same where several places have the probe. */
  *usdtAt(place: number, provider: string, name: string, ...values: readonly UserWord[]): UserBody {
    const { stack, process } = this;
    for (const image of [this.image, ...(this.image.libraries ?? [])]) {
      const site = layoutOf(image).usdt.filter(({ probe }) => probe.provider === provider && probe.name === name)[
        place
      ];
      if (site === undefined) continue;
      this.leaveWrapper();
      const address = process.mm.imageBase(image) + site.offset;
      if (!process.mm.text.breakpoints.has(address)) return 0;
      const here = stack.place();
      stack.sp -= USDT_LOCALS;
      placeOperands(this, this.machine.arch, site.probe.operands, values);
      yield* this.arrive(address);
      stack.goTo(here);
      return 0;
    }
    bug(`${this.image.path} has no probe ${provider}:${name}`);
  }
  /** Whether somebody listens to a static probe with a semaphore; how many. */
  listeners(provider: string, name: string): number {
    const site = layoutOf(this.image).usdt.find(({ probe }) => probe.provider === provider && probe.name === name);
    if (site === undefined || site.semaphore === 0) return 0;
    const at = this.process.mm.find(this.process.mm.imageBase(this.image) + site.semaphore, 2);
    return this.machine.arena.view.getUint16(at, true);
  }

  /** Address of a function of the program or of what it loads. */
  functionAddress(name: string): number {
    return this.find(name).entry;
  }
  private find(name: string): LoadedFunction {
    for (const image of [this.image, LIBC, ...(this.image.libraries ?? [])]) {
      const row = layoutOf(image).byName.get(name);
      if (row !== undefined) return { entry: this.process.mm.imageBase(image) + row.offset, row };
    }
    bug(`${this.image.path} does not load ${name}`);
  }
  /** Probes in a stretch of a function that the program now runs through; static ones are met in their own way. */
  private *probes(from: number, to: number, args: readonly UserWord[]): Generator<UserStep, void, number> {
    const { breakpoints } = this.process.mm.text;
    if (breakpoints.size === 0) return;
    const met = [...breakpoints.entries()].filter(([address]) => address >= from && address < to);
    for (const [address, { image, offset }] of met.sort(([a], [b]) => a - b)) {
      if (layoutOf(image).usdt.some((site) => site.offset === offset)) continue;
      this.registers.clear();
      const { abi } = this.machine;
      args.slice(0, abi.arguments.length).forEach((arg, i) => this.registers.set(abi.arguments[i]!, arg));
      if (abi.link !== undefined) this.registers.set(abi.link, this.stack.link);
      yield* this.arrive(address);
    }
  }
  /** The CPU meets a breakpoint; afterwards it goes on behind the instruction that was there. */
  private *arrive(address: number): Generator<UserStep, void, number> {
    const { stack, task } = this;
    const { ip } = stack;
    stack.ip = address + this.machine.arch.breakpoint.advance;
    yield BREAKPOINT;
    if (task.uprobes?.stepping === true) yield SINGLE_STEP;
    stack.ip = ip;
  }
  /** `ret`; where a uretprobe took the return address, through its trampoline. */
  private *returnTo(slot: number, caller: UserPlace, result: UserWord): Generator<UserStep, void, number> {
    const { stack, task, process } = this;
    const { text } = process.mm;
    const trampoline = text.trampoline;
    if (trampoline !== 0 && stack.load(slot) === trampoline) {
      stack.goTo({ ip: trampoline, sp: slot + 8, fp: caller.fp });
      this.registers.clear();
      this.registers.set(this.machine.abi.result, result);
      if (this.machine.arch.breakpoint.returnsBySystemCall) {
        task.syscall = SYS_URETPROBE;
        task.args.fill(0);
        yield SYSTEM_CALL;
      } else {
        yield* this.arrive(trampoline);
      }
    }
    stack.goTo(caller);
  }

  /** A system call is made by the C library's function of its name. */
  private enterWrapper(name: SyscallName): void {
    this.leaveWrapper();
    this.caller = this.stack.place();
    this.wrapper = name;
    const { mm } = this.process;
    const { row, entry } = this.wrapperOf(name);
    const slot = this.stack.call(entry);
    if (mm.text.breakpoints.size > 0) this.detour = this.probedWrapper(entry, slot, row, [...this.task.args]);
    else this.stack.enter(entry + row.callSite);
  }
  private wrapperOf(name: SyscallName): LoadedFunction {
    let wrapper = this.wrappers.get(name);
    if (wrapper === undefined) {
      const row = layoutOf(LIBC).byName.get(name)!;
      wrapper = { row, entry: this.process.mm.imageBase(LIBC) + row.offset };
      this.wrappers.set(name, wrapper);
    }
    return wrapper;
  }
  /** The way through a wrapper that may have probes: afterwards the program has left it. */
  private *probedWrapper(
    entry: number,
    slot: number,
    row: ImageFunction,
    args: readonly number[],
  ): Generator<UserStep, UserWord, number> {
    const { stack, task, caller } = this;
    const { syscall } = task;
    yield* this.probes(entry, entry + 1, args);
    stack.enter(entry + row.callSite);
    yield* this.probes(entry + 1, entry + row.size, args);
    task.syscall = syscall;
    args.forEach((arg, i) => (task.args[i] = arg));
    const result = yield SYSTEM_CALL;
    this.wrapper = '';
    yield* this.returnTo(slot, caller, result);
    return result;
  }
  private leaveWrapper(): void {
    if (this.wrapper === '') return;
    this.wrapper = '';
    this.stack.goTo(this.caller);
  }

  /** Makes the functions of the position the current user stack. */
  private writeFrames(): void {
    this.wrapper = '';
    const { stack, position } = this;
    const bottom = this.outermost.place!;
    if (position.place !== null && position.words !== null) {
      stack.goTo(position.place);
      stack.restore(position.words);
      return;
    }
    stack.goTo(bottom);
    const base = this.process.mm.imageBase(this.image);
    for (const name of position.frames) {
      const row = layoutOf(this.image).byName.get(name);
      if (row === undefined) bug(`${this.image.path} has no function ${name}`);
      stack.call(base + row.offset);
      stack.enter(base + row.offset + row.callSite);
    }
    position.place = stack.place();
    position.words = stack.copy(bottom.sp);
  }
}

const START_SITE = 0x6b;
/** Room for what the operands of a static probe address below the frame pointer. */
const USDT_LOCALS = 0x100;

interface LoadedFunction {
  readonly entry: number;
  readonly row: ImageFunction;
}
