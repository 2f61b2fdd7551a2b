import { DR6_STEP, runInstruction } from '../../cpu/debug-registers.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { deliver } from '../../cpu/deliver.ts';
import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { declareText, instructionLength, originalText } from '../../execution/text.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { runKprobes, runPostHandlers } from '../../probes/kprobes.ts';
import type { Kprobe, KprobeStep } from '../../probes/kprobes.ts';
import { kprobeOptimizer } from '../../probes/probed-text.ts';

/** Where copies of probed instructions run: 16 bytes each, with room for the breakpoint that ends one. */
const insnPage = declareText('kprobe_insn_page', { traceable: false, size: 4096 });
const SLOT_BYTES = 16;
const ADDRESS_BITS = 0x7fffffff;
const isInInsnPage = (at: number): boolean => at >= insnPage.entry && at < insnPage.entry + insnPage.size;

/** The copy of an instruction; its slot depends on nothing but the address. */
function copyInstruction(m: Machine, probe: Kprobe, length: number): number {
  const slot = insnPage.entry + ((probe.symbol.index * 7 + probe.offset) % (insnPage.size / SLOT_BYTES)) * SLOT_BYTES;
  m.visibleText.show(m.arena, insnPage);
  const { symbol, offset } = probe;
  const original = originalText(m.arch.kernelCode, symbol);
  m.arena.bytes.set(original.subarray(offset, offset + length), slot);
  if (m.arch.breakpoint.step !== undefined) m.arena.bytes.set(m.arch.breakpoint.step, slot + length);
  return slot;
}

/** The instruction has had its effect: post-handlers, and the CPU goes on behind it. */
function finishStep(m: Machine, step: KprobeStep, regs: KernelObject): void {
  const { words, abi } = m;
  const { frames } = m.arch;
  words[(regs.address + abi.ip) >> 2] = step.behind | 0x80000000;
  frames.storeFlags(words, regs.address, (frames.loadFlags(words, regs.address) & ~FLAGS.trap) | step.savedFlags);
  m.traceFrom(step.behind, words[(regs.address + abi.fp) >> 2]!, 0);
  runPostHandlers(m, step.probes, regs.address);
}

/** Sends the CPU to the copy, which the trap flag or a breakpoint ends, with interrupts off. */
const setupSinglestep = kernelFunction(
  'setup_singlestep',
  20,
  (m, p: KernelObject & { readonly probes: readonly Kprobe[] }, regs: KernelObject): void => {
    const [first] = p.probes;
    if (first === undefined) return;
    const { words, abi } = m;
    const { kernelCode, frames, breakpoint } = m.arch;
    const length = instructionLength(kernelCode, first.symbol, first.offset);
    const flags = frames.loadFlags(words, regs.address);
    const step = {
      probes: p.probes,
      behind: first.symbol.entry + first.offset + length,
      savedFlags: flags & (FLAGS.trap | FLAGS.interrupt),
    };
    if (breakpoint.isSimulated(originalText(kernelCode, first.symbol), first.offset)) {
      finishStep(m, step, regs);
      return;
    }
    m.kprobeStep = step;
    const trap = breakpoint.step === undefined ? FLAGS.trap : 0;
    frames.storeFlags(words, regs.address, (flags & ~FLAGS.interrupt) | trap);
    words[(regs.address + abi.ip) >> 2] = copyInstruction(m, first, length) | 0x80000000;
  },
  { traceable: false },
);

/** Finds the probes whose breakpoint was hit and runs their handlers on the interrupted registers. */
export const kprobeInt3Handler = kernelFunction(
  'kprobe_int3_handler',
  60,
  (m, regs: KernelObject): number => {
    const { words, abi } = m;
    const at = words[(regs.address + abi.ip) >> 2]! & ADDRESS_BITS;
    if (m.kprobeStep !== null && isInInsnPage(at)) return kprobeDebugHandler(m, regs);
    const probes = m.breakpoints.get(at - m.arch.breakpoint.advance);
    if (probes === undefined) return 0;
    m.traceFrom(at, words[(regs.address + abi.fp) >> 2]!, 0);
    // Return probes only take note of the call: see hookedCall.
    const entered = probes.filter(({ kind }) => kind === 'k');
    if (!runKprobes(m, entered, regs.address)) setupSinglestep(m, { address: m.scratch, probes }, regs);
    return 1;
  },
  { traceable: false },
);

/** At the #DB or breakpoint behind the copy. */
const kprobeDebugHandler = kernelFunction(
  'kprobe_debug_handler',
  20,
  (m, regs: KernelObject): number => {
    const step = m.kprobeStep;
    if (step === null) return 0;
    m.kprobeStep = null;
    finishStep(m, step, regs);
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

/** The CPU comes to a breakpoint that a kprobe put there: vector 3, the copy of the instruction, vector 1 or a second breakpoint;
 * or to the jump that the optimizer has made of it. Whether it goes on elsewhere, because a handler says so. */
export function meetBreakpoint(m: Machine, cpu: Cpu, symbol: TextSymbol, offset: number): boolean {
  const { kernelCode, breakpoint } = m.arch;
  const optimizer = kprobeOptimizer(m);
  const jump = optimizer.at(symbol.entry + offset);
  if (jump !== undefined && jump.detour !== 0) {
    optimizer.code?.run(m, cpu, jump, m.breakpoints.get(symbol.entry + offset) ?? []);
    return false;
  }
  deliver(m, cpu, VECTORS.breakpoint, symbol.entry + offset + breakpoint.advance);
  const length = instructionLength(kernelCode, symbol, offset);
  if (m.kprobeStep === null) return cpu.resumedAt !== symbol.entry + offset + length;
  if (breakpoint.step === undefined) runInstruction(m, cpu, cpu.resumedAt, length);
  else deliver(m, cpu, VECTORS.breakpoint, cpu.resumedAt + length);
  return false;
}
