import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/assemble.ts';
import * as build from '../../src/isa/builders.ts';
import { decode } from '../../src/isa/decode.ts';
import { disassemble } from '../../src/isa/disassemble.ts';
import type { Insn } from '../../src/isa/instruction.ts';

const { R0, R1, R2, R10 } = build;

test.each<[Insn, string]>([
  [build.load(8, R0, R10, -8), 'r0 = *(u64 *)(r10 -8)'],
  [build.loadSigned(1, R0, R1, 3), 'r0 = *(s8 *)(r1 +3)'],
  [build.alu32Imm('add', R1, 5), 'w1 += 5'],
  [build.alu64Imm('and', R1, -8), 'r1 &= -8'],
  [build.alu64Reg('sdiv', R1, R2), 'r1 s/= r2'],
  [build.alu32Reg('smod', R1, R2), 'w1 s%= w2'],
  [build.movsx(64, 8, R1, R2), 'r1 = (s8)r2'],
  [build.neg(32, R1), 'w1 = -w1'],
  [build.swapBytes('bswap', 64, R1), 'r1 = bswap64 r1'],
  [build.swapBytes('be', 16, R1), 'r1 = be16 r1'],
  [build.jumpImm('jsgt', R1, 5, 3), 'if r1 s> 0x5 goto pc+3'],
  [build.jump32Imm('jeq', R1, -1, -3), 'if w1 == 0xffffffff goto pc-3'],
  [build.goto(7), 'goto pc+7'],
  [build.gotoLong(-70000), 'gotol pc-70000'],
  [build.mayGoto(2), 'may_goto pc+2'],
  [build.callHelper(1), 'call bpf_map_lookup_elem#1'],
  [build.callHelper(999), 'call unknown#999'],
  [build.callSubprogram(4), 'call pc+4'],
  [build.store(4, R10, -16, R1), '*(u32 *)(r10 -16) = r1'],
  [build.storeImm(1, R10, -1, -7), '*(u8 *)(r10 -1) = -7'],
  [build.atomic('add', 8, R1, 0, R2), 'lock *(u64 *)(r1 +0) += r2'],
  [build.atomic('or', 4, R1, 4, R2, true), 'r2 = atomic_fetch_or((u32 *)(r1 +4), r2)'],
  [build.atomic('xchg', 8, R1, 0, R2), 'r2 = atomic64_xchg((u64 *)(r1 +0), r2)'],
  [build.atomic('cmpxchg', 8, R1, -8, R2), 'r0 = atomic64_cmpxchg((u64 *)(r1 -8), r0, r2)'],
  [build.loadAcquire(2, R1, R2, 6), 'r1 = load_acquire((u16 *)(r2 +6))'],
  [build.storeRelease(8, R1, 0, R2), 'store_release((u64 *)(r1 +0), r2)'],
  [build.exit(), 'exit'],
])('%o reads %s', (insn, text) => {
  const helper = (id: number): string | undefined => (id === 1 ? 'bpf_map_lookup_elem' : undefined);
  expect(disassemble(insn, undefined, { helper })).toBe(text);
});

test('a 64-bit immediate prints both halves', () => {
  const [first, second] = build.loadImm64(R1, 0xffff888000001234n);
  expect(disassemble(first, second)).toBe('r1 = 0xffff888000001234ll');
});

test.each<[string, Insn]>([
  ['a move of an unknown sign extension', { code: 0xbf, dst: 1, src: 2, off: 7, imm: 0 }],
  ['a negation by register', { code: 0x8f, dst: 1, src: 2, off: 0, imm: 0 }],
  ['a division variant other than signed', { code: 0x3f, dst: 1, src: 2, off: 2, imm: 0 }],
  ['a byte swap of 8 bits', { code: 0xdc, dst: 1, src: 0, off: 0, imm: 8 }],
  ['an atomic operation on a byte', { code: 0xd3, dst: 1, src: 2, off: 0, imm: 0 }],
  ['a sign-extending 64-bit load', { code: 0x99, dst: 1, src: 2, off: 0, imm: 0 }],
  ['an unknown atomic operation', { code: 0xdb, dst: 1, src: 2, off: 0, imm: 0xe0 }],
  ['a call of an unknown kind', { code: 0x85, dst: 0, src: 3, off: 0, imm: 1 }],
  ['a call in the 32-bit jump class', { code: 0x86, dst: 0, src: 0, off: 0, imm: 1 }],
])('%s is reserved', (_, insn) => {
  expect(decode(insn)).toBeUndefined();
});

test('labels become distances, also for calls, callbacks and backward jumps', () => {
  const result = assemble(`
    r2 = func[twice] ll_comment_free
  `);
  expect(result).toMatchObject({ ok: false });
  const good = assemble(`
top:                          ; a comment
    r2 = func[twice]
    if r2 == 0x0 goto top     // another
    call twice
    goto done
twice:
    r0 = 2
done:
    exit
  `);
  expect(good.ok && good.program.insns.map(({ off, imm }) => [off, imm])).toEqual([
    [0, 4],
    [0, 0],
    [-3, 0],
    [0, 1],
    [1, 0],
    [0, 2],
    [0, 0],
  ]);
  expect(good.ok && good.program.labels.get('done')).toBe(6);
});

test('map names are left for the caller to resolve', () => {
  const result = assemble('r1 = map[counts]\nr2 = map[counts]+8\nexit');
  expect(result.ok && result.program.mapReferences).toEqual([
    { slot: 0, map: 'counts' },
    { slot: 2, map: 'counts', offset: 8 },
  ]);
});

test.each<[text: string, message: string, word: string, hint?: string]>([
  ['r1 = frob r2', "cannot read the instruction 'r1 = frob r2'", 'r1 = frob r2'],
  ['  3: (bf) frob', "cannot read the instruction 'frob'", 'frob'],
  ['r11 = 1', "no register 'r11': r0 to r10 exist", 'r11'],
  ['goto nowhere', "unknown label 'nowhere'", 'nowhere', 'a label is a line of its own: `done:`'],
  ['call bpf_frob', "no helper and no label 'bpf_frob'", 'bpf_frob', 'a label is a line of its own: `done:`'],
  ['r1 += w2', 'both registers must have the same width', 'r1 += w2'],
  [
    'r1 = 4294967296 ; four giga',
    '4294967296 does not fit in 32 bits',
    '4294967296',
    'load it into a register first: `r1 = 4294967296 ll`',
  ],
  ['r1 = *(u8 *)(r2 +40000)', 'offset 40000 does not fit in 16 bits', '+40000', 'add the rest to the register first'],
  ['lock *(u8 *)(r1 +0) += r2', 'an atomic operation takes 32 or 64 bits', 'lock *(u8 *)(r1 +0) += r2'],
  [
    'mov r1, r2',
    "cannot read the instruction 'mov r1, r2'",
    'mov r1, r2',
    'instructions are written as the kernel prints them: `r1 = r2`',
  ],
  ['call kfunc:nothing', "no function 'nothing' of the kernel that programs may call", 'nothing'],
  ['r1 = btf_id[nothing]', "no variable 'nothing' in the kernel's BTF", 'nothing'],
])('%s: %s', (text, message, word, hint) => {
  const place = { line: 2, column: text.lastIndexOf(word) + 1, length: word.length };
  expect(assemble(`exit\n${text}`)).toEqual({
    ok: false,
    errors: [{ ...place, message, ...(hint === undefined ? {} : { hint }) }],
  });
});

test("functions and variables of the kernel are called by the caller's names for them", () => {
  const names = { kernelFunction: () => 7, kernelVariable: () => 9 };
  const named = assemble('call kfunc:bpf_task_release\nr1 = btf_id[runqueues]', names);
  const numbered = assemble('call kfunc#7\nr1 = btf_id[9]');
  expect(named.ok && named.program.insns).toEqual(numbered.ok && numbered.program.insns);
});
