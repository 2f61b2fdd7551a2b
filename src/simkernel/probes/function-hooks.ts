import type { Cpu } from '../cpu/cpu.ts';
import { meetBreakpoint } from '../functions/kprobes.ts';
import { hitGuardPage, STACK_MASK } from '../cpu/guard-page.ts';
import { PT_REGS, PT_REGS_SIZE } from '../../btf/pt-regs.ts';
import { ARGUMENT_REGISTERS, KERNEL_CS, KERNEL_DS } from '../cpu/registers.ts';
import type { Body } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { TextSymbol } from '../execution/text.ts';
import { callSites, FENTRY_END } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { Word } from '../memory/arena.ts';
import { highOf, KERNEL_HIGH, lowOf, storeWord } from '../memory/arena.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';
import { runKprobes, runPostHandlers, takeInstances } from './kprobes.ts';
import type { Kprobe } from './kprobes.ts';

/** What sits on one function. Lists are replaced, never changed, so that a handler may detach. */
export interface FunctionHooks {
  /** kprobes at the fentry site (through ftrace). */
  entry: readonly Kprobe[];
  /** kretprobes. */
  returns: readonly Kprobe[];
  fentry: readonly Handler[];
  fexit: readonly Handler[];
  /** int3 offsets, ascending; their handlers are found by address when the breakpoint hits. */
  breakpoints: readonly number[];
}

const NOBODY: readonly Kprobe[] = [];
/** After `call fentry` of 5 bytes; ftrace's kprobe handler shows the address behind the first byte, as an int3 would. */
const KPROBE_IP = 1;

/** Calls a function that is being traced: registers, stack and text look as they do on a CPU at each of the hook points. */
export function hookedCall(m: Machine, symbol: TextSymbol, ns: number, body: Body, args: readonly unknown[]): unknown {
  const hooks = m.functionHooks.get(symbol.index);
  if (hooks === undefined) throw new Error(`${symbol.name} is marked as hooked but is not`);
  const { cpu, words } = m;
  const { fn, sp, fp } = cpu;
  const slot = sp - 8;
  const below = slot - 8 - symbol.frameBytes;
  if ((((sp - 1) ^ below) & STACK_MASK) !== 0) hitGuardPage(m, cpu, symbol, below);
  const returnLow = (fn.entry + (fn.sites ?? callSites(fn))[symbol.siteHash]!) | 0x80000000;
  words[slot >> 2] = returnLow;
  words[(slot >> 2) + 1] = -1;
  loadArguments(cpu, args as readonly Word[]);
  cpu.fn = symbol;
  cpu.sp = slot;
  const { fexit } = hooks;
  if (hooks.fentry.length > 0) {
    const context = storeArguments(m, slot, args as readonly Word[]);
    m.traceFrom(symbol.entry + FENTRY_END, fp, slot);
    runHandlers(m, hooks.fentry, context, symbol);
  }
  if (hooks.entry.length > 0) {
    const ip = symbol.entry + FENTRY_END - 5 + KPROBE_IP;
    const regs = storeRegisters(m, cpu, slot, ip);
    m.traceFrom(ip, fp, slot);
    runKprobes(m, hooks.entry, regs, symbol);
    runPostHandlers(m, hooks.entry, regs);
  }
  const followed = hooks.returns.length === 0 ? NOBODY : takeInstances(m, hooks.returns);
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
  for (const offset of hooks.breakpoints) meetBreakpoint(m, cpu, symbol, offset);

  const leave = (value: Word): Word => {
    // The task may have moved to another CPU while it slept.
    const { cpu: here } = m;
    here.fn = fn;
    here.sp = sp;
    here.fp = fp;
    if (fexit.length > 0) {
      const context = storeArguments(m, slot, args as readonly Word[]);
      storeWord(words, context + 8 * args.length, value);
      m.traceFrom(symbol.entry + FENTRY_END, fp, slot);
      runHandlers(m, fexit, context, symbol);
    }
    if (hasRethook) {
      current.rethooks.pop();
      here.registers[PT_REGS.ax / 4] = lowOf(value);
      here.registers[PT_REGS.ax / 4 + 1] = highOf(value);
      const regs = storeRegisters(m, here, sp, returnLow);
      m.traceFrom(returnLow, fp, 0);
      for (const probe of followed) probe.active -= 1;
      // Whoever has left meanwhile is not called any more.
      const { returns } = hooks;
      runKprobes(
        m,
        followed.filter((probe) => returns.includes(probe)),
        regs,
        symbol,
      );
    }
    return value;
  };
  const result = body(m, ...args);
  return result instanceof Pending ? result.then(leave) : leave(result as Word);
}

function loadArguments(cpu: Cpu, args: readonly Word[]): void {
  for (let i = 0; i < args.length && i < ARGUMENT_REGISTERS.length; i += 1) {
    const register = ARGUMENT_REGISTERS[i]! / 4;
    cpu.registers[register] = lowOf(args[i]);
    cpu.registers[register + 1] = highOf(args[i]);
  }
}

/** u64[] of arguments below the return address, as a BPF trampoline leaves them on its stack; room for the result behind them. */
function storeArguments(m: Machine, slot: number, args: readonly Word[]): number {
  const context = (slot - 128) & ~7;
  for (let i = 0; i < args.length; i += 1) storeWord(m.words, context + 8 * i, args[i]);
  return context;
}

/** pt_regs below the return address, as ftrace_regs_caller and arch_rethook_trampoline build them. */
function storeRegisters(m: Machine, cpu: Cpu, sp: number, ip: number): number {
  const { words } = m;
  const regs = (sp - 64 - PT_REGS_SIZE) & ~15;
  const at = regs >> 2;
  words.set(cpu.registers, at);
  const pairs = [
    [PT_REGS.bp, cpu.fp, KERNEL_HIGH],
    [PT_REGS.orig_ax, -1, -1],
    [PT_REGS.ip, ip | 0x80000000, -1],
    [PT_REGS.cs, KERNEL_CS, 0],
    [PT_REGS.flags, cpu.flags, 0],
    [PT_REGS.sp, sp, KERNEL_HIGH],
    [PT_REGS.ss, KERNEL_DS, 0],
  ] as const;
  for (const [offset, low, high] of pairs) {
    words[at + offset / 4] = low;
    words[at + offset / 4 + 1] = high;
  }
  return regs;
}
