import { instructionLength, textSymbolAt } from '../../execution/text.ts';
import type { TextSymbol } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { JUMP_BYTES } from '../../probes/optimizable.ts';
import { kprobeOptimizer } from '../../probes/probed-text.ts';
import { nameOf } from '../../probes/symbols.ts';
import { layoutOf } from '../../programs/image-layout.ts';
import type { ImageFunction } from '../../programs/image-layout.ts';
import { imageSymbolAt } from '../../programs/image.ts';
import type { Image } from '../../programs/image.ts';

/** An instruction of a function, as objdump shows it. */
export interface Instruction {
  readonly address: string;
  /** Bytes from the function's start. */
  readonly offset: number;
  readonly raw: string;
  readonly text: string;
}

/** Address of the kernel's text by its offset in the image. */
export const kernelAddress = (offset: number): string =>
  `ffffffff${((offset | 0x80000000) >>> 0).toString(16).padStart(8, '0')}`;

/** The text of the running kernel, as a debugger on /proc/kcore would see it: with the probes that are in it now. */
export function kernelInstructions(m: Machine, symbol: TextSymbol): readonly Instruction[] {
  const { arena, arch } = m;
  m.visibleText.show(arena, symbol);
  const found: Instruction[] = [];
  for (let offset = 0; offset < symbol.size;) {
    const length = lengthAt(m, symbol, offset);
    const at = symbol.entry + offset;
    const code = arena.bytes.subarray(at, at + length);
    const text = arch.kernelCode.disassemble(code, at, (target) => kernelTarget(m, target));
    found.push({ address: kernelAddress(at), offset, raw: arch.kernelCode.rawText(code), text });
    offset += length;
  }
  return found;
}
/** Of a breakpoint or jump that probes have written, and of what is left of the instructions below it, too. */
function lengthAt(m: Machine, symbol: TextSymbol, offset: number): number {
  const at = symbol.entry + offset;
  const { kernelCode, breakpoint } = m.arch;
  if ((kprobeOptimizer(m).at(at)?.detour ?? 0) !== 0) return JUMP_BYTES;
  return m.breakpoints.has(at) ? breakpoint.kprobe.length : instructionLength(kernelCode, symbol, offset);
}
/** Where a call leads. */
function kernelTarget(m: Machine, target: number): string {
  const symbol = textSymbolAt(target);
  if (symbol === undefined) return '';
  return `<${nameOf(m, symbol)}${target === symbol.entry ? '' : `+0x${(target - symbol.entry).toString(16)}`}>`;
}

/** The text of a program or library as its file has it. */
export function imageInstructions(m: Machine, image: Image, { offset: start, size }: ImageFunction): Instruction[] {
  const layout = layoutOf(image);
  const { bytes, boundaries } = layout.text(m.arch);
  const found: Instruction[] = [];
  for (let at = start; at < start + size;) {
    let end = at + 1;
    while (end < start + size && boundaries[end] !== 1) end += 1;
    const code = bytes.subarray(at, end);
    const text = m.arch.kernelCode.disassemble(code, at, (target) => imageTarget(image, target));
    const address = (layout.linkAddress + at).toString(16);
    found.push({ address, offset: at - start, raw: m.arch.kernelCode.rawText(code), text });
    at = end;
  }
  return found;
}
function imageTarget(image: Image, target: number): string {
  const symbol = imageSymbolAt(image, target);
  if (symbol === undefined) return (layoutOf(image).linkAddress + target).toString(16);
  return `<${symbol.name}${symbol.offset === 0 ? '' : `+0x${symbol.offset.toString(16)}`}>`;
}
