import { DR6_STEP, runInstruction } from '../cpu/debug-registers.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { deliver } from '../cpu/deliver.ts';
import { VECTORS } from '../cpu/descriptor-tables.ts';
import { FLAGS } from '../cpu/registers.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { declareText, instructionLength, originalText } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { runKprobes, runPostHandlers } from '../probes/kprobes.ts';
import type { Kprobe } from '../probes/kprobes.ts';

/** Where copies of probed instructions run: 16 bytes each. */
const insnPage = declareText('kprobe_insn_page', { traceable: false, size: 4096 });
const SLOT_BYTES = 16;
const ADDRESS_BITS = 0x7fffffff;

/** The copy of an instruction; its slot depends on nothing but the address. */
function copyInstruction(m: Machine, probe: Kprobe, length: number): number {
  const slot = insnPage.entry + ((probe.symbol.index * 7 + probe.offset) % (insnPage.size / SLOT_BYTES)) * SLOT_BYTES;
  m.visibleText.show(m.arena, insnPage);
  const { symbol, offset } = probe;
  const original = originalText(symbol);
  m.arena.bytes.set(original.subarray(offset, offset + length), slot);
  return slot;
}

/** Sends the CPU to the copy, with the trap flag set and interrupts off. */
const setupSinglestep = kernelFunction(
  'setup_singlestep',
  20,
  (m, p: KernelObject & { readonly probes: readonly Kprobe[] }, regs: KernelObject): void => {
    const [first] = p.probes;
    if (first === undefined) return;
    const { words } = m;
    const length = instructionLength(first.symbol, first.offset);
    const flags = (regs.address + PT_REGS.flags) >> 2;
    m.kprobeStep = {
      probes: p.probes,
      behind: first.symbol.entry + first.offset + length,
      savedFlags: words[flags]! & (FLAGS.trap | FLAGS.interrupt),
    };
    words[flags] = (words[flags]! & ~FLAGS.interrupt) | FLAGS.trap;
    words[(regs.address + PT_REGS.ip) >> 2] = copyInstruction(m, first, length) | 0x80000000;
  },
  { traceable: false },
);

/** Finds the probes whose breakpoint was hit and runs their handlers on the interrupted registers. */
export const kprobeInt3Handler = kernelFunction(
  'kprobe_int3_handler',
  60,
  (m, regs: KernelObject): number => {
    const { words } = m;
    const ip = (regs.address + PT_REGS.ip) >> 2;
    const behind = words[ip]! & ADDRESS_BITS;
    const probes = m.breakpoints.get(behind - 1);
    if (probes === undefined) return 0;
    m.traceFrom(behind, words[(regs.address + PT_REGS.bp) >> 2]!, 0);
    if (!runKprobes(m, probes, regs.address)) setupSinglestep(m, { address: m.scratch, probes }, regs);
    return 1;
  },
  { traceable: false },
);

/** At the #DB behind the copy: post-handlers, then the CPU goes on behind the original. */
const kprobeDebugHandler = kernelFunction(
  'kprobe_debug_handler',
  20,
  (m, regs: KernelObject): number => {
    const step = m.kprobeStep;
    if (step === null) return 0;
    m.kprobeStep = null;
    const { words } = m;
    words[(regs.address + PT_REGS.ip) >> 2] = step.behind | 0x80000000;
    const flags = (regs.address + PT_REGS.flags) >> 2;
    words[flags] = (words[flags]! & ~FLAGS.trap) | step.savedFlags;
    m.traceFrom(step.behind, words[(regs.address + PT_REGS.bp) >> 2]!, 0);
    runPostHandlers(m, step.probes, regs.address);
    return 1;
  },
  { traceable: false },
);

/** Claims the single steps of kprobes. */
export function registerKprobeNotifier(m: Machine): void {
  m.debugNotifiers.push((machine, regs, dr6) =>
    (dr6 & DR6_STEP) !== 0 && kprobeDebugHandler(machine, regs) !== 0 ? dr6 & ~DR6_STEP : dr6,
  );
}

/** The CPU comes to an int3 that a kprobe put there: vector 3, the copy of the instruction, vector 1. */
export function meetBreakpoint(m: Machine, cpu: Cpu, symbol: TextSymbol, offset: number): void {
  deliver(m, cpu, VECTORS.breakpoint, symbol.entry + offset + 1);
  if (m.kprobeStep !== null) runInstruction(m, cpu, cpu.resumedAt, instructionLength(symbol, offset));
}
