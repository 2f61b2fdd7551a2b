import type { AccessSize } from '../../isa/opcodes.ts';

/** Loads and stores of unsigned words at arena offsets. */
export interface ArenaMemory {
  readonly load: (offset: number, size: AccessSize) => bigint;
  readonly store: (offset: number, size: AccessSize, value: bigint) => void;
}

/** Unaligned accesses are fine: x86-64 allows them, and so does the kernel's verifier there. */
export function arenaMemory(buffer: SharedArrayBuffer): ArenaMemory {
  const view = new DataView(buffer);
  return {
    load(offset, size) {
      switch (size) {
        case 1:
          return BigInt(view.getUint8(offset));
        case 2:
          return BigInt(view.getUint16(offset, true));
        case 4:
          return BigInt(view.getUint32(offset, true));
        case 8:
          return view.getBigUint64(offset, true);
      }
    },
    store(offset, size, value) {
      switch (size) {
        case 1:
          view.setUint8(offset, Number(value & 0xffn));
          break;
        case 2:
          view.setUint16(offset, Number(value & 0xffffn), true);
          break;
        case 4:
          view.setUint32(offset, Number(value & 0xffffffffn), true);
          break;
        case 8:
          view.setBigUint64(offset, value, true);
          break;
      }
    },
  };
}
