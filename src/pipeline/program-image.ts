import {
  MACHINE_X86_64,
  readProgramFile,
  type FindDebugFile,
  type ProgramFile,
  type ProgramSection,
} from '../object/program-file.ts';
import type { Image } from '../simkernel/programs/image.ts';
import type { ImageLayout, ImageSection, LoadedAt } from '../simkernel/programs/image-layout.ts';
import { markBoundaries } from '../simkernel/programs/x86/decode.ts';
import { MachineProgram, UNRESOLVED, UNRESOLVED_STEP } from '../simkernel/programs/x86/machine-code.ts';
import { PAGE_SIZE } from '../abi/linux.ts';

const pageDown = (address: number): number => Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
const pageUp = (address: number): number => Math.ceil(address / PAGE_SIZE) * PAGE_SIZE;
/** Instructions of AArch64 have one length. */
const MACHINE_AARCH64 = 183;

/** Libraries that the machine stands in for. */
const PROVIDED = /^(libc|libm|libpthread|libdl|librt|ld-linux-x86-64)\.so/;

/** An executable or library of the host as the machine loads it; a string says why it cannot. */
export function programImage(path: string, bytes: Uint8Array, separate?: FindDebugFile): Image | string {
  const file = readProgramFile(bytes, separate);
  if ('problem' in file) return file.problem;
  const [first] = file.segments;
  if (first === undefined) return 'it has no segments to load';
  const base = pageDown(first.address);
  const shared = file.segments.filter(({ writable }) => !writable);
  const own = file.segments.filter(({ writable }) => writable);
  const ownStart = own.length === 0 ? undefined : pageDown(own[0]!.address) - base;
  const sharedEnd = Math.max(...shared.map(({ address, memorySize }) => address + memorySize - base), 0);
  if (ownStart !== undefined && pageUp(sharedEnd) > ownStart) return 'its writable segment is not behind the others';
  const last = own[own.length - 1];
  const ownEnd = last === undefined ? 0 : last.address + last.memorySize - base;
  const unresolved = unresolvedFunctions(file);
  const text = (): { readonly bytes: Uint8Array; readonly boundaries: Uint8Array } =>
    (made ??= loadText(file, base, ownStart ?? pageUp(sharedEnd)));
  let made: ReturnType<ImageLayout['text']> | undefined;
  const functions = file.functions.map(({ name, address, size }) => ({
    name,
    offset: address - base,
    size,
    callSite: 0,
  }));
  const layout: ImageLayout = {
    functions,
    byName: new Map(functions.map((row) => [row.name, row])),
    linkAddress: base,
    buildId: file.buildId,
    isFixed: file.isFixed,
    textEnd: ownStart ?? pageUp(sharedEnd),
    segments: file.segments.map((row) => ({
      offset: row.address - base,
      fileOffset: row.fileOffset,
      size: row.fileSize,
      executable: row.executable,
      writable: row.writable,
    })),
    sections: file.sections.slice(1).map((section) => describeSection(section, base)),
    variables: file.variables.map(({ name, address, size }) => ({
      name,
      offset: address - base,
      size,
      store: () => undefined,
    })),
    dataBytes: ownStart === undefined ? 0 : ownEnd - ownStart,
    storeData(view, at, loaded) {
      if (ownStart !== undefined)
        storeData(file, new Uint8Array(view.buffer, at, ownEnd - ownStart), base + ownStart, loaded, unresolved);
    },
    usdt: file.probes.map(({ address, semaphore, ...probe }) => ({
      probe: { ...probe, in: '' },
      offset: address - base,
      semaphore: semaphore === 0 ? 0 : semaphore - base,
    })),
    get debug() {
      return (debug ??= { info: file.debug() }).info;
    },
    text,
  };
  let debug: { readonly info: ImageLayout['debug'] } | undefined;
  const code = {
    image: () => image,
    text: () => text().bytes,
    entry: file.entry - base,
    constructors: constructorsOf(file).map((address) => address - base),
    missingLibraries: file.needed.filter((name) => !PROVIDED.test(name)),
    unresolved,
  };
  const image: Image = {
    path,
    symbols: [],
    main:
      file.machine === MACHINE_X86_64 && file.entry !== 0 ? (u, argv) => new MachineProgram(u, code).run(argv) : null,
    layout,
  };
  return image;
}

function loadText(file: ProgramFile, base: number, size: number): ReturnType<ImageLayout['text']> {
  const bytes = new Uint8Array(size);
  const boundaries = new Uint8Array(size);
  for (const { address, fileOffset, fileSize, writable } of file.segments)
    if (!writable) bytes.set(file.bytes.subarray(fileOffset, fileOffset + fileSize), address - base);
  const code = file.sections.filter(({ flags }) => (flags & EXECUTABLE) !== 0);
  if (file.machine === MACHINE_AARCH64)
    for (const { address, size: length } of code)
      for (let at = 0; at < length; at += 4) boundaries[address - base + at] = 1;
  if (file.machine === MACHINE_X86_64)
    markBoundaries(
      bytes,
      boundaries,
      code.flatMap((section) => stretches(section, file, base)),
    );
  return { bytes, boundaries };
}
const WRITABLE = 1;
const EXECUTABLE = 4;

/** A section cut where symbols say that a function begins: what lies between two need not be code. */
function stretches(
  { address, size }: ProgramSection,
  file: ProgramFile,
  base: number,
): readonly { from: number; to: number }[] {
  const end = address + size;
  const starts = file.functions.map((symbol) => symbol.address).filter((at) => at > address && at < end);
  const cuts = [...new Set([address, ...starts])];
  return cuts.map((at, i) => ({ from: at - base, to: (cuts[i + 1] ?? end) - base }));
}

/** Numbers of the loader's relocations (System V ABI for AMD64, table 4.10). */
const RELOCATION = { absolute: 1, globalData: 6, jumpSlot: 7, relative: 8 } as const;
const ABSOLUTE: readonly number[] = [RELOCATION.absolute, RELOCATION.globalData, RELOCATION.jumpSlot];

/** Functions that another file should have. */
function unresolvedFunctions(file: ProgramFile): readonly string[] {
  const wanted = file.relocations.filter(
    ({ type, value, symbol }) => ABSOLUTE.includes(type) && value === 0 && symbol !== '',
  );
  return [...new Set(wanted.map(({ symbol }) => symbol))];
}

/** Weak references that nobody needs to have. */
const OPTIONAL = /^(__gmon_start__|_ITM_\w+)$/;

function storeData(
  file: ProgramFile,
  to: Uint8Array,
  start: number,
  loaded: LoadedAt,
  unresolved: readonly string[],
): void {
  for (const { address, fileOffset, fileSize, writable } of file.segments)
    if (writable) to.set(file.bytes.subarray(fileOffset, fileOffset + fileSize), address - start);
  const view = new DataView(to.buffer, to.byteOffset, to.length);
  const moved = file.isFixed ? 0 : loaded.base - pageDown(file.segments[0]!.address);
  const addressOf = (symbol: string, value: number): number => {
    if (value !== 0) return value + moved;
    if (OPTIONAL.test(symbol)) return 0;
    return loaded.addressOf(symbol) ?? UNRESOLVED + UNRESOLVED_STEP * unresolved.indexOf(symbol);
  };
  for (const { address, type, symbol, value, addend } of file.relocations) {
    const at = address - start;
    if (at < 0 || at + 8 > to.length) continue;
    if (type === RELOCATION.relative) view.setBigInt64(at, BigInt(moved + addend), true);
    else if (ABSOLUTE.includes(type))
      view.setBigInt64(at, BigInt(addressOf(symbol, value) + (type === RELOCATION.absolute ? addend : 0)), true);
  }
}

/** Functions that run before main: addresses in .init_array, as the linker left them. */
function constructorsOf(file: ProgramFile): readonly number[] {
  const section = file.sections.find(({ name }) => name === '.init_array');
  if (section === undefined) return [];
  const view = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.length);
  return Array.from({ length: Math.floor(section.bytes.length / 8) }, (_, i) => {
    const moved = file.relocations.find(({ address }) => address === section.address + 8 * i);
    return moved?.addend ?? Number(view.getBigUint64(8 * i, true));
  }).filter((address) => address !== 0);
}

const TYPE_NAMES: Readonly<Record<number, ImageSection['type']>> = {
  1: 'PROGBITS',
  2: 'SYMTAB',
  3: 'STRTAB',
  4: 'RELA',
  6: 'DYNAMIC',
  7: 'NOTE',
  8: 'NOBITS',
  11: 'DYNSYM',
};
const FLAG_LETTERS = ['W', 'A', 'X', '', 'M', 'S', 'I'];
function describeSection({ name, type, flags, address, fileOffset, size }: ProgramSection, base: number): ImageSection {
  return {
    name,
    type: TYPE_NAMES[type] ?? 'OTHER',
    flags: FLAG_LETTERS.filter((_, bit) => (flags & (1 << bit)) !== 0).join(''),
    offset: address === 0 ? 0 : address - base,
    fileOffset,
    size,
    executable: (flags & EXECUTABLE) !== 0,
    writable: (flags & WRITABLE) !== 0,
  };
}
