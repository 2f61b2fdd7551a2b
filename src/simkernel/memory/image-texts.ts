import type { Architecture } from '../arch/architecture.ts';
import { layoutOf } from '../programs/image-layout.ts';
import type { Image } from '../programs/image.ts';
import type { Arena } from './arena.ts';
import { PAGE_SIZE } from './sizes.ts';

/** Text of executables in the page cache: read once, shown to every process that runs them. */
export class ImageTexts {
  private readonly arena: Arena;
  private readonly offsets = new Map<Image, number>();
  readonly arch: Architecture;

  constructor(arena: Arena, arch: Architecture) {
    this.arena = arena;
    this.arch = arch;
  }
  /** Arena offset of an image's bytes from its start to the end of its text. */
  shared(image: Image): number {
    let at = this.offsets.get(image);
    if (at === undefined) {
      const { bytes } = layoutOf(image).text(this.arch);
      at = this.arena.allocate(Math.ceil(bytes.length / PAGE_SIZE) * PAGE_SIZE, PAGE_SIZE);
      this.arena.bytes.set(bytes, at);
      this.offsets.set(image, at);
    }
    return at;
  }
}
