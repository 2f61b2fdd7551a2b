/**
 * One 8-byte slot of eBPF code, field by field as on the wire (RFC 9669, section 3):
 *
 *   +0 code  +1 src:4 dst:4  +2 off (s16)  +4 imm (s32)
 *
 * A wide instruction (ld_imm64) takes two slots; the second has code 0 and the upper half in `imm`.
 * Slot indices are therefore the kernel's instruction indices.
 */
export interface Insn {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  /** Signed 16 bit. */
  readonly off: number;
  /** Signed 32 bit. */
  readonly imm: number;
}

/** r10, the read-only frame pointer. */
export const FRAME_POINTER = 10;
export const REGISTER_COUNT = 11;
/** Bytes of stack that one frame may use. */
export const MAX_BPF_STACK = 512;
