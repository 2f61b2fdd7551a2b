import type { Arena } from './arena.ts';
import { structFields } from './layout.ts';

const OPEN_HOW = structFields('open_how', {});
const VM_FAULT = structFields('vm_fault', {});
const MSGHDR = structFields('msghdr', {});
/** sizeof(struct sockaddr_storage) */
const SOCKADDR_STORAGE = 128;

/** Structures on kernel stacks that scripts look into: one of each kind, which the next call fills anew. */
export class StackObjects {
  readonly openHow: number;
  readonly vmFault: number;
  readonly msghdr: number;
  readonly sockaddr: number;

  constructor(arena: Arena) {
    this.openHow = arena.allocate(OPEN_HOW.size, 8);
    this.vmFault = arena.allocate(VM_FAULT.size, 8);
    this.msghdr = arena.allocate(MSGHDR.size, 8);
    this.sockaddr = arena.allocate(SOCKADDR_STORAGE, 8);
  }
}
