import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';

/** __builtin_return_address(0): where the running function's caller goes on; kernel text has bit 31 set. */
export function returnAddress({ cpu, words }: Machine): KernelObject {
  return { address: words[(cpu.fp >> 2) + 2]! & 0x7fffffff };
}
