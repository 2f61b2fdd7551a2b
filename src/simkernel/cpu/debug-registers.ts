import type { Machine } from '../machine.ts';
import type { Cpu } from './cpu.ts';
import { deliver } from './deliver.ts';
import { VECTORS } from './descriptor-tables.ts';
import { refresh } from './local-apic.ts';
import { FLAGS } from './registers.ts';

/*
 * Debug registers (Intel SDM vol. 3, 19.2): four linear addresses, what has happened, and what to look for.
 *
 *   DR6   3..0 a condition of DR3..DR0 was met | 14 single step; the others read as ones
 *   DR7   2n+1, 2n breakpoint n is on (global, local) | 16+4n.. what: 00 execute, 01 write, 11 read or write, and 10 where
 *         x86 watches ports: read, which only arm64 can (DBGWCR.LSC)
 *         18+4n.. how many bytes: 00 one, 01 two, 11 four, 10 eight
 *
 * Data breakpoints are traps: they are reported behind the instruction. Programs of the machine say which memory they touch
 * (`memoryAccessed`). Kernel functions are JavaScript that changes guest memory at will, so for these the bytes are compared
 * at the end of each stretch of code: a write of the same value goes unnoticed, and so does a mere read.
 */
export const DR6_RESERVED = 0xffff_0ff0 | 0;
export const DR6_STEP = 1 << 14;
export const DR6_BREAKPOINTS = 0xf;
const DEBUG_ADDRESSES = 4;
const BREAKPOINT_TYPES = { execute: 0, write: 1, read: 2, readwrite: 3 } as const;
export type BreakpointType = keyof typeof BREAKPOINT_TYPES;
const LENGTH_CODES: Readonly<Record<number, number>> = { 1: 0, 2: 1, 4: 3, 8: 2 };
const LENGTHS = [1, 2, 8, 4] as const;

/** One CPU's. */
export class DebugRegisters {
  /** DR0 to DR3, as halves. */
  readonly low = new Int32Array(DEBUG_ADDRESSES);
  readonly high = new Int32Array(DEBUG_ADDRESSES);
  status: number = DR6_RESERVED;
  control = 0;
  /** What the watched bytes were when somebody last looked. */
  readonly seen: (string | null)[] = new Array<string | null>(DEBUG_ADDRESSES).fill(null);
}

const isOn = (control: number, n: number): boolean => ((control >>> (2 * n)) & 3) !== 0;
const typeOf = (control: number, n: number): number => (control >>> (16 + 4 * n)) & 3;
const sizeAt = (control: number, n: number): number => LENGTHS[((control >>> (18 + 4 * n)) & 3) as 0 | 1 | 2 | 3];

/** The bits of DR7 for a breakpoint, undefined when it has no such length. */
export function controlBits(n: number, type: BreakpointType, size: number): number | undefined {
  const length = LENGTH_CODES[size];
  return length === undefined
    ? undefined
    : (((length << 2) | BREAKPOINT_TYPES[type]) << (16 + 4 * n)) | (GLOBAL_ENABLE << (2 * n));
}
const GLOBAL_ENABLE = 2;
/** All bits of DR7 that belong to a breakpoint. */
export function controlMask(n: number): number {
  return (0xf << (16 + 4 * n)) | (3 << (2 * n));
}

export function writeDebugAddress(cpu: Cpu, n: number, low: number, high: number): void {
  cpu.debug.low[n] = low;
  cpu.debug.high[n] = high;
}
/** `mov %reg,%db7` */
export function writeDebugControl(m: Machine, cpu: Cpu, control: number): void {
  cpu.debug.control = control;
  look(m, cpu);
  cpu.attentive = needsAttention(cpu);
  refresh(m, cpu);
}

function needsAttention(cpu: Cpu): boolean {
  if ((cpu.flags & FLAGS.trap) !== 0) return true;
  const { control } = cpu.debug;
  for (let n = 0; n < DEBUG_ADDRESSES; n += 1) {
    if (isOn(control, n) && typeOf(control, n) !== BREAKPOINT_TYPES.execute) return true;
  }
  return false;
}
/** The trap flag has changed. */
export function trapFlagChanged(cpu: Cpu): void {
  cpu.attentive = needsAttention(cpu);
}

/** Arena offset of the watched bytes in the address space of whoever runs; -1 when nothing is there. */
function watchedAt(m: Machine, cpu: Cpu, n: number): number {
  const { low, high, control } = cpu.debug;
  const size = sizeAt(control, n);
  if (high[n]! < 0) return m.arena.kernelAddress(low[n]!, high[n]!, size);
  return cpu.current.process?.mm.find((low[n]! >>> 0) + high[n]! * 4294967296, size) ?? -1;
}

/** Takes down the watched bytes as they are: when the CPU begins to run, or somebody else may have changed them. */
export function look(m: Machine, cpu: Cpu): void {
  const { control, seen } = cpu.debug;
  for (let n = 0; n < DEBUG_ADDRESSES; n += 1) {
    seen[n] = isOn(control, n) && typeOf(control, n) !== BREAKPOINT_TYPES.execute ? watchedBytes(m, cpu, n) : null;
  }
}
function watchedBytes(m: Machine, cpu: Cpu, n: number): string | null {
  const at = watchedAt(m, cpu, n);
  return at < 0 ? null : m.arena.bytes.subarray(at, at + sizeAt(cpu.debug.control, n)).join();
}

/** Behind a stretch of code: which data breakpoints it met, and whether it was to stop after an instruction. */
export function checkDebugTraps(m: Machine, cpu: Cpu): void {
  const { debug } = cpu;
  let met = 0;
  for (let n = 0; n < DEBUG_ADDRESSES; n += 1) {
    const before = debug.seen[n];
    if (before === null) continue;
    if (typeOf(debug.control, n) !== BREAKPOINT_TYPES.read && watchedBytes(m, cpu, n) !== before) met |= 1 << n;
  }
  if ((cpu.flags & FLAGS.trap) !== 0) met |= DR6_STEP;
  if (met === 0) return;
  // Before the handlers run: their own code is looked at too.
  look(m, cpu);
  raiseDebug(m, cpu, met);
}

/** An instruction has read or written `size` bytes at a linear address: which breakpoints that met, as bits of DR6. */
export function memoryAccessed(cpu: Cpu, low: number, high: number, size: number, write: boolean): number {
  const { debug } = cpu;
  let met = 0;
  for (let n = 0; n < DEBUG_ADDRESSES; n += 1) {
    if (!isOn(debug.control, n) || debug.high[n] !== high) continue;
    const type = typeOf(debug.control, n);
    if (type === BREAKPOINT_TYPES.execute || type === (write ? BREAKPOINT_TYPES.read : BREAKPOINT_TYPES.write))
      continue;
    const watched = debug.low[n]! >>> 0;
    if (low >>> 0 < watched + sizeAt(debug.control, n) && watched < (low >>> 0) + size) met |= 1 << n;
  }
  return met;
}
/** The instruction at a linear address is about to run: which breakpoints that meets, as bits of DR6. */
export function instructionReached(cpu: Cpu, low: number, high: number): number {
  const { debug } = cpu;
  let met = 0;
  for (let n = 0; n < DEBUG_ADDRESSES; n += 1) {
    if (!isOn(debug.control, n) || typeOf(debug.control, n) !== BREAKPOINT_TYPES.execute) continue;
    if (debug.low[n] === low && debug.high[n] === high) met |= 1 << n;
  }
  return met;
}

/** #DB: `met` says why, as bits of DR6. `ip` is the image offset of the next instruction where the machine knows better. */
export function raiseDebug(m: Machine, cpu: Cpu, met: number, ip = 0): ReturnType<typeof deliver> {
  cpu.debug.status |= met;
  return deliver(m, cpu, VECTORS.debug, ip, NO_ERROR_CODE);
}
const NO_ERROR_CODE = -1;

/**
 * Runs the one instruction of `length` bytes at an image offset, as a CPU does that `iret` sent there: with TF set, #DB comes
 * behind it. Returns the offset at which the CPU goes on, which a handler may have changed.
 */
export function runInstruction(m: Machine, cpu: Cpu, at: number, length: number): number {
  const behind = at + length;
  if ((cpu.flags & FLAGS.trap) === 0) return behind;
  raiseDebug(m, cpu, DR6_STEP, behind);
  return cpu.resumedAt;
}
