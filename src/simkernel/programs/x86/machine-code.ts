import { PT_REGS } from '../../../btf/pt-regs.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { layoutOf } from '../image-layout.ts';
import { BREAKPOINT, imageSymbolAt, imageSymbolOffset, SINGLE_STEP, SYSTEM_CALL } from '../image.ts';
import type { Image, UserStep } from '../image.ts';
import { LIBC } from '../libc.ts';
import type { UserContext } from '../user.ts';
import type { UserWord } from '../user-function.ts';
import { decode, type Instruction } from './decode.ts';
import { INTEGER, type Request } from './integer.ts';
import { callLibrary, type LibraryCall } from './library-calls.ts';
import { Fault, RAX, RBP, RCX, RDI, RDX, Registers, RSI, RSP, type UserMemory } from './registers.ts';
import { VECTOR, vectorKey } from './vector.ts';
import { SYS_URETPROBE } from '../syscall-numbers.ts';
import { bug } from '../../../source/bug.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

type Steps<T> = Generator<UserStep, T, number>;

/** Three instructions a nanosecond: what ordinary code makes of a CPU. */
const INSTRUCTIONS_PER_NS = 3;
/** So often other work gets its turn. */
const INSTRUCTIONS_PER_STEP = 3000;
const SYS_ARCH_PRCTL = 158;
const ARCH_SET_FS = 0x1002;
/** Thread control block: the stack protector's word is in it. */
const TCB_BYTES = 0x300;
const TCB_SELF = 0x10;
const CANARY_AT = 0x28;
const CANARY = 0x5bd1e995a7c3f100n;
/** Where calls of functions lead that no library of the machine has: the loader finds that out when they are called. */
export const UNRESOLVED = 0x6000_0000_0000;
export const UNRESOLVED_STEP = 16;
const NOT_LOADED = 127;
/** Two faults in a row at one instruction: the page has no contents that could be read. */
const MAX_FAULTS = 2;
/** The auxiliary vector (include/uapi/linux/auxvec.h): static programs take their stack protector's word from AT_RANDOM. */
const AT_NULL = 0;
const AT_PAGESZ = 6;
const AT_RANDOM = 25;
const RANDOM_BYTES = 16;
const STACK_ALIGNMENT = 16;

/** pt_regs' names of the registers in the order of their numbers. */
const PLACES = (
  ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const
).map((name) => PT_REGS[name]);

/** Facts of a file that its instructions' execution needs. */
export interface MachineCode {
  readonly image: () => Image;
  /** Its instructions as the file has them, from where it is loaded. */
  readonly text: () => Uint8Array;
  /** From where the image is loaded. */
  readonly entry: number;
  /** Functions that run before main. */
  readonly constructors: readonly number[];
  /** Libraries that it asks for and the machine has not. */
  readonly missingLibraries: readonly string[];
  /** By the number of the address that stands for it. */
  readonly unresolved: readonly string[];
}

/** A program of real x86-64 instructions: carried out one by one, with a library of the machine's own beside them. */
export class MachineProgram {
  readonly u: UserContext;
  readonly registers: Registers;
  private readonly code: MachineCode;
  private readonly image: Image;
  private readonly base: number;
  private readonly libc: number;
  private readonly decoded = new Map<number, Instruction | null>();
  /** Instructions since the machine's time last moved. */
  private executed = 0;
  /** What __libc_start_main has still to call. */
  private toCall: number[] = [];
  /** Stack of those calls, and where argc is. */
  private callsFrom = 0;
  private argumentsAt = 0;
  private exitCode: number | undefined;

  constructor(u: UserContext, code: MachineCode) {
    this.u = u;
    this.code = code;
    this.image = code.image();
    const { mm } = u.process;
    this.base = mm.imageBase(this.image);
    this.libc = mm.imageBase(LIBC);
    this.registers = new Registers(userMemory(u));
  }

  *run(argv: readonly string[]): Steps<number> {
    const [missing] = this.code.missingLibraries;
    if (missing !== undefined)
      return yield* this.giveUp(
        `error while loading shared libraries: ${missing}: cannot open shared object file: No such file or directory`,
      );
    this.prepareStack(argv);
    this.registers.ip = this.base + this.code.entry;
    return yield* this.continue();
  }
  /** What a child of fork() goes on with. */
  *continue(): Steps<number> {
    const { registers: r } = this;
    while (this.exitCode === undefined) {
      const { ip } = r;
      if (ip >= this.base && ip < this.base + layoutOf(this.image).textEnd) yield* this.execute();
      else yield* this.leaveText(ip);
      if (this.executed >= INSTRUCTIONS_PER_STEP) yield* this.spendTime();
    }
    return this.exitCode;
  }

  /** The stack as execve() leaves it: argc, argv, the environment, the auxiliary vector (System V ABI, 3.4.1). */
  private prepareStack(argv: readonly string[]): void {
    const { u, registers: r } = this;
    const random = u.buffer(RANDOM_BYTES);
    u.bytes(random, RANDOM_BYTES).forEach((_, i, bytes) => (bytes[i] = u.random.bits() & 0xff));
    const auxiliary = [AT_PAGESZ, PAGE_SIZE, AT_RANDOM, random, AT_NULL, 0];
    const words = [argv.length, ...argv.map((text) => u.string(text)), 0, u.string('HOME=/root'), 0, ...auxiliary];
    const top = u.process.mm.stackTop - 8 * words.length;
    this.argumentsAt = top - (top % STACK_ALIGNMENT);
    words.forEach((word, i) => r.memory.store(this.argumentsAt + 8 * i, 8, BigInt(word)));
    r.set(RSP, BigInt(this.argumentsAt));
    r.fsBase = u.buffer(TCB_BYTES);
    r.memory.store(r.fsBase, 8, BigInt(r.fsBase));
    r.memory.store(r.fsBase + TCB_SELF, 8, BigInt(r.fsBase));
    r.memory.store(r.fsBase + CANARY_AT, 8, CANARY);
  }

  /** One instruction, with what it does to the machine. */
  private *execute(): Steps<void> {
    const { registers: r, u } = this;
    const start = r.ip;
    if (u.process.mm.text.breakpoints.size > 0 && u.process.mm.text.breakpoints.has(start)) yield* this.breakpoint();
    const instruction = this.instructionAt(start - this.base);
    const perform =
      instruction === null || instruction.isVector
        ? undefined
        : (INTEGER.get(instruction.opcode) ?? VECTOR.get(vectorKey(instruction)));
    if (instruction === null || perform === undefined) return yield* this.refuse(start);
    this.executed += 1;
    for (let faults = 0; ; faults += 1) {
      r.ip = start + instruction.length;
      let request: Request;
      try {
        request = perform(r, instruction);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        r.ip = start;
        yield* this.fault(error, faults);
        continue;
      }
      if (request === 'syscall') yield* this.systemCall();
      else if (request !== undefined) yield* this.trap(request, start);
      return;
    }
  }
  private instructionAt(offset: number): Instruction | null {
    let known = this.decoded.get(offset);
    if (known === undefined) this.decoded.set(offset, (known = decode(this.code.text(), offset) ?? null));
    return known;
  }

  /** The probes' int3: the kernel's handlers run, then the instruction that was there. */
  private *breakpoint(): Steps<void> {
    const { registers: r, u } = this;
    yield* this.spendTime();
    this.show();
    u.stack.ip = r.ip + 1;
    yield BREAKPOINT;
    if (u.task.uprobes?.stepping === true) yield SINGLE_STEP;
  }
  private *fault({ kind, address, write }: Fault, faults: number): Steps<void> {
    const { u } = this;
    yield* this.spendTime();
    this.show();
    if (kind !== 'page') yield u.raise(kind === 'divide-error' ? VECTORS.divideError : VECTORS.invalidOpcode);
    else if (faults < MAX_FAULTS) yield u.touch(address, write);
    else if (u.process.mm.giveContents(address)) return;
    else this.exitCode = yield* this.giveUp(`memory at 0x${address.toString(16)} has no contents on this machine`);
  }
  private *trap(request: 'breakpoint' | 'halt', start: number): Steps<void> {
    const { u, registers: r } = this;
    yield* this.spendTime();
    // Only the kernel may halt.
    if (request === 'halt') r.ip = start;
    this.show();
    yield request === 'halt' ? u.raise(VECTORS.generalProtection) : BREAKPOINT;
  }
  private *refuse(at: number): Steps<void> {
    const { u } = this;
    const bytes = this.code.text().subarray(at - this.base, at - this.base + 8);
    const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    yield* this.complain(`the simulated CPU does not have the instruction at ${this.placeName(at)} (${text} ...)`);
    this.show();
    yield u.raise(VECTORS.invalidOpcode);
  }
  private placeName(at: number): string {
    const found = imageSymbolAt(this.image, at - this.base);
    return found === undefined ? `0x${at.toString(16)}` : `${found.name}+0x${found.offset.toString(16)}`;
  }

  private *systemCall(): Steps<void> {
    const { registers: r, u } = this;
    const [number, code, address] = [Number(r.general[RAX]!), r.general[RDI]!, r.general[RSI]!];
    if (number === SYS_ARCH_PRCTL && code === BigInt(ARCH_SET_FS)) r.fsBase = Number(address);
    yield* this.spendTime();
    this.show();
    u.task.syscall = number;
    [RDI, RSI, RDX, 10, 8, 9].forEach((register, i) => {
      u.task.args[i] = Number(BigInt.asIntN(64, r.general[register]!));
    });
    const result = yield SYSTEM_CALL;
    r.set(RAX, BigInt(result));
  }

  /** The program has gone where no instructions of its own are. */
  private *leaveText(ip: number): Steps<void> {
    const { u } = this;
    const { trampoline } = u.process.mm.text;
    if (trampoline !== 0 && ip === trampoline) return yield* this.returnProbe();
    if (ip >= UNRESOLVED && ip < UNRESOLVED + UNRESOLVED_STEP * this.code.unresolved.length) {
      const name = this.code.unresolved[(ip - UNRESOLVED) / UNRESOLVED_STEP] ?? '?';
      this.exitCode = yield* this.giveUp(
        `symbol lookup error: ${this.image.path}: undefined symbol: ${name} (the machine's C library has few functions)`,
      );
      return;
    }
    const place = ip < this.libc ? undefined : imageSymbolAt(LIBC, ip - this.libc);
    if (place === undefined) {
      this.show();
      yield u.touch(ip, false);
      return;
    }
    if (place.name === START) return yield* this.callNext();
    yield* this.libraryCall(place.name);
  }

  /** A function with a uretprobe returns to the trampoline, whose system call finds out where to. */
  private *returnProbe(): Steps<void> {
    const { registers: r, u } = this;
    yield* this.spendTime();
    this.show();
    u.registers.clear();
    u.registers.set(PT_REGS.ax, r.general[RAX]!);
    u.task.syscall = SYS_URETPROBE;
    u.task.args.fill(0);
    yield SYSTEM_CALL;
    r.ip = u.stack.ip;
  }

  /** A function of the machine's C library: its body is no code of x86-64, but it is called, probed and returns as one. */
  private *libraryCall(name: string): Steps<void> {
    const { registers: r, u } = this;
    yield* this.spendTime();
    if (name === '__libc_start_main') {
      const { base, code } = this;
      const sp = r.address(RSP);
      this.callsFrom = sp - (sp % STACK_ALIGNMENT);
      this.toCall = [...code.constructors.map((offset) => base + offset), r.address(RDI)];
      r.set(RBP, 0n);
      return yield* this.callNext();
    }
    const sp = r.address(RSP);
    const back = Number(r.memory.load(sp, 8));
    // Its caller's place: the call itself pushes the return address again.
    u.stack.goTo({ ip: back, sp: sp + 8, fp: r.address(RBP) });
    const call: LibraryCall = {
      u,
      name,
      arguments: [RDI, RSI, RDX, RCX, 8, 9].map((register) => Number(BigInt.asIntN(64, r.general[register]!))),
      vector: (index) => r.vector[2 * index]!,
      stackWord: (index) => r.memory.load(sp + 8 + 8 * index, 8),
      fork: () => this.fork(back, sp + 8),
    };
    const result = yield* callLibrary(call);
    if (result === undefined) {
      this.exitCode = yield* this.giveUp(`${name}() is a name only in the machine's C library`);
      return;
    }
    if (typeof result === 'object') {
      this.exitCode = result.exit;
      return;
    }
    r.set(RAX, BigInt.asUintN(64, BigInt(result)));
    r.set(RSP, BigInt(sp + 8));
    r.ip = back;
  }
  /** What the child does: it comes out of fork() with 0. */
  private fork(back: number, sp: number): (u: UserContext) => Steps<number> {
    const { registers: r, code } = this;
    const [general, vector] = [r.general.slice(), r.vector.slice()];
    return (u) => {
      const child = new MachineProgram(u, code);
      child.registers.general.set(general);
      child.registers.vector.set(vector);
      child.registers.fsBase = r.fsBase;
      child.registers.set(RAX, 0n);
      child.registers.set(RSP, BigInt(sp));
      child.registers.ip = back;
      child.toCall = [];
      return child.continue();
    };
  }

  /** __libc_start_main calls constructors, then main, then exits with its result. */
  private *callNext(): Steps<void> {
    const { registers: r, u } = this;
    const next = this.toCall.shift();
    if (next === undefined) {
      const status = Number(r.general[RAX]! & 0xffn);
      yield* this.spendTime();
      const flushed = yield* callLibrary({ u, name: 'exit', arguments: [status], ...NOTHING });
      this.exitCode = typeof flushed === 'object' ? flushed.exit : status;
      return;
    }
    const argc = Number(r.memory.load(this.argumentsAt, 8));
    const argv = this.argumentsAt + 8;
    r.set(RDI, BigInt(argc));
    r.set(RSI, BigInt(argv));
    r.set(RDX, BigInt(argv + 8 * (argc + 1)));
    r.set(RSP, BigInt(this.callsFrom));
    r.push(BigInt(this.libc + imageSymbolOffset(LIBC, START) + START_SITE));
    r.ip = next;
  }

  /** Brings what the kernel and its probes look at up to date. */
  private show(): void {
    const { registers: r, u } = this;
    const { general } = r;
    PLACES.forEach((place, register) => u.registers.set(place, general[register]! as UserWord));
    u.stack.goTo({ ip: r.ip, sp: r.address(RSP), fp: r.address(RBP) });
  }
  private *spendTime(): Steps<void> {
    if (this.executed === 0) return;
    const ns = this.executed / INSTRUCTIONS_PER_NS;
    this.executed = 0;
    this.show();
    yield this.u.work(ns);
  }
  private *complain(message: string): Steps<void> {
    const { u } = this;
    const name = this.image.path.slice(this.image.path.lastIndexOf('/') + 1);
    const text = `${name}: ${message}\n`;
    yield u.write(2, u.string(text), text.length);
  }
  private *giveUp(message: string): Steps<number> {
    yield* this.complain(message);
    return NOT_LOADED;
  }
}

/** The function of the C library that calls main, and where in it. */
const START = '__libc_start_call_main';
const START_SITE = 0x6b;
const NOTHING = {
  vector: () => 0n,
  stackWord: () => 0n,
  fork: () => {
    bug('exit() forks nothing');
  },
};

/** The memory of a process, in pieces that may cross from one mapping into the next. */
function userMemory(u: UserContext): UserMemory {
  const { mm } = u.process;
  const at = (address: number, size: number, write: boolean): DataView => {
    if (mm.find(address, size) < 0) throw new Fault('page', address, write);
    return u.view(address, size);
  };
  return {
    load(address, size) {
      const view = at(address, size, false);
      if (size === 8) return view.getBigUint64(0, true);
      return BigInt(size === 4 ? view.getUint32(0, true) : size === 2 ? view.getUint16(0, true) : view.getUint8(0));
    },
    store(address, size, value) {
      // Text is not writable.
      const view = at(address, size, true);
      if (mm.mappingAt(address)?.image !== null) throw new Fault('page', address, true);
      if (size === 8) view.setBigUint64(0, value, true);
      else if (size === 4) view.setUint32(0, Number(BigInt.asUintN(32, value)), true);
      else if (size === 2) view.setUint16(0, Number(BigInt.asUintN(16, value)), true);
      else view.setUint8(0, Number(BigInt.asUintN(8, value)));
    },
  };
}
