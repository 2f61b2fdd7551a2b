import type { ProgramSection } from './program-file.ts';

/** Where a program says that its debugging information is: by name and checksum, or by its build id. */
export interface DebugLink {
  readonly name: string | undefined;
  readonly checksum: number;
  /** In hexadecimal; empty without. */
  readonly buildId: string;
}

const NOTE_BUILD_ID = 3;

export function readDebugLink(sections: readonly ProgramSection[]): DebugLink | undefined {
  const link = sections.find(({ name }) => name === '.gnu_debuglink')?.bytes;
  const buildId = buildIdOf(sections);
  const end = link?.indexOf(0) ?? -1;
  // Behind the name and its padding; objcopy(1), --add-gnu-debuglink.
  const at = (end + 4) & ~3;
  if (link === undefined || end <= 0 || at + 4 > link.length) {
    return buildId === '' ? undefined : { name: undefined, checksum: 0, buildId };
  }
  const checksum = new DataView(link.buffer, link.byteOffset).getUint32(at, true);
  const name = new TextDecoder().decode(link.subarray(0, end));
  // A name, no path: a program does not choose which folders are looked into.
  return { name: name.includes('/') ? undefined : name, checksum, buildId };
}
export function buildIdOf(sections: readonly ProgramSection[]): string {
  const note = sections.find(({ name }) => name === '.note.gnu.build-id')?.bytes;
  if (note === undefined || note.length < 16) return '';
  const view = new DataView(note.buffer, note.byteOffset, note.length);
  const [nameSize, size, type] = [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
  const start = 12 + ((nameSize + 3) & ~3);
  if (type !== NOTE_BUILD_ID || start + size > note.length) return '';
  return Array.from(note.subarray(start, start + size), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Files that may hold it, in the order in which debuggers look: for a program in a folder. */
export function debugFileNames(folder: string, { name, buildId }: DebugLink): readonly string[] {
  const inFolder = (path: string): string => `${folder === '' || folder.endsWith('/') ? folder : `${folder}/`}${path}`;
  return [
    ...(buildId.length > 2 ? [`${GLOBAL}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`] : []),
    ...(name === undefined
      ? []
      : [
          inFolder(name),
          inFolder(`.debug/${name}`),
          ...(folder.startsWith('/') ? [`${GLOBAL}${folder}/${name}`] : []),
        ]),
  ];
}
const GLOBAL = '/usr/lib/debug';

let table: Uint32Array | undefined;
/** CRC-32 as gzip and .gnu_debuglink have it. */
export function checksumOf(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value >>> 0;
  });
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 0xff]!;
  return (value ^ 0xffffffff) >>> 0;
}
