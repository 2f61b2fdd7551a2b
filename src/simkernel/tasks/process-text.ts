import type { Architecture } from '../arch/architecture.ts';
import type { Arena } from '../memory/arena.ts';
import type { ImageTexts } from '../memory/image-texts.ts';
import { layoutOf } from '../programs/image-layout.ts';
import type { Image } from '../programs/image.ts';
import type { Mapping } from './address-space.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';

/** A place in an image that somebody has put a breakpoint into. */
export interface TextProbe {
  readonly image: Image;
  /** From where the image is loaded. */
  readonly offset: number;
}

/** The text of one process: shared with everybody who runs the image until a breakpoint needs a copy of its own. */
export class ProcessText {
  private readonly arena: Arena;
  private readonly texts: ImageTexts;
  private readonly arch: Architecture;
  private readonly copies = new Map<Mapping, number>();
  /** What is at the addresses of breakpoints. */
  readonly breakpoints = new Map<number, TextProbe>();
  /** Address of the code that functions with a uretprobe return to; 0: there is none yet. */
  trampoline = 0;

  constructor(arena: Arena, texts: ImageTexts) {
    this.arena = arena;
    this.texts = texts;
    this.arch = texts.arch;
  }
  /** Arena offset of a text mapping's first byte. */
  bytesOf(mapping: Mapping): number {
    return this.copies.get(mapping) ?? this.texts.shared(mapping.image!);
  }
  /** set_swbp: the page becomes private, then its instruction a breakpoint. */
  insert(mapping: Mapping, probe: TextProbe): void {
    let at = this.copies.get(mapping);
    if (at === undefined) {
      const shared = this.texts.shared(mapping.image!);
      at = this.arena.allocate(mapping.size, PAGE_SIZE);
      this.arena.bytes.copyWithin(at, shared, shared + mapping.size);
      this.copies.set(mapping, at);
    }
    this.arena.bytes.set(this.arch.breakpoint.uprobe, at + probe.offset);
    this.breakpoints.set(mapping.start + probe.offset, probe);
  }
  /** set_orig_insn */
  remove(mapping: Mapping, { image, offset }: TextProbe): void {
    this.breakpoints.delete(mapping.start + offset);
    const at = this.copies.get(mapping);
    if (at === undefined) return;
    const { bytes } = layoutOf(image).text(this.arch);
    this.arena.bytes.set(bytes.subarray(offset, offset + this.arch.breakpoint.uprobe.length), at + offset);
  }
  release(): void {
    for (const [mapping, at] of this.copies) this.arena.free(at, mapping.size);
    this.copies.clear();
    this.breakpoints.clear();
  }
}
