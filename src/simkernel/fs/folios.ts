import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Inode } from './file.ts';

const FOLIO = structFields('folio', { mapping: 'mapping', index: 'index' });
/** So many struct folios exist at once; page frames share them in turn, since nobody keeps one. */
const COUNT = 512;

/** struct folio: the page of a file, or of a process. */
export interface Folio extends KernelObject {
  inode: Inode | null;
  index: number;
}

/** Structs of the pages that functions pass around: filled in when a page is passed, with its file and place in it. */
export class Folios {
  private readonly folios: readonly Folio[];
  private readonly words: Int32Array;

  constructor(m: Machine) {
    this.words = m.words;
    const at = m.arena.allocate(FOLIO.size * COUNT, 64);
    this.folios = Array.from({ length: COUNT }, (_, i) => ({ address: at + FOLIO.size * i, inode: null, index: 0 }));
  }
  /** The page of a file. */
  of(inode: Inode, index: number): Folio {
    return this.fill((inode.ino * 31 + index) % COUNT, inode, index);
  }
  /** The page of a frame that belongs to no file. */
  page(frame: number): Folio {
    return this.fill(frame % COUNT, null, frame);
  }
  private fill(at: number, inode: Inode | null, index: number): Folio {
    const folio = this.folios[at]!;
    folio.inode = inode;
    folio.index = index;
    storeWord(this.words, folio.address + FOLIO.mapping, inode?.mapping ?? null);
    storeNumber(this.words, folio.address + FOLIO.index, index);
    return folio;
  }
}
/** Page frames of files are not numbered one by one: a file's page always shows the same number, made of inode and index. */
export function frameOf({ inode, index }: Folio): number {
  return inode === null ? index : 0x10_0000 + ((inode.ino * 4099 + index) & 0xf_ffff);
}
