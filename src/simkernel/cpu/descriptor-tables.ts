import type { Arena } from '../memory/arena.ts';
import { KERNEL_CS } from './registers.ts';

/** Vectors of x86 and of Linux (arch/x86/include/asm/irq_vectors.h). */
export const VECTORS = {
  divideError: 0,
  debug: 1,
  nmi: 2,
  breakpoint: 3,
  invalidOpcode: 6,
  doubleFault: 8,
  generalProtection: 13,
  pageFault: 14,
  firstExternal: 0x20,
  legacySyscall: 0x80,
  localTimer: 0xec,
  irqWork: 0xf6,
  callFunctionSingle: 0xfb,
  callFunction: 0xfc,
  reschedule: 0xfd,
} as const;
export const GATE_SIZE = 16;
const GATES = 256;
/** idt_table. */
export const IDT_SIZE = GATES * GATE_SIZE;
export const INTERRUPT_GATE = 0xe;
const PRESENT = 0x80;
/** Offset of sp0 in the 64-bit task state segment. */
export const TSS_SP0 = 4;
/** Offset of the n-th stack that gates may ask for, 1 to 7 (IST). */
export function tssIst(n: number): number {
  return 36 + 8 * (n - 1);
}
export const TSS_SIZE = 104;
/** arch/x86/include/asm/page_64_types.h: whose gates have a stack of their own, and which. */
export const IST = { none: 0, doubleFault: 1, nmi: 2, debug: 3 } as const;
export const EXCEPTION_STACK_SIZE = 8192;

/** `lidt`: where the gates are, and the last byte that belongs to them. */
export function lidt(cpu: { idt: number; idtLimit: number }, base: number, limit: number): void {
  cpu.idt = base;
  cpu.idtLimit = limit;
}

/**
 * Writes one gate descriptor (Intel SDM vol. 3, 7.14.1):
 *
 *   bytes  0-1 offset 15..0 | 2-3 selector | 4 IST | 5 P DPL 0 type | 6-7 offset 31..16 | 8-11 offset 63..32 | 12-15 zero
 */
export function setGate(
  arena: Arena,
  idt: number,
  vector: number,
  handlerLow: number,
  type: number,
  dpl: number,
  ist = 0,
): void {
  const at = idt + vector * GATE_SIZE;
  const { view } = arena;
  view.setUint16(at, handlerLow & 0xffff, true);
  view.setUint16(at + 2, KERNEL_CS, true);
  view.setUint8(at + 4, ist);
  view.setUint8(at + 5, PRESENT | (dpl << 5) | type);
  view.setUint16(at + 6, handlerLow >>> 16, true);
  view.setInt32(at + 8, -1, true);
  view.setInt32(at + 12, 0, true);
}

export function setKernelStack(arena: Arena, tss: number, stackTop: number): void {
  setStack(arena, tss + TSS_SP0, stackTop);
}
export function setInterruptStack(arena: Arena, tss: number, ist: number, stackTop: number): void {
  setStack(arena, tss + tssIst(ist), stackTop);
}
function setStack(arena: Arena, at: number, stackTop: number): void {
  // Stack pointers are only 4-aligned in the segment, so they go through the view.
  arena.view.setInt32(at, stackTop, true);
  arena.view.setInt32(at + 4, arena.kernelHigh, true);
}
