import { malformed } from './malformed.ts';
import { BTF_HEADER_SIZE, BTF_KINDS, BTF_KIND_BY_CODE, BTF_MAGIC } from './wire.ts';

/** Strings may share their ends: without a limit a small blob could hold any number of long ones. */
const MAX_STRING = 4096;
/** So many names are searched for in the strings; then all of them are indexed. */
const MOST_SEARCHES = 200;

/** The sections of a little-endian BTF blob, and what stands in a type's record: `at` is where its header starts. */
export class BtfBlob {
  /** Where each type's header starts; entry 0 stands for void. */
  readonly offsets: readonly number[];
  readonly view: DataView;
  readonly #strings: string;
  readonly #stringBytes: Uint8Array;
  /** Names are compared by their offset in the string section, where each stands once: who looks up a few needs no index. */
  readonly #offsetsOfNames = new Map<string, number>();
  #isIndexed = false;
  /** Strings that .BTF.ext refers to; many lines share a file. */
  readonly #texts = new Map<number, string>();

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < BTF_HEADER_SIZE || view.getUint16(0, true) !== BTF_MAGIC) malformed('not a BTF blob');
    const headerSize = view.getUint32(4, true);
    const typesStart = headerSize + view.getUint32(8, true);
    const typesEnd = typesStart + view.getUint32(12, true);
    const stringsStart = headerSize + view.getUint32(16, true);
    const stringsEnd = stringsStart + view.getUint32(20, true);
    if (typesEnd > bytes.length || stringsEnd > bytes.length) malformed('a section ends behind the blob');
    this.view = view;
    this.#stringBytes = bytes.subarray(stringsStart, stringsEnd);
    // One native call; names are then slices of it.
    this.#strings = new TextDecoder('latin1').decode(this.#stringBytes);
    if (!this.#strings.startsWith('\0') || !this.#strings.endsWith('\0')) malformed('the strings are not between NULs');
    this.offsets = indexTypes(view, typesStart, typesEnd);
  }
  get typeCount(): number {
    return this.offsets.length - 1;
  }
  kindOf(at: number): number {
    return (this.view.getUint32(at + 4, true) >>> 24) & 0x1f;
  }
  vlenOf(at: number): number {
    return this.view.getUint32(at + 4, true) & 0xffff;
  }
  flagOf(at: number): boolean {
    return this.view.getUint32(at + 4, true) >>> 31 === 1;
  }
  nameOf(at: number): string {
    return this.stringAt(this.view.getUint32(at, true));
  }
  /** The type that it refers to, or its size. */
  refOf(at: number): number {
    return this.view.getUint32(at + 8, true);
  }
  word(at: number): number {
    return this.view.getUint32(at, true);
  }
  stringAt(offset: number): string {
    const rest = this.#strings.slice(offset, offset + MAX_STRING + 1);
    const length = rest.indexOf('\0');
    return length < 0
      ? malformed(`no name of up to ${MAX_STRING} bytes at ${offset} of the strings`)
      : rest.slice(0, length);
  }
  /** Where a name stands among the strings; 0 when none has it. */
  offsetOfName(name: string): number {
    const known = this.#offsetsOfNames.get(name);
    if (known !== undefined) return known;
    if (this.#isIndexed) return 0;
    if (this.#offsetsOfNames.size >= MOST_SEARCHES) {
      this.#indexStrings();
      return this.#offsetsOfNames.get(name) ?? 0;
    }
    const offset = this.#strings.indexOf(`\0${name}\0`) + 1;
    this.#offsetsOfNames.set(name, offset);
    return offset;
  }
  #indexStrings(): void {
    this.#isIndexed = true;
    let offset = 0;
    for (const text of this.#strings.split('\0')) {
      if (!this.#offsetsOfNames.get(text)) this.#offsetsOfNames.set(text, offset);
      offset += text.length + 1;
    }
  }
  /** A string as UTF-8, at most its first MAX_STRING bytes. */
  text(offset: number): string {
    let text = this.#texts.get(offset);
    if (text === undefined) {
      const rest = this.#stringBytes.subarray(offset, offset + MAX_STRING);
      const length = rest.indexOf(0);
      text = new TextDecoder().decode(length < 0 ? rest : rest.subarray(0, length));
      this.#texts.set(offset, text);
    }
    return text;
  }
}

function indexTypes(view: DataView, start: number, end: number): readonly number[] {
  const offsets = [0];
  let at = start;
  while (at + 12 <= end) {
    const info = view.getUint32(at + 4, true);
    const kind = BTF_KIND_BY_CODE[(info >>> 24) & 0x1f];
    if (kind === undefined) return malformed(`unknown BTF kind at ${at - start}`);
    offsets.push(at);
    at += 12 + BTF_KINDS[kind].fixed + BTF_KINDS[kind].each * (info & 0xffff);
  }
  if (at !== end) return malformed('BTF types overrun their section');
  return offsets;
}
