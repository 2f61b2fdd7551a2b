import * as build from './builders.ts';
import type { Insn } from './instruction.ts';
import { type Mistake, immediate, isMistake, offset, parseBig, register, sizeOf, width } from './assembly-operands.ts';
import { foreignNotation } from './foreign-notation.ts';
import type { AluOp, JumpOp, PseudoKind } from './opcodes.ts';
import { ALU, ATOMIC, CALL, CLASS, JUMP, MODE, PSEUDO, SIZE_BITS, SOURCE } from './opcodes.ts';

/** Names the assembler resolves for the caller. */
export interface AssemblyNames {
  /** Number of the helper of this name (spelt as in the text, with or without `bpf_`). */
  readonly helper?: (name: string) => number | undefined;
  /** Number in BTF of the kernel's function or variable of this name. */
  readonly kernelFunction?: (name: string) => number | undefined;
  readonly kernelVariable?: (name: string) => number | undefined;
}

/** What a jump or an address of a function leads to. */
export interface Target {
  readonly text: string;
  readonly field: 'off' | 'imm';
}

/** One line's instructions, and what is yet to be found. */
export interface Statement {
  readonly insns: readonly Insn[];
  /** Jump, call or function address whose distance goes into `field` of the first slot. */
  readonly target?: Target;
  readonly map?: { readonly map: string; readonly offset?: number };
}

/** One form of the grammar: what a line looks like and what it means. A string is a mistake of the whole line. */
interface Form {
  readonly pattern: RegExp;
  readonly build: (match: readonly string[], names: AssemblyNames) => Statement | Mistake | string;
}

function escape(text: string): string {
  return text.replace(/[|^$+*/&=<>]/g, '\\$&');
}

/** Alternatives for a regular expression, longest first so that `s>>=` is not taken for `s>`. */
function alternatives(words: readonly string[]): string {
  return [...words]
    .sort((a, b) => b.length - a.length)
    .map(escape)
    .join('|');
}

const ALU_BY_MNEMONIC = new Map((Object.keys(ALU) as AluOp[]).map((op) => [ALU[op].mnemonic as string, op]));
const JUMP_BY_MNEMONIC = new Map((Object.keys(JUMP) as JumpOp[]).map((op) => [JUMP[op].mnemonic as string, op]));
const REG = '([rw])(\\d+)';
const NUMBER = '(-?(?:0x[0-9a-fA-F]+|\\d+))';
const PLACE = '\\( ?r(\\d+) ?([+-] ?\\d+) ?\\)';
const TYPE = '\\(u(8|16|32|64) \\*\\)';
const TARGET = '([A-Za-z_.][\\w.]*|(?:pc)?[+-]\\d+)';

const FORMS: readonly Form[] = [
  {
    pattern: form(`${REG} = -${REG}`),
    build: ([, kind, dst, kind2, src]) => {
      if (kind !== kind2 || dst !== src) return 'a negation works in place: write e.g. `r1 = -r1`';
      return one(build.neg(width(kind), register(dst)));
    },
  },
  {
    pattern: form(`${REG} = \\(s(8|16|32)\\) ?${REG}`),
    build: ([, kind, dst, bits, kind2, src]) => {
      if (kind !== kind2) return 'both registers must have the same width';
      if (kind === 'w' && bits === '32') return "a 32-bit move cannot extend from 32 bits; use 'r' registers";
      return one(build.movsx(width(kind), Number(bits) as 8 | 16 | 32, register(dst), register(src)));
    },
  },
  {
    pattern: form(`r(\\d+) = (le|be|bswap)(16|32|64) r(\\d+)`),
    build: ([, dst, order, bits, src]) => {
      if (dst !== src) return 'a byte swap works in place: write e.g. `r1 = be16 r1`';
      return one(build.swapBytes(order as 'le' | 'be' | 'bswap', Number(bits) as 16 | 32 | 64, register(dst)));
    },
  },
  {
    pattern: form(`r(\\d+) = ${NUMBER} ?ll`),
    build: ([, dst, value]) => {
      const word = parseBig(value!);
      if (word < -(1n << 63n) || word >= 1n << 64n)
        return { message: `${value} does not fit in 64 bits`, word: value! };
      return { insns: build.loadImm64(register(dst), word) };
    },
  },
  {
    pattern: form(`r(\\d+) = map\\[([\\w.]+)\\](?: ?\\+ ?(\\d+))?`),
    build: ([, dst, map, offset]) => ({
      insns: build.loadImm64(register(dst), 0n, offset === undefined ? 'map_fd' : 'map_value'),
      map: offset === undefined ? { map: map! } : { map: map!, offset: Number(offset) },
    }),
  },
  {
    pattern: form(`r(\\d+) = func\\[${TARGET}\\]`),
    build: ([, dst, target]) => ({
      insns: build.loadImm64(register(dst), 0n, 'func'),
      target: { text: target!, field: 'imm' },
    }),
  },
  {
    pattern: form(`r(\\d+) = (${Object.keys(PSEUDO).join('|')})\\[(-?\\d+)\\]([+-]\\d+)?`),
    build: ([, dst, pseudo, low, high]) => {
      const [first, second] = build.loadImm64(register(dst), 0n, pseudo as PseudoKind);
      return {
        insns: [
          { ...first, imm: Number(low) },
          { ...second, imm: Number(high ?? 0) },
        ],
      };
    },
  },
  {
    pattern: form(`r(\\d+) = btf_id\\[([A-Za-z_]\\w*)\\]`),
    build: ([, dst, name], { kernelVariable }) => {
      const id = kernelVariable?.(name!);
      if (id === undefined) return { message: `no variable '${name}' in the kernel's BTF`, word: name! };
      return { insns: build.loadImm64(register(dst), BigInt(id), 'btf_id') };
    },
  },
  {
    pattern: form(`r(\\d+) = \\*\\(([us])(8|16|32|64) \\*\\)${PLACE}`),
    build: ([, dst, sign, bits, src, off]) => {
      const size = sizeOf(bits);
      const at = offset(off);
      if (isMistake(at)) return at;
      if (sign === 'u') return one(build.load(size, register(dst), register(src), at));
      if (size === 8) return 'a signed load has at most 32 bits';
      return one(build.loadSigned(size, register(dst), register(src), at));
    },
  },
  {
    pattern: form(`\\*${TYPE}${PLACE} = (?:r(\\d+)|${NUMBER})`),
    build: ([, bits, dst, off, src, imm]) => {
      const at = offset(off);
      if (isMistake(at)) return at;
      if (src !== undefined) return one(build.store(sizeOf(bits), register(dst), at, register(src)));
      const value = immediate(imm!);
      return isMistake(value) ? value : one(build.storeImm(sizeOf(bits), register(dst), at, value));
    },
  },
  {
    pattern: form(`lock \\*${TYPE}${PLACE} (\\+=|\\|=|&=|\\^=) r(\\d+)`),
    build: ([, bits, dst, off, mnemonic, src]) =>
      atomicStatement(ALU_BY_MNEMONIC.get(mnemonic!)!, false, bits, dst, off, src),
  },
  {
    pattern: form(
      `r(\\d+) = atomic(?:64)?_(fetch_add|fetch_or|fetch_and|fetch_xor|xchg)\\( ?${TYPE}${PLACE}, r(\\d+)\\)`,
    ),
    build: ([, result, op, bits, dst, off, src]) => {
      if (result !== src) return 'an atomic operation returns the old value in its source register';
      return atomicStatement(op!.replace('fetch_', ''), true, bits, dst, off, src);
    },
  },
  {
    pattern: form(`r0 = atomic(?:64)?_cmpxchg\\( ?${TYPE}${PLACE}, r0, r(\\d+)\\)`),
    build: ([, bits, dst, off, src]) => atomicStatement('cmpxchg', true, bits, dst, off, src),
  },
  {
    pattern: form(`r(\\d+) = load_acquire\\( ?${TYPE}${PLACE}\\)`),
    build: ([, dst, bits, src, off]) => {
      const at = offset(off);
      return isMistake(at) ? at : one(build.loadAcquire(sizeOf(bits), register(dst), register(src), at));
    },
  },
  {
    pattern: form(`store_release\\( ?${TYPE}${PLACE}, r(\\d+)\\)`),
    build: ([, bits, dst, off, src]) => {
      const at = offset(off);
      return isMistake(at) ? at : one(build.storeRelease(sizeOf(bits), register(dst), at, register(src)));
    },
  },
  {
    pattern: form(`r0 = \\*${TYPE}skb\\[(?:r(\\d+) ?\\+ ?)?${NUMBER}\\]`),
    build: ([, bits, src, imm]) => {
      const value = immediate(imm!);
      if (isMistake(value)) return value;
      if (bits === '64') return 'a packet load has at most 32 bits';
      const mode = src === undefined ? MODE.abs : MODE.ind;
      const code = CLASS.ld | mode | SIZE_BITS[sizeOf(bits)];
      return one({ code, dst: 0, src: src === undefined ? 0 : register(src), off: 0, imm: value });
    },
  },
  {
    pattern: form(`if ${REG} (${alternatives([...JUMP_BY_MNEMONIC.keys()])}) (?:${REG}|${NUMBER}) goto ${TARGET}`),
    build: ([, kind, dst, mnemonic, kind2, src, imm, text]) => {
      const op = JUMP_BY_MNEMONIC.get(mnemonic!)!;
      const target: Target = { text: text!, field: 'off' };
      if (src !== undefined) {
        if (kind !== kind2) return 'both registers must have the same width';
        const make = kind === 'r' ? build.jumpReg : build.jump32Reg;
        return { insns: [make(op, register(dst), register(src), 0)], target };
      }
      const value = immediate(imm!);
      if (isMistake(value)) return value;
      const make = kind === 'r' ? build.jumpImm : build.jump32Imm;
      return { insns: [make(op, register(dst), value, 0)], target };
    },
  },
  {
    pattern: form(`${REG} (${alternatives([...ALU_BY_MNEMONIC.keys()])}) (?:${REG}|${NUMBER})`),
    build: ([, kind, dst, mnemonic, kind2, src, imm]) => {
      const op = ALU_BY_MNEMONIC.get(mnemonic!)!;
      if (src !== undefined) {
        if (kind !== kind2) return 'both registers must have the same width';
        return one((kind === 'r' ? build.alu64Reg : build.alu32Reg)(op, register(dst), register(src)));
      }
      const value = immediate(imm!);
      if (isMistake(value)) return value;
      return one((kind === 'r' ? build.alu64Imm : build.alu32Imm)(op, register(dst), value));
    },
  },
  { pattern: form(`goto ${TARGET}`), build: ([, text]) => jump(build.goto(0), text, 'off') },
  { pattern: form(`gotol ${TARGET}`), build: ([, text]) => jump(build.gotoLong(0), text, 'imm') },
  { pattern: form(`may_goto ${TARGET}`), build: ([, text]) => jump(build.mayGoto(0), text, 'off') },
  {
    pattern: form(`call kfunc(?::\\w+)?#(-?\\d+)`),
    build: ([, id]) => one(build.callKernel(Number(id))),
  },
  {
    pattern: form(`call kfunc:(\\w+)`),
    build: ([, name], { kernelFunction }) => {
      const id = kernelFunction?.(name!);
      if (id === undefined)
        return { message: `no function '${name}' of the kernel that programs may call`, word: name! };
      return one(build.callKernel(id));
    },
  },
  { pattern: form(`call \\w+#(-?\\d+)`), build: ([, id]) => one(build.callHelper(Number(id))) },
  { pattern: form(`call (\\d+)`), build: ([, id]) => one(build.callHelper(Number(id))) },
  {
    pattern: form(`call ${TARGET}`),
    build: ([, text], names) => {
      const id = names.helper?.(text!);
      return id === undefined ? jump(build.callSubprogram(0), text, 'imm') : one(build.callHelper(id));
    },
  },
  {
    pattern: form(`callx r(\\d+)`),
    build: ([, dst]) => one({ code: CLASS.jmp | CALL | SOURCE.reg, dst: register(dst), src: 0, off: 0, imm: 0 }),
  },
  { pattern: form('exit'), build: () => one(build.exit()) },
];

function form(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

/** The meaning of a line without comments. */
export function parseStatement(source: string, names: AssemblyNames): Statement | Mistake {
  const badRegister = [...source.matchAll(/\b[rw](\d+)\b/g)].find((match) => Number(match[1]) > 10)?.[0];
  if (badRegister !== undefined) return { message: `no register '${badRegister}': r0 to r10 exist`, word: badRegister };
  for (const { pattern, build: make } of FORMS) {
    const match = pattern.exec(source);
    if (match === null) continue;
    const made = make(match, names);
    return typeof made === 'string' ? { message: made } : made;
  }
  const hint = foreignNotation(source);
  return { message: `cannot read the instruction '${source}'`, ...(hint === undefined ? {} : { hint }) };
}

function atomicStatement(
  op: string,
  fetch: boolean,
  bits: string | undefined,
  dst: string | undefined,
  off: string | undefined,
  src: string | undefined,
): Statement | Mistake | string {
  const size = sizeOf(bits);
  const at = offset(off);
  if (isMistake(at)) return at;
  if (size !== 4 && size !== 8) return 'an atomic operation takes 32 or 64 bits';
  return one(build.atomic(op as keyof typeof ATOMIC, size, register(dst), at, register(src), fetch));
}

function one(insn: Insn): Statement {
  return { insns: [insn] };
}

function jump(insn: Insn, text: string | undefined, field: Target['field']): Statement {
  return { insns: [insn], target: { text: text!, field } };
}
