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
/** Frames that may be active at once: Linux 7.2 doubled what was 8 for long. */
export const MAX_CALL_FRAMES = 16;
/** Bytes of stack that one frame may use. */
export const MAX_BPF_STACK = 512;
