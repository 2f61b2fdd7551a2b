import type { VECTORS } from '../cpu/descriptor-tables.ts';
import type { Machine } from '../machine.ts';
import { storeNumber } from '../memory/arena.ts';
import type { Random } from '../time/random.ts';
import type { Process } from '../tasks/process.ts';
import type { Task } from '../tasks/task.ts';
import { LIBC } from './libc.ts';
import type { Image } from './image.ts';
import { EXCEPTION, imageSymbolOffset, PAGE_FAULT, SOFTWARE_INTERRUPT, SYSTEM_CALL, WORK } from './image.ts';
import type { UserBody, UserStep } from './image.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';
import type { SyscallName } from './syscall-numbers.ts';

/** Address behind the `syscall` instruction in every libc wrapper. */
const SYSCALL_RETURN = 0x17;
const AT_FDCWD = -100;
const ENVIRONMENT = ['PATH=/usr/local/bin:/usr/bin', 'HOME=/root', 'LANG=C.UTF-8'];

/**
 * What a simulated program programs against: `const n = yield u.read(fd, buffer, 4096)`. Every method prepares one step of
 * the task and returns what the body has to yield.
 */
export class UserContext {
  readonly task: Task;
  readonly process: Process;
  readonly random: Random;
  private readonly machine: Machine;
  /** User-mode registers while in the kernel or interrupted. */
  intRegisters: readonly number[] = [];
  ip = 0;
  sp = 0;
  fp = 0;
  private readonly image: Image;
  private readonly outermost = createPosition([]);
  private position = this.outermost;
  private wrapper = '';

  constructor(m: Machine, task: Task, process: Process, image: Image) {
    this.task = task;
    this.process = process;
    this.image = image;
    this.random = m.random.stream(`${image.path}#${task.pid}`);
    this.machine = m;
    this.in('main');
  }

  /** Runs in user mode for this long. */
  work(ns: number): UserStep {
    this.task.workLeft = Math.max(1, Math.round(ns));
    if (this.wrapper !== '') this.writeStack('');
    return WORK;
  }
  /** From here on the program's functions on the stack are these, outermost first. */
  in(...frames: readonly string[]): void {
    let position = this.outermost;
    for (const name of frames) {
      let callee = position.callees.get(name);
      if (callee === undefined) {
        callee = createPosition([...position.frames, name]);
        position.callees.set(name, callee);
      }
      position = callee;
    }
    if (position === this.position) return;
    this.position = position;
    this.writeStack('');
  }
  /** Touches a page for the first time since it was mapped. */
  touch(address: number, write = true): UserStep {
    const { args } = this.task;
    args[0] = address;
    args[1] = write ? 1 : 0;
    if (this.wrapper !== '') this.writeStack('');
    return PAGE_FAULT;
  }
  /** Executes an instruction that faults: `div` by zero, `ud2`. */
  raise(vector: typeof VECTORS.divideError | typeof VECTORS.invalidOpcode): UserStep {
    this.task.args[0] = vector;
    if (this.wrapper !== '') this.writeStack('');
    return EXCEPTION;
  }
  /** Executes `int N` with eax, ebx, ecx, edx, esi and edi as given. */
  interrupt(vector: number, ...registers: readonly number[]): UserStep {
    this.task.args[0] = vector;
    this.intRegisters = registers;
    if (this.wrapper !== '') this.writeStack('');
    return SOFTWARE_INTERRUPT;
  }
  /** The n-th page of the program's own text and data. */
  page(n: number): number {
    return this.process.mm.imageBase(this.image) + n * 4096;
  }
  /** What a buffer holds. */
  text(address: number, size: number): string {
    const at = this.process.mm.find(address, size);
    return String.fromCharCode(...this.machine.arena.bytes.subarray(at, at + size));
  }
  string(text: string): number {
    return this.process.mm.string(text);
  }
  buffer(size: number): number {
    return this.process.mm.allocate(size);
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
    if (this.wrapper !== name) this.writeStack(name);
    return SYSTEM_CALL;
  }
  openat(path: string, flags = 0, mode = 0): UserStep {
    return this.call('openat', AT_FDCWD, this.string(path), flags, mode);
  }
  /** A call whose arguments are path names. */
  paths(name: SyscallName, paths: readonly string[]): UserStep {
    const [a = 0, b = 0] = paths.map((path) => this.string(path));
    return this.call(name, a, b);
  }
  /** Memory of its own or, with a descriptor, pages of a file. */
  mmap(bytes: number, protection: number, flags: number, fd = -1, offset = 0): UserStep {
    return this.call('mmap', 0, bytes, protection, flags, fd, offset);
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
  /** A NULL-terminated array of string pointers. */
  private stringArray(texts: readonly string[]): number {
    const at = this.buffer(8 * (texts.length + 1));
    const offset = this.process.mm.find(at, 8 * (texts.length + 1));
    texts.forEach((text, i) => storeNumber(this.machine.words, offset + 8 * i, this.string(text)));
    storeNumber(this.machine.words, offset + 8 * texts.length, 0);
    return at;
  }
  private timespec(ns: number): number {
    const at = this.process.scratch;
    const offset = this.process.mm.find(at, 16);
    const { view } = this.machine.arena;
    view.setUint32(offset, Math.floor(ns / 1e9), true);
    view.setUint32(offset + 8, Math.round(ns % 1e9), true);
    return at;
  }

  /** Makes the program's functions, and the libc wrapper on top of them if any, the current user stack. */
  private writeStack(wrapper: string): void {
    this.wrapper = wrapper;
    let stack = this.position.byWrapper.get(wrapper);
    if (stack === undefined) this.position.byWrapper.set(wrapper, (stack = this.buildStack(wrapper)));
    this.ip = stack.ip;
    this.sp = stack.sp;
    this.fp = stack.fp;
    const { words } = this.machine;
    for (let i = 0; i < stack.words.length; i += 1) words[stack.at + i] = stack.words[i]!;
  }

  /** Return addresses and frame pointers of a stack, from its lowest word up. */
  private buildStack(wrapper: string): UserStack {
    const { mm } = this.process;
    const base = mm.imageBase(this.image);
    const values: number[] = [];
    let sp = mm.stackTop;
    let fp = 0;
    let ip = mm.imageBase(LIBC) + imageSymbolOffset(LIBC, '__libc_start_call_main') + 0x6b;
    const enter = (entry: number, site: number): void => {
      values.unshift(fp, ip);
      sp -= 16;
      fp = sp;
      ip = entry + site;
    };
    for (const name of this.position.frames) {
      enter(base + imageSymbolOffset(this.image, name), 0x20 + ((name.length * 13) & 0xff));
    }
    if (wrapper !== '') enter(mm.imageBase(LIBC) + imageSymbolOffset(LIBC, wrapper), SYSCALL_RETURN);
    const words = Int32Array.from(values.flatMap((value) => [value | 0, Math.floor(value / 4294967296)]));
    return { ip, sp, fp, at: mm.find(sp, 8) >> 2, words };
  }
}

/** A user stack as bytes: cached, since programs are in few places. */
interface UserStack {
  readonly ip: number;
  readonly sp: number;
  readonly fp: number;
  /** Word index in guest memory. */
  readonly at: number;
  readonly words: Int32Array;
}
/** A chain of functions of the program, outermost first, as a tree of what was ever called. */
interface StackPosition {
  readonly frames: readonly string[];
  readonly callees: Map<string, StackPosition>;
  readonly byWrapper: Map<string, UserStack>;
}
function createPosition(frames: readonly string[]): StackPosition {
  return { frames, callees: new Map(), byWrapper: new Map() };
}
