import type { Arena } from './arena.ts';
import { sizeOfStruct } from '../kernel-types.ts';

/** Structures on kernel stacks that scripts look into: one of each kind, which the next call fills anew. */
export class StackObjects {
  readonly openHow: number;
  readonly vmFault: number;
  readonly msghdr: number;
  readonly sockaddr: number;

  constructor(arena: Arena) {
    this.openHow = arena.allocate(sizeOfStruct('open_how'), 8);
    this.vmFault = arena.allocate(sizeOfStruct('vm_fault'), 8);
    this.msghdr = arena.allocate(sizeOfStruct('msghdr'), 8);
    this.sockaddr = arena.allocate(SOCKADDR_STORAGE, 8);
  }
}
/** sizeof(struct sockaddr_storage) */
const SOCKADDR_STORAGE = 128;
