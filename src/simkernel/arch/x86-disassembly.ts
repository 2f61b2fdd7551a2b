/*
 * Instructions of x86-64 (Intel SDM volume 2, one- and two-byte opcodes) as objdump writes them in AT&T syntax, as far as the
 * machine's text has them; others are left as bytes.
 */
const NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
/** Bits of a REX prefix. */
const REX = { w: 8, r: 4, b: 1 } as const;
const NO_BASE = 5;
const SIB = 4;

interface Operation {
  readonly name: string;
  /** Where the operands are: register and r/m of a ModRM byte, in the order that AT&T has them. */
  readonly operands: 'reg,rm' | 'rm,reg' | 'imm8,rm';
}
const MODRM: Readonly<Record<number, Operation>> = {
  0x31: { name: 'xor', operands: 'reg,rm' },
  0x83: { name: '', operands: 'imm8,rm' },
  0x85: { name: 'test', operands: 'reg,rm' },
  0x89: { name: 'mov', operands: 'reg,rm' },
  0x8b: { name: 'mov', operands: 'rm,reg' },
  0x8d: { name: 'lea', operands: 'rm,reg' },
};
/** What 0x83 does, by the register field. */
const IMMEDIATE_GROUP = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'];
const PLAIN: Readonly<Record<string, string>> = {
  '90': 'nop',
  c3: 'ret',
  cc: 'int3',
  '0f 05': 'syscall',
  '48 98': 'cltq',
  'f3 0f 1e fa': 'endbr64',
  '0f 1f 44 00 00': 'nopl   0x0(%rax,%rax,1)',
};

const hex = (value: number): string => `${value < 0 ? '-' : ''}0x${Math.abs(value).toString(16)}`;
function registerName(number: number, is64: boolean): string {
  if (number >= 8) return `%r${number}${is64 ? '' : 'd'}`;
  return `%${is64 ? 'r' : 'e'}${NAMES[number]!}`;
}
const line = (name: string, operands: string): string => `${name.padEnd(6)} ${operands}`;

/** The instruction whose bytes these are; `target` names where a call or jump leads. */
export function disassembleX86(code: Uint8Array, at: number, target: (offset: number) => string): string {
  const plain = PLAIN[Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ')];
  if (plain !== undefined) return plain;
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const hasRex = (code[0]! & 0xf0) === 0x40;
  const rex = hasRex ? code[0]! : 0;
  const start = hasRex ? 1 : 0;
  const opcode = code[start] ?? 0;
  if (opcode >= 0x50 && opcode < 0x60) {
    const register = registerName((opcode & 7) | ((rex & REX.b) << 3), true);
    return line(opcode < 0x58 ? 'push' : 'pop', register);
  }
  if (opcode === 0xe8 && code.length === 5) return line('call', target(at + 5 + view.getInt32(1, true)));
  if (opcode === 0xe9 && code.length === 5) return line('jmp', target(at + 5 + view.getInt32(1, true)));
  if (opcode === 0x74 && code.length === 2) return line('je', target(at + 2 + view.getInt8(1)));
  if (opcode === 0xb8 && code.length === 5) return line('mov', `$${hex(view.getUint32(1, true))},%eax`);
  const operation = MODRM[opcode];
  return operation === undefined ? '' : withModrm(operation, view, start + 1, rex);
}

function withModrm({ name, operands }: Operation, view: DataView, at: number, rex: number): string {
  const modrm = view.getUint8(at);
  const is64 = (rex & REX.w) !== 0;
  const field = (modrm >> 3) & 7;
  const mode = modrm >> 6;
  const base = (modrm & 7) | ((rex & REX.b) << 3);
  const width = mode === 1 ? 1 : mode === 2 ? 4 : 0;
  // Other forms of addresses are not in the text.
  if (mode !== 3 && ((modrm & 7) === SIB || (mode === 0 && (modrm & 7) === NO_BASE))) return '';
  const displacement = width === 1 ? view.getInt8(at + 1) : width === 4 ? view.getInt32(at + 1, true) : 0;
  const rm =
    mode === 3 ? registerName(base, is64) : `${width === 0 ? '' : hex(displacement)}(${registerName(base, true)})`;
  if (operands === 'imm8,rm') return line(IMMEDIATE_GROUP[field]!, `$${hex(view.getInt8(at + 1 + width))},${rm}`);
  const register = registerName(field | ((rex & REX.r) << 1), is64);
  return line(name, operands === 'reg,rm' ? `${register},${rm}` : `${rm},${register}`);
}
