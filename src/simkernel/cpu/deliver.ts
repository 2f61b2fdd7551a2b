import { isUserFrame, storeKernelFrame, storeUserFrame } from './user-frame.ts';
import { refresh } from './local-apic.ts';
import type { TextSymbol } from '../execution/text.ts';
import { samplePoint } from '../execution/text.ts';
import { MachineHalted } from '../execution/halt.ts';
import type { Pending } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import { account } from './accounting.ts';
import type { Cpu } from './cpu.ts';
import { trapFlagChanged } from './debug-registers.ts';
import { GATE_SIZE, INTERRUPT_GATE, TSS_SP0, tssIst, VECTORS } from './descriptor-tables.ts';
import { FLAGS } from './registers.ts';

/** Where a gate leads: assembly entry code, which saves the registers and calls C. */
export interface EntryPoint {
  readonly symbol: TextSymbol;
  /** May return a Pending only when the CPU came from user mode. */
  readonly run: (m: Machine, regs: number, vector: number) => Pending | undefined;
}

/** Which of the seven stacks of the TSS an entry uses, in the low bits of its second word; 0: none of them. */
const IST_MASK = 7;
/**
 * Where the frame goes. From user mode it ends up on the task's own kernel stack: for a gate with a stack of its own the
 * entry code (sync_regs) copies it there first.
 */
function stackFor(m: Machine, cpu: Cpu, ist: number, fromUser: boolean): number {
  if (fromUser) return m.arena.view.getInt32(cpu.tss + TSS_SP0, true);
  return ist === 0 ? cpu.sp & ~15 : m.arena.view.getInt32(cpu.tss + tssIst(ist), true);
}

/** Turns of six words: cheaper than a call of TypedArray.set, and than a turn for every word. */
function copyRegisters(to: Int32Array, at: number, from: Int32Array, start: number, count: number): void {
  for (let i = 0; i < count; i += 6) {
    const source = start + i;
    const target = at + i;
    to[target] = from[source]!;
    to[target + 1] = from[source + 1]!;
    to[target + 2] = from[source + 2]!;
    to[target + 3] = from[source + 3]!;
    to[target + 4] = from[source + 4]!;
    to[target + 5] = from[source + 5]!;
  }
}

/** What a gate's first two words said when it was last read, and the code that it leads to; none for one that is not present. */
export interface KnownGate {
  readonly selector: number;
  readonly attributes: number;
  readonly entry: EntryPoint | undefined;
}
export const UNREAD_GATE: KnownGate = { selector: -1, attributes: 0, entry: undefined };
const LAST_BYTE = GATE_SIZE - 1;
const PRESENT = 0x8000;
function readGate(m: Machine, vector: number, selector: number, attributes: number): KnownGate {
  const handler = ((selector & 0xffff) | (attributes & 0xffff0000)) & ADDRESS_BITS;
  const entry = (attributes & PRESENT) === 0 ? undefined : m.entryPoints.get(handler);
  return (m.gates[vector] = { selector, attributes, entry });
}
const ADDRESS_BITS = 0x7fffffff;

/** Address at which an interrupt at this moment finds the CPU, as image offset; only meaningful in kernel mode. */
function interruptedIp(m: Machine, cpu: Cpu): number {
  return cpu.fn.entry + samplePoint(m.arch.kernelCode, cpu.fn, cpu.time);
}

/**
 * Delivers a vector as the CPU does: finds the gate in memory, changes to the stack of the TSS when it comes from user mode,
 * pushes SS, RSP, RFLAGS, CS, RIP, clears IF for an interrupt gate, runs the handler and restores everything by `iret`.
 * `ip` overrides the interrupted address (traps know it exactly).
 */
export function deliver(m: Machine, cpu: Cpu, vector: number, ip = 0, errorCode = ~vector): Pending | undefined {
  const { words, abi } = m;
  const gate = (cpu.idt + vector * GATE_SIZE) >> 2;
  const attributes = words[gate + 1]!;
  const { gates } = m;
  const known = gates[vector]!;
  // A gate that reads as it did the last time leads where it did.
  const isKnown = known.selector === words[gate] && known.attributes === attributes;
  if (vector * GATE_SIZE + LAST_BYTE > cpu.idtLimit) return fault(m, cpu, vector, ip);
  const { entry } = isKnown ? known : readGate(m, vector, words[gate]!, attributes);
  if (entry === undefined) return fault(m, cpu, vector, ip);
  const fromUser = cpu.userMode;
  if (fromUser) account(cpu);
  const { sp, fp, fn } = cpu;
  const top = stackFor(m, cpu, attributes & IST_MASK, fromUser);
  const regs = top - abi.registersBytes;
  const at = regs >> 2;
  copyRegisters(words, at, cpu.registers, 0, cpu.registers.length);
  // Interrupts leave their inverted number here, faults the error code that the CPU pushed.
  words[at + abi.original / 4] = errorCode;
  words[at + abi.original / 4 + 1] = errorCode >> 31;
  const { flags } = cpu;
  if (fromUser) storeUserFrame(m, cpu, regs);
  else storeKernelFrame(m, regs, ip === 0 ? interruptedIp(m, cpu) : ip, sp, fp, flags);
  cpu.userMode = false;
  cpu.sp = regs;
  // ENCODE_FRAME_POINTER: an odd frame pointer tells the unwinder that pt_regs are here.
  cpu.fp = regs | 1;
  cpu.fn = entry.symbol;
  const isInterruptGate = ((attributes >>> 8) & 0xf) === INTERRUPT_GATE;
  cpu.flags = flags & (isInterruptGate ? ~(FLAGS.trap | FLAGS.interrupt) : ~FLAGS.trap);
  if (cpu.attentive) {
    trapFlagChanged(cpu);
    refresh(m, cpu);
  } else if (isInterruptGate) {
    cpu.nextArrival = cpu.horizon = cpu.nmiDepth === 0 && vector !== VECTORS.nmi ? cpu.nmiAt : Infinity;
  }
  const outer = cpu.irqRegs;
  cpu.irqRegs = regs;
  if (m.irqWatch !== null && isInterruptGate && (flags & FLAGS.interrupt) !== 0) m.irqWatch(true);
  const left = entry.run(m, regs, vector);
  cpu.irqRegs = outer;
  if (left !== undefined) return left.then(() => returnFromInterrupt(m, regs, sp, fp, fn));
  returnFromInterrupt(m, regs, sp, fp, fn);
  return undefined;
}

/** `iret`: registers, flags and mode come back from the pushed frame. */
function returnFromInterrupt(m: Machine, regs: number, sp: number, fp: number, fn: TextSymbol): number {
  const { cpu, words, abi, arch } = m;
  if (m.irqWatch !== null && !cpu.interruptsEnabled && (arch.frames.loadFlags(words, regs) & FLAGS.interrupt) !== 0)
    m.irqWatch(false);
  copyRegisters(cpu.registers, 0, words, regs >> 2, cpu.registers.length);
  if (isUserFrame(m, regs)) {
    account(cpu);
    cpu.userMode = true;
  } else {
    cpu.resumedAt = words[(regs + abi.ip) >> 2]! & ADDRESS_BITS;
  }
  cpu.flags = arch.frames.loadFlags(words, regs);
  if (cpu.attentive || (cpu.flags & FLAGS.trap) !== 0) trapFlagChanged(cpu);
  cpu.sp = sp;
  cpu.fp = fp;
  cpu.fn = fn;
  refresh(m, cpu);
  return 0;
}

/** Error code of a fault that a gate caused: the vector, and that the IDT is meant. */
const IDT_ERROR = 2;
/** Exceptions during whose delivery another fault makes a double fault (Intel SDM vol. 3, 6.15): contributory ones and #PF. */
const CONTRIBUTORY: ReadonlySet<number> = new Set([0, 10, 11, 12, 13, 14]);

/** No way through the gate: #GP; a double fault if that happens while a fault is being delivered; then nothing is left. */
function fault(m: Machine, cpu: Cpu, vector: number, ip: number): Pending | undefined {
  if (vector === VECTORS.doubleFault) {
    throw new MachineHalted(`CPU ${cpu.id}: triple fault, the machine resets`);
  }
  if (CONTRIBUTORY.has(vector)) return deliver(m, cpu, VECTORS.doubleFault, ip, 0);
  return deliver(m, cpu, VECTORS.generalProtection, ip, vector * 8 + IDT_ERROR);
}

/** `int N`: only through a gate that the program's privilege level may use. */
export function softwareInterrupt(m: Machine, cpu: Cpu, vector: number): Pending | undefined {
  const attributes = m.words[((cpu.idt + vector * GATE_SIZE) >> 2) + 1]!;
  const dpl = (attributes >>> 13) & 3;
  if (cpu.userMode && dpl < USER_LEVEL) {
    return deliver(m, cpu, VECTORS.generalProtection, 0, vector * 8 + IDT_ERROR);
  }
  return deliver(m, cpu, vector);
}
const USER_LEVEL = 3;
