import * as arm64 from '../execution/arm64-code.ts';
import { INSTRUCTION_BYTES } from '../execution/arm64-code.ts';
import type { Code } from '../execution/code.ts';
import type { UserShape } from './user-shape.ts';

/** Of the frame record, which is all that unoptimised functions here keep on the stack. */
const RECORD_BYTES = 16;
/** mov x29, sp is an addition of nothing. */
const PROLOGUE = [arm64.PACIASP, arm64.pushPair(RECORD_BYTES), arm64.setFrame(0)];
const EPILOGUE = [arm64.popPair(RECORD_BYTES), arm64.AUTIASP, arm64.RET];

/** Writes a function of a program; the same name always gets the same instructions. */
export function emitArm64Function(text: Code, offset: number, shape: UserShape): void {
  const view = new DataView(text.bytes.buffer, text.bytes.byteOffset);
  const count = Math.floor(shape.size / INSTRUCTION_BYTES);
  const place = (at: number): number => Math.floor(at / INSTRUCTION_BYTES);
  const fixed = new Map<number, number>(shape.nops.map((nop) => [place(nop), arm64.NOP]));
  const before = place(shape.callSite) - 1;
  if (shape.number === undefined) fixed.set(before, arm64.CALL_REGISTER);
  else {
    fixed.set(before - 1, arm64.loadNumber(shape.number));
    fixed.set(before, arm64.SVC);
    EPILOGUE.forEach((word, i) => fixed.set(before + 1 + i, word));
  }
  PROLOGUE.forEach((word, i) => fixed.set(i, word));
  EPILOGUE.forEach((word, i) => fixed.set(count - EPILOGUE.length + i, word));
  let { seed } = shape;
  for (let at = 0; at < count; at += 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    const word = fixed.get(at) ?? arm64.FILLER[(seed >>> 16) % arm64.FILLER.length]!;
    view.setUint32(offset + at * INSTRUCTION_BYTES, word, true);
    text.boundaries[offset + at * INSTRUCTION_BYTES] = 1;
  }
}
