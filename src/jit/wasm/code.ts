import { putSigned, putSigned64, putUnsigned, type ValueType } from './binary.ts';

/** Opcodes by their names in the specification. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_load: 0x28,
  i64_load: 0x29,
  i32_store: 0x36,
  i64_store: 0x37,
  i32_const: 0x41,
  i64_const: 0x42,
  f64_const: 0x44,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_gt_s: 0x4a,
  i32_ge_u: 0x4f,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_ne: 0x52,
  i64_ge_s: 0x59,
  f64_lt: 0x63,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_and: 0x71,
  i32_or: 0x72,
  i32_xor: 0x73,
  i32_shl: 0x74,
  i32_shr_u: 0x76,
  i64_add: 0x7c,
  i64_sub: 0x7d,
  i64_mul: 0x7e,
  i64_div_u: 0x80,
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  i64_rotl: 0x89,
  i32_wrap_i64: 0xa7,
  i64_extend_i32_u: 0xad,
  f64_div: 0xa3,
  i64_trunc_f64_s: 0xb0,
  f64_convert_i64_s: 0xb9,
} as const;

/** Collects the code of one function. Memory accesses take a constant distance from the address on the stack. */
export interface Code {
  readonly bytes: number[];
  op(...codes: readonly number[]): Code;
  i32(value: number): Code;
  i64(value: bigint): Code;
  f64(value: number): Code;
  get(local: number): Code;
  set(local: number): Code;
  tee(local: number): Code;
  call(index: number): Code;
  access(opcode: number, distance: number): Code;
  /** A structured instruction with what `body` adds inside; `label` is what a branch names it by. */
  structured(opcode: number, type: ValueType | 0x40, label: string, body: () => void): Code;
  branch(opcode: number, label: string): Code;
}

export function createCode(): Code {
  const bytes: number[] = [];
  const labels: string[] = [];
  /** An instruction with one unsigned operand. */
  const withIndex = (opcode: number, index: number): Code => {
    bytes.push(opcode);
    putUnsigned(bytes, index);
    return code;
  };
  const code: Code = {
    bytes,
    op(...codes) {
      for (const one of codes) bytes.push(one);
      return code;
    },
    i32(value) {
      bytes.push(OP.i32_const);
      putSigned(bytes, value);
      return code;
    },
    i64(value) {
      bytes.push(OP.i64_const);
      putSigned64(bytes, value);
      return code;
    },
    f64: (value) => code.op(OP.f64_const, ...new Uint8Array(Float64Array.of(value).buffer)),
    get: (local) => withIndex(OP.local_get, local),
    set: (local) => withIndex(OP.local_set, local),
    tee: (local) => withIndex(OP.local_tee, local),
    call: (index) => withIndex(OP.call, index),
    access(opcode, distance) {
      // The alignment is a hint only; accesses of eBPF need none.
      bytes.push(opcode, 0);
      putUnsigned(bytes, distance);
      return code;
    },
    structured(opcode, type, label, body) {
      code.op(opcode, type);
      labels.push(label);
      body();
      labels.pop();
      return code.op(OP.end);
    },
    branch: (opcode, label) => withIndex(opcode, labels.length - 1 - labels.lastIndexOf(label)),
  };
  return code;
}
