import type { Machine } from '../machine.ts';
import { KERNEL_HIGH } from './arena.ts';
import { EFAULT } from '../errno.ts';

/** Guest memory as a tracer may use it: its own allocations, checked reads of either address space. */
export interface MachineMemory {
  readonly buffer: SharedArrayBuffer;
  readonly wasmMemory: object;
  readonly kernelHigh: number;
  allocate(size: number, align?: number): number;
  free(address: number, size: number): void;
  kernelAddress(low: number, high: number, size: number): number;
  readKernel(to: number, size: number, low: number, high: number): number;
  readUser(to: number, size: number, low: number, high: number): number;
  writeUser(from: number, size: number, low: number, high: number): number;
}

export function createMachineMemory(m: Machine): MachineMemory {
  const { arena } = m;
  const { bytes } = arena;
  const userOffset = (low: number, high: number, size: number): number => {
    const process = m.currentTask.process;
    return process === null || high < 0 ? -1 : process.mm.find((low >>> 0) + high * 4294967296, size);
  };
  return {
    buffer: arena.buffer,
    wasmMemory: arena.wasmMemory,
    kernelHigh: KERNEL_HIGH,
    allocate: (size, align) => arena.allocate(size, align),
    free: (address, size) => arena.free(address, size),
    kernelAddress: (low, high, size) => arena.kernelAddress(low, high, size),
    readKernel(to, size, low, high) {
      const from = arena.kernelAddress(low, high, size);
      if (from < 0) return -EFAULT;
      bytes.copyWithin(to, from, from + size);
      return 0;
    },
    readUser(to, size, low, high) {
      const from = userOffset(low, high, size);
      if (from < 0) return -EFAULT;
      bytes.copyWithin(to, from, from + size);
      return 0;
    },
    writeUser(from, size, low, high) {
      const to = userOffset(low, high, size);
      if (to < 0) return -EFAULT;
      bytes.copyWithin(to, from, from + size);
      return 0;
    },
  };
}
