import type { Code } from '../execution/code.ts';
import type { UserShape } from './user-shape.ts';

/** Address behind the `syscall` instruction, from the start of every wrapper of the C library. */
export const WRAPPER_RETURN = 0x17;

/** Instructions that compilers emit a lot and that touch only registers. */
const FILLER: readonly (readonly number[])[] = [
  [0x48, 0x89, 0xc7], // mov %rax,%rdi
  [0x48, 0x89, 0xde], // mov %rbx,%rsi
  [0x31, 0xc0], // xor %eax,%eax
  [0x48, 0x85, 0xc0], // test %rax,%rax
  [0x8b, 0x45, 0xfc], // mov -4(%rbp),%eax
  [0x48, 0x8b, 0x45, 0xf0], // mov -16(%rbp),%rax
  [0x89, 0xc2], // mov %eax,%edx
  [0x48, 0x98], // cltq
  [0x83, 0xc0, 0x01], // add $1,%eax
];
const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];
const PROLOGUE = [[0x55], [0x48, 0x89, 0xe5]]; // push %rbp; mov %rsp,%rbp
const EPILOGUE = [[0x5d], [0xc3]]; // pop %rbp; ret
const CALL = [0xe8, 0, 0, 0, 0];
const NOP = [0x90];
const SYSCALL = [0x0f, 0x05];
const INT3_PADDING = 0xcc;
const CALL_BYTES = 5;
const EPILOGUE_BYTES = 2;

/** Writes a function of the shape that gcc gives to unoptimised ones; the same name always gets the same bytes. */
export function emitFunction(text: Code, offset: number, shape: UserShape): void {
  const { size, number } = shape;
  text.bytes.fill(INT3_PADDING, offset, offset + size);
  let at = offset;
  const emit = (code: readonly number[]): void => {
    text.boundaries[at] = 1;
    text.bytes.set(code, at);
    at += code.length;
  };
  for (const code of [ENDBR64, ...PROLOGUE]) emit(code);
  if (number !== undefined) {
    emit([0xb8, number & 0xff, number >> 8, 0, 0]); // mov $number,%eax
    while (at < offset + WRAPPER_RETURN - SYSCALL.length) emit(NOP);
    emit(SYSCALL);
    for (const code of EPILOGUE) emit(code);
    return;
  }
  const marks = [
    { at: shape.callSite - CALL_BYTES, code: CALL },
    ...shape.nops.map((nop) => ({ at: nop, code: NOP })),
    { at: size - EPILOGUE_BYTES, code: undefined },
  ].sort((a, b) => a.at - b.at);
  let { seed } = shape;
  for (const mark of marks) {
    while (at < offset + mark.at) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      const code = FILLER[(seed >>> 16) % FILLER.length]!;
      emit(at + code.length > offset + mark.at ? NOP : code);
    }
    if (mark.code !== undefined) emit(mark.code);
  }
  for (const code of EPILOGUE) emit(code);
}
