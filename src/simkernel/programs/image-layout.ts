import type { FunctionProtoType, TypeSet } from '../../btf/types.ts';
import { hashText } from '../time/random.ts';
import { imageTypes, parsePrototype } from './image-types.ts';
import type { Image, UsdtProbe } from './image.ts';
import { emitFunction, WRAPPER_RETURN } from './image-text.ts';
import { placeVariables } from './image-data.ts';
import type { PlacedVariable } from './image-data.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';

export interface ImageFunction {
  readonly name: string;
  /** From where the image is loaded. */
  readonly offset: number;
  readonly size: number;
  /** Return address, from the function's start, of the calls that it makes. */
  readonly callSite: number;
  /** Where debugging information knows it. */
  readonly prototype?: FunctionProtoType;
}

/** A static probe at one place. */
export interface UsdtSite {
  readonly probe: UsdtProbe;
  readonly offset: number;
  /** Of the counter, from where the image is loaded; 0: it has none. */
  readonly semaphore: number;
}

/** What an executable file says about itself. */
export interface ImageLayout {
  readonly functions: readonly ImageFunction[];
  readonly byName: ReadonlyMap<string, ImageFunction>;
  /** End of the text, from where the image is loaded. */
  readonly textEnd: number;
  /** The text's address and place in the file: what the file offset of a probe is counted from. */
  readonly textAddress: number;
  readonly textFileOffset: number;
  readonly variables: readonly PlacedVariable[];
  /** Bytes of the data behind the text, page by page. */
  readonly dataBytes: number;
  readonly usdt: readonly UsdtSite[];
  /** Structures of its debugging information. */
  readonly types: TypeSet | undefined;
  /** The text as the file has it, from offset 0, with a 1 in `boundaries` where an instruction starts. */
  text(): { readonly bytes: Uint8Array; readonly boundaries: Uint8Array };
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
  const functions = image.symbols.map((symbol, index): ImageFunction => {
    const name = typeof symbol === 'string' ? symbol : symbol.facts.name;
    const prototype =
      typeof symbol === 'string' ? (name === 'main' ? image.mainPrototype : undefined) : symbol.facts.prototype;
    return {
      name,
      offset: TEXT_START + index * FUNCTION_BYTES,
      size: (typeof symbol === 'string' ? undefined : symbol.facts.size) ?? FUNCTION_BYTES,
      callSite: callSiteOf(image, name),
      ...(prototype === undefined || types === undefined ? {} : { prototype: parsePrototype(prototype, types) }),
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
    if (home === undefined) throw new Error(`${image.path} has no function ${probe.in}`);
    return {
      probe,
      offset: home.offset + FIRST_SITE + index * SITE_GAP,
      semaphore: probe.semaphore === true ? data.semaphoreOf(probe) : 0,
    };
  });
  let made: ReturnType<ImageLayout['text']> | undefined;
  return {
    functions,
    byName,
    textEnd,
    textAddress: TEXT_START,
    textFileOffset: TEXT_START,
    variables: data.variables,
    dataBytes: data.bytes,
    usdt,
    types,
    text: () => (made ??= declaredText(image, functions, usdt, textEnd)),
  };
}

function declaredText(
  image: Image,
  functions: readonly ImageFunction[],
  usdt: readonly UsdtSite[],
  textEnd: number,
): ReturnType<ImageLayout['text']> {
  const text = { bytes: new Uint8Array(textEnd), boundaries: new Uint8Array(textEnd) };
  const size = FUNCTION_BYTES;
  for (const { name, offset, callSite } of functions) {
    const inside = usdt.filter((site) => site.offset >= offset && site.offset < offset + size);
    const nops = inside.map((site) => site.offset - offset);
    const number = isWrapper(image, name) ? SYSCALL_NUMBERS[name as keyof typeof SYSCALL_NUMBERS] : undefined;
    emitFunction(text, offset, {
      size,
      callSite,
      nops,
      seed: hashText(name),
      ...(number === undefined ? {} : { number }),
    });
  }
  return text;
}
