import * as build from './builders.ts';
import type { Insn } from './instruction.ts';
import type { AccessSize, AluOp, JumpOp, PseudoKind } from './opcodes.ts';
import { ALU, ATOMIC, CALL, CLASS, JUMP, MODE, PSEUDO, SIZE_BITS, SOURCE } from './opcodes.ts';

/** Names the assembler resolves for the caller. */
export interface AssemblyNames {
  /** Number of the helper of this name (spelt as in the text, with or without `bpf_`). */
  readonly helper?: (name: string) => number | undefined;
}

/** `rD = map[name]` or `rD = map[name]+offset`: the caller knows which map that is. */
export interface MapReference {
  readonly slot: number;
  readonly map: string;
  readonly offset?: number;
}

export interface AssembledProgram {
  readonly insns: readonly Insn[];
  /** Slot of each label. */
  readonly labels: ReadonlyMap<string, number>;
  readonly mapReferences: readonly MapReference[];
  /** 1-based line of the text from which the instruction at each of these slots is. */
  readonly lines: readonly { readonly slot: number; readonly line: number }[];
}

export interface AssemblyError {
  /** 1-based line of the text. */
  readonly line: number;
  readonly message: string;
}

export type AssemblyResult =
  | { readonly ok: true; readonly program: AssembledProgram }
  | { readonly ok: false; readonly errors: readonly AssemblyError[] };

/**
 * Reads what `disassemble` prints, one instruction a line. Besides: `label:` lines, labels as targets of jumps, calls and
 * `func[label]`, hex or decimal immediates, `;` and `//` comments, a `3: (bf)` in front.
 */
export function assemble(text: string, names: AssemblyNames = {}): AssemblyResult {
  const errors: AssemblyError[] = [];
  const statements: { line: number; slot: number; statement: Statement }[] = [];
  const labels = new Map<string, number>();
  let slot = 0;
  linesOf(text).forEach((raw, index) => {
    const line = index + 1;
    const code = stripComment(raw).trim();
    const label = /^([A-Za-z_.][\w.]*):$/.exec(code)?.[1];
    if (label !== undefined) {
      if (labels.has(label)) errors.push({ line, message: `label '${label}' is defined twice` });
      labels.set(label, slot);
      return;
    }
    const source = stripPlace(code);
    if (source === '') return;
    const statement = parseStatement(source, names);
    if (typeof statement === 'string') {
      errors.push({ line, message: statement });
      return;
    }
    statements.push({ line, slot, statement });
    slot += statement.insns.length;
  });

  const insns: Insn[] = [];
  const mapReferences: MapReference[] = [];
  for (const { line, slot: at, statement } of statements) {
    const [first, ...rest] = statement.insns;
    const resolved = statement.target === undefined ? first! : resolve(first!, statement.target, at, labels);
    if (typeof resolved === 'string') errors.push({ line, message: resolved });
    else insns.push(resolved, ...rest);
    if (statement.map !== undefined) mapReferences.push({ slot: at, ...statement.map });
  }
  if (errors.length > 0) return { ok: false, errors: errors.sort((a, b) => a.line - b.line) };
  const lines = statements.map(({ slot: at, line }) => ({ slot: at, line }));
  return { ok: true, program: { insns, labels, mapReferences, lines } };
}

interface Target {
  readonly text: string;
  readonly field: 'off' | 'imm';
}

interface Statement {
  readonly insns: readonly Insn[];
  /** Jump, call or function address whose distance goes into `field` of the first slot. */
  readonly target?: Target;
  readonly map?: { readonly map: string; readonly offset?: number };
}

/** The lines of a text; some editors end them with CR LF. */
export const linesOf = (text: string): string[] => text.split(/\r?\n/);

/** What stands in front of a comment. */
export function stripComment(line: string): string {
  const at = line.search(/;|\/\//);
  return at < 0 ? line : line.slice(0, at);
}

/** An instruction without what a listing puts in front of it. */
function stripPlace(code: string): string {
  return code
    .replace(/^\d+:\s*/, '')
    .replace(/^\([0-9a-f]{2}\)\s*/, '')
    .replace(/\s+/g, ' ');
}

function resolve(insn: Insn, target: Target, slot: number, labels: ReadonlyMap<string, number>): Insn | string {
  const literal = /^(?:pc)?([+-]\d+)$/.exec(target.text)?.[1];
  let distance: number;
  if (literal !== undefined) {
    distance = Number(literal);
  } else {
    const at = labels.get(target.text);
    if (at === undefined) return `unknown label '${target.text}'`;
    distance = at - slot - 1;
  }
  const bits = target.field === 'off' ? 16 : 32;
  if (distance < -(2 ** (bits - 1)) || distance >= 2 ** (bits - 1)) {
    return `jump distance ${distance} does not fit in ${bits} bits${bits === 16 ? "; use 'gotol'" : ''}`;
  }
  return { ...insn, [target.field]: distance };
}

/** One form of the grammar: what a line looks like and what it means. A string is an error. */
interface Form {
  readonly pattern: RegExp;
  readonly build: (match: readonly string[], names: AssemblyNames) => Statement | string;
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
      if (word < -(1n << 63n) || word >= 1n << 64n) return `${value} does not fit in 64 bits`;
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
    pattern: form(`r(\\d+) = \\*\\(([us])(8|16|32|64) \\*\\)${PLACE}`),
    build: ([, dst, sign, bits, src, off]) => {
      const size = sizeOf(bits);
      const at = offset(off);
      if (typeof at === 'string') return at;
      if (sign === 'u') return one(build.load(size, register(dst), register(src), at));
      if (size === 8) return 'a signed load has at most 32 bits';
      return one(build.loadSigned(size, register(dst), register(src), at));
    },
  },
  {
    pattern: form(`\\*${TYPE}${PLACE} = (?:r(\\d+)|${NUMBER})`),
    build: ([, bits, dst, off, src, imm]) => {
      const at = offset(off);
      if (typeof at === 'string') return at;
      if (src !== undefined) return one(build.store(sizeOf(bits), register(dst), at, register(src)));
      const value = immediate(imm!);
      return typeof value === 'string' ? value : one(build.storeImm(sizeOf(bits), register(dst), at, value));
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
      return typeof at === 'string' ? at : one(build.loadAcquire(sizeOf(bits), register(dst), register(src), at));
    },
  },
  {
    pattern: form(`store_release\\( ?${TYPE}${PLACE}, r(\\d+)\\)`),
    build: ([, bits, dst, off, src]) => {
      const at = offset(off);
      return typeof at === 'string' ? at : one(build.storeRelease(sizeOf(bits), register(dst), at, register(src)));
    },
  },
  {
    pattern: form(`r0 = \\*${TYPE}skb\\[(?:r(\\d+) ?\\+ ?)?${NUMBER}\\]`),
    build: ([, bits, src, imm]) => {
      const value = immediate(imm!);
      if (typeof value === 'string') return value;
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
      if (typeof value === 'string') return value;
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
      if (typeof value === 'string') return value;
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

function parseStatement(source: string, names: AssemblyNames): Statement | string {
  const badRegister = [...source.matchAll(/\b[rw](\d+)\b/g)].find((match) => Number(match[1]) > 10);
  if (badRegister !== undefined) return `no register '${badRegister[0]}': r0 to r10 exist`;
  for (const { pattern, build: make } of FORMS) {
    const match = pattern.exec(source);
    if (match !== null) return make(match, names);
  }
  return `cannot read the instruction '${source}'`;
}

function atomicStatement(
  op: string,
  fetch: boolean,
  bits: string | undefined,
  dst: string | undefined,
  off: string | undefined,
  src: string | undefined,
): Statement | string {
  const size = sizeOf(bits);
  const at = offset(off);
  if (typeof at === 'string') return at;
  if (size !== 4 && size !== 8) return 'an atomic operation takes 32 or 64 bits';
  return one(build.atomic(op as keyof typeof ATOMIC, size, register(dst), at, register(src), fetch));
}

function one(insn: Insn): Statement {
  return { insns: [insn] };
}

function jump(insn: Insn, text: string | undefined, field: Target['field']): Statement {
  return { insns: [insn], target: { text: text!, field } };
}

function width(kind: string | undefined): 32 | 64 {
  return kind === 'r' ? 64 : 32;
}

function register(text: string | undefined): number {
  return Number(text);
}

function sizeOf(bits: string | undefined): AccessSize {
  return (Number(bits) / 8) as AccessSize;
}

function offset(text: string | undefined): number | string {
  const value = Number(text!.replace(' ', ''));
  return value < -0x8000 || value > 0x7fff ? `offset ${value} does not fit in 16 bits` : value;
}

/** A 32-bit immediate: signed, or unsigned as the kernel prints it in jumps. */
function immediate(text: string): number | string {
  const value = parseBig(text);
  if (value < -(1n << 31n) || value >= 1n << 32n) return `${text} does not fit in 32 bits`;
  return Number(BigInt.asIntN(32, value));
}

function parseBig(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}
