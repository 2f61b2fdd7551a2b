import type { Insn } from './instruction.ts';

/** Bytes of one slot. */
export const SLOT_BYTES = 8;

/** The bytes of a program, little endian: what `bpf()` takes and an ELF section holds. */
export function encodeInsns(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, slot) => {
    const at = slot * SLOT_BYTES;
    view.setUint8(at, insn.code);
    view.setUint8(at + 1, (insn.src << 4) | insn.dst);
    view.setInt16(at + 2, insn.off, true);
    view.setInt32(at + 4, insn.imm, true);
  });
  return bytes;
}

/** The slots of a program; undefined when its length is no multiple of a slot. */
export function decodeInsns(bytes: Uint8Array): Insn[] | undefined {
  if (bytes.length % SLOT_BYTES !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const insns: Insn[] = [];
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    const registers = view.getUint8(at + 1);
    insns.push({
      code: view.getUint8(at),
      dst: registers & 0xf,
      src: registers >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return insns;
}
