import type { FunctionProtoType, TypeSet } from '../../btf/types.ts';
import { hashText } from '../time/random.ts';
import { imageTypes, parsePrototype } from './image-types.ts';
import type { Image, UsdtProbe } from './image.ts';
import { WRAPPER_RETURN } from './image-text.ts';
import type { Architecture } from '../arch/architecture.ts';
import type { Code } from '../execution/code.ts';
import { placeVariables } from './image-data.ts';
import type { PlacedVariable } from './image-data.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import { bug } from '../../source/bug.ts';

export interface ImageFunction {
  readonly name: string;
  /** From where the image is loaded. */
  readonly offset: number;
  readonly size: number;
  /** Return address, from the function's start, of the calls that it makes. */
  readonly callSite: number;
}

/** A static probe at one place. */
export interface UsdtSite {
  readonly probe: UsdtProbe;
  readonly offset: number;
  /** Of the counter, from where the image is loaded; 0: it has none. */
  readonly semaphore: number;
}

/** A stretch of the file and where it is in memory, from where the image is loaded. */
export interface ImageSegment {
  readonly offset: number;
  readonly fileOffset: number;
  readonly size: number;
  readonly executable: boolean;
  readonly writable: boolean;
}
export interface ImageSection extends ImageSegment {
  readonly name: string;
  readonly type: 'PROGBITS' | 'NOBITS' | 'NOTE' | 'SYMTAB' | 'DYNSYM' | 'STRTAB' | 'RELA' | 'DYNAMIC' | 'OTHER';
  readonly flags: string;
}
/** Where a process has an image, and what the libraries beside it define. */
export interface LoadedAt {
  readonly base: number;
  addressOf(symbol: string): number | undefined;
}
/** What compilers leave for debuggers. */
export interface ImageDebugInfo {
  readonly types: TypeSet;
  prototype(name: string): FunctionProtoType | undefined;
  readonly lineAddress?: (file: string, line: number, column: number) => number | string;
  /** Of an address as the file itself has them. */
  source?(address: number): AddressSource | undefined;
}
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}
/** Where in the source an instruction is: its function, if that is known, and what was inlined there, the innermost first. */
export interface AddressSource {
  readonly function: { readonly name: string; readonly address: number } | undefined;
  readonly place: SourcePlace | undefined;
  readonly inlined: readonly { readonly name: string; readonly place: SourcePlace | undefined }[];
}

/** Where the file has what is in memory there. */
export function fileOffsetOf({ segments }: ImageLayout, offset: number): number {
  const found = segments.find((row) => offset >= row.offset && offset < row.offset + row.size);
  return found === undefined ? offset : offset - found.offset + found.fileOffset;
}
/** The same the other way round. */
export function memoryOffsetOf({ segments }: ImageLayout, fileOffset: number): number {
  const found = segments.find((row) => fileOffset >= row.fileOffset && fileOffset < row.fileOffset + row.size);
  return found === undefined ? fileOffset : fileOffset - found.fileOffset + found.offset;
}

/** What an executable file says about itself. */
export interface ImageLayout {
  /** What the linker made of its contents, 20 bytes in hexadecimal; empty: it has none. */
  readonly buildId: string;
  readonly functions: readonly ImageFunction[];
  readonly byName: ReadonlyMap<string, ImageFunction>;
  /** Address that the file itself has for its first byte. */
  readonly linkAddress: number;
  /** It runs at that address only. */
  readonly isFixed: boolean;
  /** End of what processes share, from where the image is loaded; data of their own begin at the next page. */
  readonly textEnd: number;
  readonly segments: readonly ImageSegment[];
  readonly sections: readonly ImageSection[];
  readonly variables: readonly PlacedVariable[];
  /** Bytes of the data behind the text, page by page. */
  readonly dataBytes: number;
  /** Writes the data as a process first has them. */
  storeData(view: DataView, at: number, loaded: LoadedAt): void;
  readonly usdt: readonly UsdtSite[];
  readonly debug: ImageDebugInfo | undefined;
  /** The text as the file has it, from offset 0, with a 1 in `boundaries` where an instruction starts. */
  text(arch: Architecture): Code;
}

/** Text starts one page into the file; every function takes this many bytes. */
const TEXT_START = 0x1000;
const FUNCTION_BYTES = 0x200;
/** Static probes stand behind the last call. */
const FIRST_SITE = 0x130;
const SITE_GAP = 0x10;

const layouts = new WeakMap<Image, ImageLayout>();

export function layoutOf(image: Image): ImageLayout {
  let layout = layouts.get(image);
  if (layout === undefined) layouts.set(image, (layout = image.layout ?? declaredLayout(image)));
  return layout;
}

/** Programs of ours that make system calls themselves have no function of this name. */
const isWrapper = (image: Image, name: string): boolean => image.main === null && Object.hasOwn(SYSCALL_NUMBERS, name);

function callSiteOf(image: Image, name: string): number {
  return isWrapper(image, name) ? WRAPPER_RETURN : 0x20 + ((name.length * 13) & 0xff);
}

function declaredLayout(image: Image): ImageLayout {
  const types = image.structs === undefined ? undefined : imageTypes(image.structs);
  const prototypes = new Map<string, FunctionProtoType>();
  const functions = image.symbols.map((symbol, index): ImageFunction => {
    const name = typeof symbol === 'string' ? symbol : symbol.facts.name;
    const prototype =
      typeof symbol === 'string' ? (name === 'main' ? image.mainPrototype : undefined) : symbol.facts.prototype;
    if (prototype !== undefined && types !== undefined) prototypes.set(name, parsePrototype(prototype, types));
    return {
      name,
      offset: TEXT_START + index * FUNCTION_BYTES,
      size: (typeof symbol === 'string' ? undefined : symbol.facts.size) ?? FUNCTION_BYTES,
      callSite: callSiteOf(image, name),
    };
  });
  const byName = new Map(functions.map((row) => [row.name, row]));
  const textEnd = TEXT_START + functions.length * FUNCTION_BYTES;
  const data = placeVariables(image, types, textEnd);
  const sites = new Map<string, number>();
  const usdt = (image.usdt ?? []).map((probe): UsdtSite => {
    const index = sites.get(probe.in) ?? 0;
    sites.set(probe.in, index + 1);
    const home = byName.get(probe.in);
    if (home === undefined) bug(`${image.path} has no function ${probe.in}`);
    return {
      probe,
      offset: home.offset + FIRST_SITE + index * SITE_GAP,
      semaphore: probe.semaphore === true ? data.semaphoreOf(probe) : 0,
    };
  });
  const made = new Map<Architecture, Code>();
  return {
    buildId: buildIdOf(image, functions),
    functions,
    byName,
    linkAddress: 0,
    isFixed: false,
    textEnd,
    ...declaredSections(textEnd, data.bytes),
    variables: data.variables,
    dataBytes: data.bytes,
    storeData(view, at, { base }) {
      const addressOf = (name: string): number =>
        base + (data.variables.find((variable) => variable.name === name)?.offset ?? 0);
      for (const variable of data.variables) variable.store(view, at + variable.offset - pageEnd(textEnd), addressOf);
    },
    usdt,
    debug: types === undefined ? undefined : { types, prototype: (name) => prototypes.get(name) },
    text(arch) {
      let text = made.get(arch);
      if (text === undefined) made.set(arch, (text = declaredText(arch, image, functions, usdt, textEnd)));
      return text;
    },
  };
}

/** As a linker makes it of a file's contents: another program has another one. */
function buildIdOf({ path }: Image, functions: readonly ImageFunction[]): string {
  const contents = `${path} ${functions.map(({ name, size }) => `${name}+${size}`).join(' ')}`;
  return Array.from({ length: BUILD_ID_SIZE / 4 }, (_, i) =>
    (hashText(contents, hashText(String(i))) >>> 0).toString(16).padStart(8, '0'),
  ).join('');
}
const BUILD_ID_SIZE = 20;

const pageEnd = (offset: number): number => Math.ceil(offset / PAGE_SIZE) * PAGE_SIZE;

/** One segment of text and one of data, at the same places in file and memory. */
function declaredSections(textEnd: number, dataBytes: number): Pick<ImageLayout, 'segments' | 'sections'> {
  const text = {
    offset: TEXT_START,
    fileOffset: TEXT_START,
    size: textEnd - TEXT_START,
    executable: true,
    writable: false,
  };
  const data = {
    offset: pageEnd(textEnd),
    fileOffset: pageEnd(textEnd),
    size: dataBytes,
    executable: false,
    writable: true,
  };
  return {
    segments: dataBytes === 0 ? [text] : [text, data],
    sections: [{ ...text, name: '.text', type: 'PROGBITS', flags: 'AX' }],
  };
}

function declaredText(
  arch: Architecture,
  image: Image,
  functions: readonly ImageFunction[],
  usdt: readonly UsdtSite[],
  textEnd: number,
): Code {
  const text = { bytes: new Uint8Array(textEnd), boundaries: new Uint8Array(textEnd) };
  const size = FUNCTION_BYTES;
  for (const { name, offset, callSite } of functions) {
    const inside = usdt.filter((site) => site.offset >= offset && site.offset < offset + size);
    const nops = inside.map((site) => site.offset - offset);
    const number = isWrapper(image, name) ? SYSCALL_NUMBERS[name as keyof typeof SYSCALL_NUMBERS] : undefined;
    arch.userCode.emitFunction(text, offset, {
      size,
      callSite,
      nops,
      seed: hashText(name),
      ...(number === undefined ? {} : { number: arch.systemCallNumber(number) ?? number }),
    });
  }
  return text;
}
