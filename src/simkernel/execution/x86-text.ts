import { hashText } from '../time/random.ts';
import { CALL_SITES } from './code.ts';
import type { Code, FunctionShape } from './code.ts';

const CALL = 0xe8;
/** Instructions that compilers emit a lot and that touch only registers: [weight is by repetition] bytes. */
const FILLER: readonly (readonly number[])[] = [
  [0x48, 0x89, 0xc7], // mov rdi,rax
  [0x48, 0x89, 0xde], // mov rsi,rbx
  [0x31, 0xc0], // xor eax,eax
  [0x48, 0x85, 0xc0], // test rax,rax
  [0x48, 0x8b, 0x43, 0x18], // mov rax,[rbx+0x18]
  [0x4c, 0x8b, 0x63, 0x20], // mov r12,[rbx+0x20]
  [0x74, 0x00], // je +0
  [0x48, 0x8d, 0x7b, 0x08], // lea rdi,[rbx+8]
  [0x83, 0xe0, 0x0f], // and eax,15
  [0x49, 0x89, 0xc4], // mov r12,rax
  [0x48, 0x8b, 0x83, 0x90, 0x00, 0x00, 0x00], // mov rax,[rbx+0x90]
  [0x44, 0x89, 0xe2], // mov edx,r12d
];
const PROLOGUE = [0x55, 0x48, 0x89, 0xe5, 0x41, 0x54, 0x53]; // push rbp; mov rbp,rsp; push r12; push rbx
const EPILOGUE = [0x5b, 0x41, 0x5c, 0x5d, 0xc3]; // pop rbx; pop r12; pop rbp; ret
const INT3_PADDING = 0xcc;

/** Makes the instruction stream of a function, and where it calls: the same name always gives the same bytes. */
export function generateX86({ name, size, traceable, site: fixedSite }: FunctionShape): Code & {
  readonly sites: Uint16Array;
} {
  const bytes = new Uint8Array(size).fill(INT3_PADDING);
  const boundaries = new Uint8Array(size);
  const sites = new Uint16Array(CALL_SITES);
  let state = hashText(name, 0x9747b28c);
  let at = 0;
  const emit = (code: readonly number[]): void => {
    boundaries[at] = 1;
    bytes.set(code, at);
    at += code.length;
  };
  emit([0xf3, 0x0f, 0x1e, 0xfa]); // endbr64
  if (traceable) emit([0x0f, 0x1f, 0x44, 0x00, 0x00]);
  emit(PROLOGUE.slice(0, 1));
  emit(PROLOGUE.slice(1, 4));
  emit(PROLOGUE.slice(4, 6));
  emit(PROLOGUE.slice(6));
  const end = size - EPILOGUE.length;
  const gap = (end - at) / CALL_SITES;
  let site = 0;
  while (at + 8 <= end) {
    if (fixedSite !== undefined) {
      if (at + 5 === fixedSite) {
        emit([CALL, 0, 0, 0, 0]);
        continue;
      }
      // One-byte instructions up to the known call, so that it starts exactly where it must.
      if (at + 5 < fixedSite) {
        emit([0x90]);
        continue;
      }
    } else if (site < CALL_SITES && at >= 16 + gap * site) {
      emit([CALL, 0, 0, 0, 0]); // the target is filled in when the text is made visible
      sites[site++] = at;
      continue;
    }
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    emit(FILLER[(state >>> 16) % FILLER.length] ?? [0x90]);
  }
  while (site < CALL_SITES) sites[site++] = fixedSite ?? at;
  while (at < end) emit([0x90]);
  emit(EPILOGUE.slice(0, 1));
  emit(EPILOGUE.slice(1, 3));
  emit(EPILOGUE.slice(3, 4));
  emit(EPILOGUE.slice(4));
  return { bytes, boundaries, sites };
}

/** Points the call behind which execution goes on at `site` to a target; all are offsets in the image. */
export function linkX86(view: DataView, site: number, target: number): void {
  if (view.getUint8(site - 5) === CALL) view.setInt32(site - 4, target - site, true);
}
