import { decode, isWide } from './decode.ts';
import type { Insn } from './instruction.ts';
import type { AccessSize } from './opcodes.ts';
import { ALU, JUMP } from './opcodes.ts';
import type { Operation } from './operation.ts';
import { joinHalves } from './words.ts';

/** Names that the instructions alone do not know. */
export interface DisassemblyNames {
  /** The helper with this number, e.g. `bpf_map_lookup_elem`. */
  readonly helper?: (id: number) => string | undefined;
  /** What a ld_imm64 loads, when it is not to be printed as a number. */
  readonly immediate64?: (insn: Insn, value: bigint) => string | undefined;
}

/**
 * One instruction in the words of the kernel's disassembler (kernel/bpf/disasm.c), without the opcode in front. `next` is
 * the following slot, needed by a 64-bit immediate.
 */
export function disassemble(insn: Insn, next?: Insn, names: DisassemblyNames = {}): string {
  const operation = decode(insn);
  if (operation === undefined) return `BUG_${hexByte(insn.code)}`;
  return printOperation(operation, insn, next, names);
}

/** A whole program, one line a slot: `3: (bf) r6 = r1`. The second slot of a wide instruction gets no line. */
export function disassembleProgram(insns: readonly Insn[], names: DisassemblyNames = {}): string {
  const lines: string[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    lines.push(`${slot}: (${hexByte(insn.code)}) ${disassemble(insn, insns[slot + 1], names)}`);
    if (isWide(insn)) slot++;
  }
  return lines.join('\n') + '\n';
}

/** Two hex digits, as the kernel prints an opcode. */
export function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function printOperation(operation: Operation, insn: Insn, next: Insn | undefined, names: DisassemblyNames): string {
  const { dst, src, off, imm } = insn;
  switch (operation.kind) {
    case 'alu': {
      const r = operation.width === 64 ? 'r' : 'w';
      return `${r}${dst} ${ALU[operation.op].mnemonic} ${operation.source === 'reg' ? `${r}${src}` : imm}`;
    }
    case 'neg': {
      const r = operation.width === 64 ? 'r' : 'w';
      return `${r}${dst} = -${r}${dst}`;
    }
    case 'movsx': {
      const r = operation.width === 64 ? 'r' : 'w';
      return `${r}${dst} = (s${operation.bits})${r}${src}`;
    }
    case 'end':
      return `r${dst} = ${operation.order}${operation.bits} r${dst}`;
    case 'jump': {
      const r = operation.width === 64 ? 'r' : 'w';
      const right = operation.source === 'reg' ? `${r}${src}` : `0x${(imm >>> 0).toString(16)}`;
      return `if ${r}${dst} ${JUMP[operation.op].mnemonic} ${right} goto ${pc(off)}`;
    }
    case 'ja':
      return operation.wide ? `gotol ${pc(imm)}` : `goto ${pc(off)}`;
    case 'may_goto':
      return `may_goto ${pc(off)}`;
    case 'call':
      if (operation.callee === 'subprogram') return `call ${pc(imm)}`;
      if (operation.callee === 'kfunc')
        return `call kfunc${names.helper === undefined ? '' : `:${names.helper(imm) ?? 'unknown'}`}#${imm}`;
      return `call ${names.helper?.(imm) ?? 'unknown'}#${imm}`;
    case 'callx':
      return `callx r${dst}`;
    case 'exit':
      return 'exit';
    case 'load':
      return `r${dst} = *(${operation.signed ? 's' : 'u'}${operation.size * 8} *)(r${src} ${signed(off)})`;
    case 'store':
      return `${cell(operation.size, dst, off)} = ${operation.source === 'reg' ? `r${src}` : imm}`;
    case 'atomic':
      return printAtomic(operation, insn);
    case 'load_acquire':
      return `r${dst} = load_acquire(${pointer(operation.size, src, off)})`;
    case 'store_release':
      return `store_release(${pointer(operation.size, dst, off)}, r${src})`;
    case 'ld_imm64':
      return `r${dst} = ${printImmediate(operation.pseudo, insn, next, names)}`;
    case 'ld_packet': {
      const type = `*(u${operation.size * 8} *)`;
      return operation.mode === 'abs' ? `r0 = ${type}skb[${imm}]` : `r0 = ${type}skb[r${src} + ${imm}]`;
    }
  }
}

function printAtomic(operation: Extract<Operation, { kind: 'atomic' }>, { dst, src, off }: Insn): string {
  const { op, size, fetch } = operation;
  const prefix = size === 8 ? 'atomic64' : 'atomic';
  const target = pointer(size, dst, off);
  if (op === 'cmpxchg') return `r0 = ${prefix}_cmpxchg(${target}, r0, r${src})`;
  if (op === 'xchg') return `r${src} = ${prefix}_xchg(${target}, r${src})`;
  if (fetch) return `r${src} = ${prefix}_fetch_${op}(${target}, r${src})`;
  return `lock ${cell(size, dst, off)} ${ALU[op].mnemonic} r${src}`;
}

/** Pseudo loads have no spelling in the kernel, which has resolved them by then; these are ours. */
function printImmediate(
  pseudo: Extract<Operation, { kind: 'ld_imm64' }>['pseudo'],
  insn: Insn,
  next: Insn | undefined,
  names: DisassemblyNames,
): string {
  const high = next?.imm ?? 0;
  const value = joinHalves(insn.imm, high);
  const named = names.immediate64?.(insn, value);
  if (named !== undefined) return named;
  if (pseudo === 'none') return `0x${value.toString(16)}ll`;
  if (pseudo === 'func') return `func[${pc(insn.imm)}]`;
  return `${pseudo}[${insn.imm}]${high === 0 ? '' : signed(high)}`;
}

function cell(size: AccessSize, register: number, off: number): string {
  return `*${pointer(size, register, off)}`;
}

function pointer(size: AccessSize, register: number, off: number): string {
  return `(u${size * 8} *)(r${register} ${signed(off)})`;
}

function pc(offset: number): string {
  return `pc${signed(offset)}`;
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}
