import { printable } from './elf-reader.ts';
import type { ProgramSection } from './program-file.ts';

/** One place of a static probe, as `sys/sdt.h` leaves it in a file. */
export interface StaticProbe {
  readonly provider: string;
  readonly name: string;
  readonly address: number;
  /** Address of the counter of listeners; 0: it has none. */
  readonly semaphore: number;
  /** `-4@%edi 8@-16(%rbp)` */
  readonly operands: string;
}

const NOTES = '.note.stapsdt';
/** Its address when the notes were written; the linker may have moved it, and everything with it. */
const BASE = '.stapsdt.base';
const OWNER = 'stapsdt\0';
const VERSION = 3;
const HEADER_BYTES = 12;
const ADDRESS_BYTES = 24;

const aligned = (size: number): number => (size + 3) & ~3;

/** Notes that no tracer could use are left out. */
export function readStaticProbes(sections: readonly ProgramSection[]): readonly StaticProbe[] {
  const notes = sections.find(({ name }) => name === NOTES);
  if (notes === undefined) return [];
  const base = sections.find(({ name }) => name === BASE)?.address;
  const { bytes } = notes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const probes: StaticProbe[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const [nameSize, size, type] = [
      view.getUint32(at, true),
      view.getUint32(at + 4, true),
      view.getUint32(at + 8, true),
    ];
    const owner = at + HEADER_BYTES;
    const contents = owner + aligned(nameSize);
    if (contents + size > bytes.length) break;
    const isProbe = type === VERSION && text(bytes.subarray(owner, owner + nameSize)) === OWNER;
    const probe =
      isProbe && size >= ADDRESS_BYTES + 3 ? readNote(bytes.subarray(contents, contents + size), base) : undefined;
    if (probe !== undefined) probes.push(probe);
    at = contents + aligned(size);
  }
  return probes;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function readNote(bytes: Uint8Array, base: number | undefined): StaticProbe | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [address, linkedBase, semaphore] = [0, 8, 16].map((at) => Number(view.getBigUint64(at, true))) as [
    number,
    number,
    number,
  ];
  const [provider = '', name = '', operands = ''] = text(bytes.subarray(ADDRESS_BYTES)).split('\0').map(printable);
  if (name === '') return undefined;
  const moved = base === undefined ? 0 : base - linkedBase;
  return {
    provider,
    name,
    address: address + moved,
    semaphore: semaphore === 0 ? 0 : semaphore + moved,
    operands,
  };
}
