import type { Machine } from '../machine.ts';
import { addressHigh, addressLow, loadText } from '../memory/arena.ts';
import { loadInteger } from './print-format.ts';

/** A value at a hit: pt_regs at an arena offset, and the arguments that the function was called with, if they were kept. */
export type Word = (m: Machine, regs: number, entry: readonly bigint[]) => bigint | undefined;

const LONGEST_STRING = 255;
/** Addresses below are programs' (TASK_SIZE_MAX): what reads kernel memory falls back to them where the two do not overlap. */
const USER_END = 1n << 47n;

export const isUserAddress = (address: bigint): boolean => BigInt.asUintN(64, address) < USER_END;

/** Arena offset of memory that the current task sees at an address, or -1. */
function place(m: Machine, address: bigint, size: number, fromUser: boolean): number {
  const value = BigInt.asUintN(64, address);
  if (fromUser || isUserAddress(value)) return m.currentTask.process?.mm.find(Number(value), size) ?? -1;
  return m.arena.kernelAddress(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), size);
}
export function loadFrom(m: Machine, address: bigint, size: number, fromUser: boolean): bigint | undefined {
  const at = place(m, address, size, fromUser);
  return at < 0 ? undefined : loadInteger(m.arena.bytes, at, size, false);
}
export function loadTextFrom(m: Machine, address: bigint, fromUser: boolean): string | undefined {
  const at = place(m, address, 1, fromUser);
  return at < 0 ? undefined : loadText(m.arena.bytes, at, LONGEST_STRING);
}
export const register =
  (offset: number): Word =>
  (m, regs) =>
    m.arena.view.getBigUint64(regs + offset, true);

/** An image offset as the kernel's address. */
export const kernelAddressOf = (offset: number): bigint =>
  BigInt.asUintN(64, (BigInt(addressHigh(offset)) << 32n) | BigInt(addressLow(offset) >>> 0));
