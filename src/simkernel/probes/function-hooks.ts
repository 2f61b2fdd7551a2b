import type { Abi } from '../../btf/abi/abi.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { meetBreakpoint } from '../functions/kernel/kprobes.ts';
import { hitGuardPage, STACK_MASK } from '../cpu/guard-page.ts';
import type { Body } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { TextSymbol } from '../execution/text.ts';
import { callSites } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { Word } from '../memory/arena.ts';
import { highOf, KERNEL_HIGH, lowOf, storeWord } from '../memory/arena.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';
import { runKprobes, runPostHandlers, runReturns, takeInstances } from './kprobes.ts';
import type { Kprobe, ReturnInstance } from './kprobes.ts';
import { storeRegisters } from './stored-registers.ts';
import { bug } from '../../source/bug.ts';

/** What sits on one function. Lists are replaced, never changed, so that a handler may detach. */
export interface FunctionHooks {
  /** kprobes at the fentry site (through ftrace). */
  entry: readonly Kprobe[];
  /** kretprobes. */
  returns: readonly Kprobe[];
  fentry: readonly Handler[];
  fexit: readonly Handler[];
  /** Offsets of breakpoints, ascending; their handlers are found by address when one is hit. */
  breakpoints: readonly number[];
}

const NOBODY: readonly ReturnInstance[] = [];
/** After `call fentry` of 5 bytes; ftrace's kprobe handler shows the address behind the first byte, as an int3 would. */
const KPROBE_IP = 1;

/** Calls a function that is being traced: registers, stack and text look as they do on a CPU at each of the hook points. */
export function hookedCall(m: Machine, symbol: TextSymbol, ns: number, body: Body, args: readonly unknown[]): unknown {
  const hooks = m.functionHooks.get(symbol.index);
  if (hooks === undefined) bug(`${symbol.name} is marked as hooked but is not`);
  const { cpu, words, abi } = m;
  const { kernelCode } = m.arch;
  const { fn, sp, fp } = cpu;
  const slot = sp - 8;
  const below = slot - 8 - symbol.frameBytes;
  if ((((sp - 1) ^ below) & STACK_MASK) !== 0) hitGuardPage(m, cpu, symbol, below);
  const returnLow = (fn.entry + (fn.sites ?? callSites(fn))[symbol.siteHash + m.siteBase]!) | 0x80000000;
  words[slot >> 2] = returnLow;
  words[(slot >> 2) + 1] = -1;
  loadArguments(abi, cpu, args as readonly Word[]);
  cpu.fn = symbol;
  // A link register keeps the stack as the caller has it.
  cpu.sp = abi.link === undefined ? slot : sp;
  const { fexit } = hooks;
  if (hooks.fentry.length > 0) {
    const context = storeArguments(m, slot, args as readonly Word[]);
    m.traceFrom(symbol.entry + kernelCode.ftraceSite.end, fp, slot);
    runHandlers(m, hooks.fentry, context, symbol);
  }
  if (hooks.entry.length > 0) {
    const ip = symbol.entry + kernelCode.ftraceSite.offset + KPROBE_IP;
    const regs = storeRegisters(m, cpu, slot, ip);
    m.traceFrom(ip, fp, slot);
    if (runKprobes(m, hooks.entry, regs, symbol)) {
      cpu.registers.set(words.subarray(regs >> 2, (regs >> 2) + cpu.registers.length));
      return overridden(m, { fn, sp, fp });
    }
    runPostHandlers(m, hooks.entry, regs);
  }
  const frameEnd = kernelCode.frameEnd(symbol.traceable);
  if (abi.link !== undefined) {
    setRegister(cpu, abi.link, returnLow, -1);
    for (const offset of hooks.breakpoints)
      if (offset < frameEnd && meetBreakpoint(m, cpu, symbol, offset)) return overridden(m, { fn, sp, fp });
    // What was pushed there meanwhile is gone: the prologue stores the register.
    words[slot >> 2] = returnLow;
    words[(slot >> 2) + 1] = -1;
  }
  const followed =
    hooks.returns.length === 0
      ? NOBODY
      : takeInstances(m, hooks.returns, () =>
          storeRegisters(m, cpu, slot, symbol.entry + kernelCode.ftraceSite.offset + KPROBE_IP),
        );
  const hasRethook = followed.length > 0;
  const { current } = cpu;
  if (hasRethook) {
    current.rethooks.push({ slot, low: returnLow });
    words[slot >> 2] = m.rethookTrampoline.entry | 0x80000000;
  }
  words[(slot >> 2) - 2] = fp;
  words[(slot >> 2) - 1] = KERNEL_HIGH;
  cpu.fp = slot - 8;
  cpu.sp = below;
  const cost = ns * cpu.pace;
  if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
  for (const offset of hooks.breakpoints) if (offset >= frameEnd) meetBreakpoint(m, cpu, symbol, offset);

  const leave = (value: Word): Word => {
    // The task may have moved to another CPU while it slept.
    const { cpu: here } = m;
    here.fn = fn;
    here.sp = sp;
    here.fp = fp;
    if (fexit.length > 0) {
      const context = storeArguments(m, slot, args as readonly Word[]);
      storeWord(words, context + 8 * args.length, value);
      m.traceFrom(symbol.entry + kernelCode.ftraceSite.end, fp, slot);
      runHandlers(m, fexit, context, symbol);
    }
    if (hasRethook) {
      current.rethooks.pop();
      setRegister(here, abi.result, lowOf(value), highOf(value));
      const regs = storeRegisters(m, here, sp, returnLow);
      m.traceFrom(returnLow, fp, 0);
      for (const { probe } of followed) probe.active -= 1;
      // Whoever has left meanwhile is not called any more.
      const { returns } = hooks;
      runReturns(
        m,
        followed.filter(({ probe }) => returns.includes(probe)),
        regs,
        symbol,
      );
    }
    return value;
  };
  const result = body(m, ...args);
  return result instanceof Pending ? result.then(leave) : leave(result as Word);
}

/** A handler lets the CPU go on where the function returns: its body is skipped, and its result is in the registers. */
function overridden({ cpu, abi }: Machine, caller: Pick<Cpu, 'fn' | 'sp' | 'fp'>): number {
  Object.assign(cpu, caller);
  const at = abi.result / 4;
  return cpu.registers[at + 1]! * 4294967296 + (cpu.registers[at]! >>> 0);
}

function loadArguments(abi: Abi, cpu: Cpu, args: readonly Word[]): void {
  const registers = abi.arguments;
  for (let i = 0; i < args.length && i < registers.length; i += 1) {
    setRegister(cpu, registers[i]!, lowOf(args[i]), highOf(args[i]));
  }
}
function setRegister(cpu: Cpu, offset: number, low: number, high: number): void {
  cpu.registers[offset / 4] = low;
  cpu.registers[offset / 4 + 1] = high;
}

/** u64[] of arguments below the return address, as a BPF trampoline leaves them on its stack: their number in front, room for the result behind. */
function storeArguments(m: Machine, slot: number, args: readonly Word[]): number {
  const context = (slot - 128) & ~7;
  storeWord(m.words, context - 8, args.length);
  for (let i = 0; i < args.length; i += 1) storeWord(m.words, context + 8 * i, args[i]);
  return context;
}
