import { hashText } from '../time/random.ts';
import * as arm64 from './arm64-code.ts';
import { INSTRUCTION_BYTES } from './arm64-code.ts';
import { CALL_SITES } from './code.ts';
import type { Code, FunctionShape } from './code.ts';

/** bti c, then the two nops that ftrace turns into a call. */
const TRACEABLE_START = [arm64.BTI_C, arm64.NOP, arm64.NOP];
/** paciasp, sub, stp, add; ldp, add, autiasp, ret. */
const PROLOGUE_WORDS = 4;
const EPILOGUE_WORDS = 4;
/** What the frame record takes. */
const RECORD_BYTES = 16;

/** Offset of the first instruction that finds the function's own frame record set up. */
export function arm64FrameEnd(traceable: boolean): number {
  return INSTRUCTION_BYTES * (PROLOGUE_WORDS + (traceable ? TRACEABLE_START.length : 0));
}

/** Return addresses of the calls of a function, spread over its body. */
export function arm64Sites({ size, traceable, site }: Pick<FunctionShape, 'size' | 'traceable' | 'site'>): Uint16Array {
  const first = arm64FrameEnd(traceable);
  const last = Math.floor(size / INSTRUCTION_BYTES) - EPILOGUE_WORDS;
  const words = Math.max(1, last - first / INSTRUCTION_BYTES);
  return new Uint16Array(CALL_SITES).map((_, i) =>
    site === undefined
      ? first + INSTRUCTION_BYTES * (1 + Math.floor((i * words) / CALL_SITES))
      : Math.max(first + INSTRUCTION_BYTES, site - (site % INSTRUCTION_BYTES)),
  );
}

/**
 * Makes the instruction stream of a function as clang does: room for the frame first, then the frame record at its upper end.
 *
 *   x29 -> caller's x29 | return address   then the caller's frame
 */
export function generateArm64(shape: FunctionShape): Code {
  const { name, traceable, frameBytes } = shape;
  const count = Math.floor(shape.size / INSTRUCTION_BYTES);
  const bytes = new Uint8Array(shape.size);
  const boundaries = new Uint8Array(shape.size);
  const view = new DataView(bytes.buffer);
  const calls = new Set(Array.from(arm64Sites(shape), (site) => site / INSTRUCTION_BYTES - 1));
  const room = frameBytes + RECORD_BYTES;
  const start = [
    ...(traceable ? TRACEABLE_START : []),
    arm64.PACIASP,
    arm64.lowerStack(room),
    arm64.storePair(frameBytes),
    arm64.setFrame(frameBytes),
  ];
  const end = [arm64.loadPair(frameBytes), arm64.raiseStack(room), arm64.AUTIASP, arm64.RET];
  let state = hashText(name, 0x85ebca6b);
  const body = (at: number): number => {
    if (calls.has(at)) return arm64.CALL_REGISTER;
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return arm64.FILLER[(state >>> 16) % arm64.FILLER.length]!;
  };
  for (let at = 0; at < count; at += 1) {
    const word = start[at] ?? (at >= count - end.length ? end[at - (count - end.length)]! : body(at));
    view.setUint32(at * INSTRUCTION_BYTES, word, true);
    boundaries[at * INSTRUCTION_BYTES] = 1;
  }
  return { bytes, boundaries };
}
