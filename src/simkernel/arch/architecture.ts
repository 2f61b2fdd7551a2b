import type { Abi } from '../../btf/abi/abi.ts';
import type { Code, FunctionShape } from '../execution/code.ts';
import type { UserShape } from '../programs/user-shape.ts';

/** What the machine does in its own way on each architecture: pushed registers, breakpoints, code, names. */
export interface Architecture {
  readonly abi: Abi;
  /** Words of general registers that a CPU has, the first of pt_regs; a multiple of six. */
  readonly registerWords: number;
  readonly frames: FrameFormat;
  readonly kernelCode: KernelCode;
  readonly userCode: UserCode;
  readonly breakpoint: BreakpointFormat;
  /** Programs of real instructions, from outside of the machine, can be carried out. */
  readonly runsOutsidePrograms: boolean;
  /** The kernel's name of a function that the machine declares under x86's; undefined: it has no such function. */
  ownName(declared: string): string | undefined;
  /** The other way round. */
  declaredName(own: string): string;
  /** Number of a system call by that of x86-64, under which the machine keeps it; undefined: there is no such call. */
  systemCallNumber(declared: number): number | undefined;
}

/** How struct pt_regs says in which mode the CPU was; flags as RFLAGS. */
export interface FrameFormat {
  storeMode(words: Int32Array, regs: number, flags: number, fromUser: boolean): void;
  loadFlags(words: Int32Array, regs: number): number;
  /** The mode stays as it is. */
  storeFlags(words: Int32Array, regs: number, flags: number): void;
  /** What a system call's entry leaves beside its arguments. */
  storeSystemCall(words: Int32Array, regs: number, number: number, first: number): void;
}

/** Text of the kernel. */
export interface KernelCode {
  /** Where in the tables of call sites its own begin. */
  readonly sites: number;
  generate(shape: FunctionShape): Code;
  /** Points the call behind which execution goes on at `site` to a target; all are offsets in the image. */
  link(view: DataView, site: number, target: number): void;
  /** What ftrace patches at a function's start, and the return address of the call that it puts there. */
  readonly ftraceSite: { readonly offset: number; readonly end: number };
  callTracer(view: DataView, entry: number, tracer: number): void;
  /** Whether a kprobe at the start of a function goes through ftrace, at its site, instead of a breakpoint. */
  readonly kprobesUseFtrace: boolean;
  /** The instruction that makes room for locals: a full stack is noticed there. */
  stackLowered(traceable: boolean): number;
  /** From which instruction on a probe finds the function's frame set up. */
  frameEnd(traceable: boolean): number;
  /** Bytes of an instruction as objdump shows them. */
  rawText(code: Uint8Array): string;
  /** The instruction at an offset as objdump writes it, if it is one that a reader of probes looks for. */
  disassemble(code: Uint8Array, at: number, symbol: (target: number) => string): string;
}

/** Text of programs. */
export interface UserCode {
  emitFunction(text: Code, offset: number, shape: UserShape): void;
  /** An address in a function's body that an x86 program has, as the nearest start of an instruction. */
  align(offset: number): number;
  /** Bytes of an instruction that the kernel emulates instead of stepping through it; 0 of all others. */
  emulatedLength(code: Code, offset: number): number;
  /** Whether a function starts with the instruction there, so that it has no frame yet (is_uprobe_at_func_entry). */
  startsFunction(code: Code, offset: number): boolean;
  /** Operands of a static probe, from the syntax of x86 in which programs declare them. */
  operands(text: string): string;
}

export interface BreakpointFormat {
  readonly kprobe: readonly number[];
  readonly uprobe: readonly number[];
  /** What ends the copy of a probed instruction; undefined: it is stepped by the trap flag. */
  readonly step: readonly number[] | undefined;
  /** How far behind the breakpoint the CPU says that it is. */
  readonly advance: 0 | 1;
  /** Whether the kernel does an instruction's work instead of running a copy of it. */
  isSimulated(code: Uint8Array, offset: number): boolean;
  /** The trampoline of uretprobes makes a system call; else it is a breakpoint. */
  readonly returnsBySystemCall: boolean;
}
