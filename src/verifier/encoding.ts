import { FRAME_POINTER, type Insn } from '../isa/instruction.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import {
  ALU,
  ATOMIC,
  ATOMIC_FETCH,
  CALL,
  CALLEE,
  CLASS,
  CLASS_MASK,
  END,
  EXIT,
  JA,
  JCOND,
  JUMP,
  LOAD_ACQUIRE,
  MODE,
  MODE_MASK,
  NEG,
  OP_MASK,
  PSEUDO,
  SIZE_BITS,
  SIZE_MASK,
  SOURCE,
  STORE_RELEASE,
} from '../isa/opcodes.ts';
import { type Violation, violation } from './rejection.ts';

/** An instruction that breaks a rule of encoding. */
export interface EncodingFault {
  readonly slot: number;
  readonly violation: Violation;
}

const JUMP_INDIRECT = CLASS.jmp | JA | SOURCE.reg;
/** `off` of a move that changes the address space (arena programs). */
const ADDRESS_SPACE_CAST = 1;
const SIZES = Object.values(SIZE_BITS);

function knownOpcodes(): ReadonlySet<number> {
  const codes = new Set<number>([LD_IMM64, JUMP_INDIRECT]);
  for (const cls of [CLASS.alu, CLASS.alu64]) {
    for (const { code } of Object.values(ALU))
      for (const source of Object.values(SOURCE)) codes.add(cls | code | source);
    codes.add(cls | NEG);
    codes.add(cls | END);
  }
  codes.add(CLASS.alu | END | SOURCE.reg);
  for (const cls of [CLASS.jmp, CLASS.jmp32]) {
    for (const { code } of Object.values(JUMP))
      for (const source of Object.values(SOURCE)) codes.add(cls | code | source);
    codes.add(cls | JA);
  }
  for (const code of [CALL, EXIT, JCOND]) codes.add(CLASS.jmp | code);
  for (const size of SIZES) {
    codes.add(CLASS.ldx | MODE.mem | size);
    codes.add(CLASS.st | MODE.mem | size);
    codes.add(CLASS.stx | MODE.mem | size);
    codes.add(CLASS.stx | MODE.atomic | size);
    if (size === SIZE_BITS[8]) continue;
    codes.add(CLASS.ldx | MODE.memsx | size);
    codes.add(CLASS.ld | MODE.abs | size);
    codes.add(CLASS.ld | MODE.ind | size);
  }
  return codes;
}
const KNOWN_OPCODES = knownOpcodes();

const reserved = (what: string): Violation => violation('EINVAL', `${what} uses reserved fields`);

function aluFault(insn: Insn): Violation | undefined {
  const op = insn.code & OP_MASK;
  const wide = (insn.code & CLASS_MASK) === CLASS.alu64;
  const fromRegister = (insn.code & SOURCE.reg) !== 0;
  if (op === NEG) return insn.src !== 0 || insn.off !== 0 || insn.imm !== 0 ? reserved('BPF_NEG') : undefined;
  if (op === END) {
    const sized = insn.imm === 16 || insn.imm === 32 || insn.imm === 64;
    return insn.src !== 0 || insn.off !== 0 || !sized ? reserved('BPF_END') : undefined;
  }
  if (op === ALU.mov.code) {
    if (!fromRegister) return insn.src !== 0 || insn.off !== 0 ? reserved('BPF_MOV') : undefined;
    if (wide && insn.off === ADDRESS_SPACE_CAST) {
      const between = insn.imm === 1 || insn.imm === 1 << 16;
      return violation(
        'EINVAL',
        between
          ? 'addr_space_cast insn can only be used in a program that has an associated arena'
          : 'addr_space_cast insn can only convert between address space 1 and 0',
      );
    }
    const widths = wide ? [0, 8, 16, 32] : [0, 8, 16];
    return !widths.includes(insn.off) || insn.imm !== 0 ? reserved('BPF_MOV') : undefined;
  }
  const signed = insn.off === 1 && (op === ALU.div.code || op === ALU.mod.code);
  const unused = fromRegister ? insn.imm : insn.src;
  return unused !== 0 || (insn.off !== 0 && !signed) ? reserved('BPF_ALU') : undefined;
}

function jumpFault(insn: Insn): Violation | undefined {
  const op = insn.code & OP_MASK;
  const wide = (insn.code & CLASS_MASK) === CLASS.jmp;
  const fromRegister = (insn.code & SOURCE.reg) !== 0;
  switch (op) {
    case CALL: {
      const callee = Object.values(CALLEE).some((src) => src === insn.src);
      const off = insn.src === CALLEE.kfunc ? 0 : insn.off;
      return !callee || off !== 0 || insn.dst !== 0 ? reserved('BPF_CALL') : undefined;
    }
    case JA: {
      if (fromRegister) return insn.src | insn.imm | insn.off ? reserved('BPF_JA|BPF_X') : undefined;
      return insn.src !== 0 || insn.dst !== 0 || (wide ? insn.imm : insn.off) !== 0 ? reserved('BPF_JA') : undefined;
    }
    case EXIT:
      return insn.imm !== 0 || insn.src !== 0 || insn.dst !== 0 ? reserved('BPF_EXIT') : undefined;
    case JCOND:
      return insn.src | insn.dst | insn.imm ? violation('EINVAL', `invalid may_goto imm ${insn.imm}`) : undefined;
    default:
      return (fromRegister ? insn.imm : insn.src) !== 0 ? reserved('BPF_JMP/JMP32') : undefined;
  }
}

export const isAtomic = (insn: Insn): boolean => (insn.code & (CLASS_MASK | MODE_MASK)) === (CLASS.stx | MODE.atomic);

/** What only shows when the instruction is reached: an atomic operation that does not exist. */
export function atomicFault(insn: Insn): Violation | undefined {
  const fetching = Object.values(ATOMIC).some(({ code }) => insn.imm === code || insn.imm === (code | ATOMIC_FETCH));
  if (insn.imm === LOAD_ACQUIRE || insn.imm === STORE_RELEASE) return undefined;
  if (!fetching) {
    const code = (insn.imm >>> 0).toString(16).padStart(2, '0');
    return violation('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${code}`);
  }
  const size = insn.code & SIZE_MASK;
  const ok = size === SIZE_BITS[4] || size === SIZE_BITS[8];
  return ok ? undefined : violation('EINVAL', 'invalid atomic operand size');
}

function loadPacketFault(insn: Insn): Violation | undefined {
  const absolute = (insn.code & MODE_MASK) === MODE.abs;
  const bad = insn.dst !== 0 || insn.off !== 0 || (absolute && insn.src !== 0);
  return bad ? reserved('BPF_LD_[ABS|IND]') : undefined;
}

function fieldFault(insn: Insn): Violation | undefined {
  switch (insn.code & CLASS_MASK) {
    case CLASS.alu:
    case CLASS.alu64:
      return aluFault(insn);
    case CLASS.ldx:
      return insn.imm !== 0 ? reserved('BPF_LDX') : undefined;
    case CLASS.st:
      return insn.src !== 0 ? reserved('BPF_ST') : undefined;
    case CLASS.stx:
      if (isAtomic(insn)) return undefined;
      return insn.imm !== 0 ? reserved('BPF_STX') : undefined;
    case CLASS.ld:
      return loadPacketFault(insn);
    default:
      return jumpFault(insn);
  }
}

/** r11, through which functions of other architectures pass a sixth and further arguments, is not for us. */
function registerFault(insn: Insn): Violation | undefined {
  if (insn.dst > FRAME_POINTER) return violation('EINVAL', `R${insn.dst} is invalid`);
  if (insn.src > FRAME_POINTER) return violation('EINVAL', `R${insn.src} is invalid`);
  return undefined;
}

const PSEUDO_SOURCES = Object.values(PSEUDO);

function wideFault(insn: Insn, second: Insn | undefined): Violation | undefined {
  if (second === undefined || second.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0) {
    return violation('EINVAL', 'invalid bpf_ld_imm64 insn');
  }
  if (insn.off !== 0) return reserved('BPF_LD_IMM64');
  if (!PSEUDO_SOURCES.some((src) => src === insn.src)) return violation('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  const plainMap = insn.src === PSEUDO.map_fd || insn.src === PSEUDO.map_idx;
  if (plainMap && second.imm !== 0) return violation('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  return undefined;
}

/** The fault of a 64-bit immediate's two slots or of one other slot. */
function faultAt(insns: readonly Insn[], slot: number): Violation | undefined {
  const insn = insns[slot]!;
  const registers = registerFault(insn);
  if (registers !== undefined) return registers;
  if (insn.code === LD_IMM64) return wideFault(insn, insns[slot + 1]);
  if (!KNOWN_OPCODES.has(insn.code)) {
    return violation('EINVAL', `unknown opcode ${insn.code.toString(16).padStart(2, '0')}`);
  }
  return fieldFault(insn);
}

/** Calls `visit` on each instruction in turn; the first fault that it or the encoding rules find ends the pass. */
export function findEncodingFault(
  insns: readonly Insn[],
  visit: (slot: number) => Violation | undefined,
): EncodingFault | undefined {
  for (let slot = 0; slot < insns.length; slot++) {
    const found = faultAt(insns, slot) ?? visit(slot);
    if (found !== undefined) return { slot, violation: found };
    if (insns[slot]!.code === LD_IMM64) slot++;
  }
  return undefined;
}
