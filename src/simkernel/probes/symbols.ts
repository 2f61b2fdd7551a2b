import type { FunctionProtoType } from '../../btf/types.ts';
import { textSymbol, textSymbolAt } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import { allKernelTypes, isKernelFunction } from '../kernel-types.ts';
import { perCpuSymbol, perCpuSymbolAt } from '../cpu/per-cpu.ts';
import type { Machine } from '../machine.ts';
import { addressHigh, addressLow } from '../memory/arena.ts';
import { globalSize } from '../memory/kernel-data.ts';
import type { GlobalName } from '../memory/kernel-data.ts';
import { fileOffsetOf, layoutOf } from '../programs/image-layout.ts';
import type { AddressSource } from '../programs/image-layout.ts';
import { imageSymbolAt } from '../programs/image.ts';
import type { Image } from '../programs/image.ts';
import type { Process } from '../tasks/process.ts';

/** The function that has a name on this machine's architecture. */
export function symbolNamed(m: Machine, name: string): TextSymbol | undefined {
  return textSymbol(m.arch.declaredName(name));
}
export function nameOf({ arch }: Machine, { name }: TextSymbol): string {
  return arch.ownName(name) ?? name;
}
/** Bytes of its instructions. */
export function codeSize({ abi }: Machine, { size }: TextSymbol): number {
  return size - (size % abi.alignment);
}
/** Prototype of a function by its name on this machine's architecture. */
export function prototypeNamed(m: Machine, name: string): FunctionProtoType | undefined {
  return allKernelTypes().function(m.arch.declaredName(name));
}

/** Whether the kernel has the function, though its text be nowhere in this machine. */
export function isNamed(m: Machine, name: string): boolean {
  return isKernelFunction(m.arch.declaredName(name));
}

/** A symbol and the distance of an address from it. */
export interface SymbolPlace {
  readonly name: string;
  readonly offset: number;
  readonly module: string;
}

export function kernelSymbolAt(m: Machine, low: number, high: number): SymbolPlace | undefined {
  if (high !== -1) return undefined;
  const offset = low & 0x7fffffff;
  const symbol = textSymbolAt(offset);
  if (symbol !== undefined) return { name: nameOf(m, symbol), offset: offset - symbol.entry, module: symbol.module };
  for (const [name, at] of Object.entries(m.globals)) {
    if (offset >= at && offset < at + globalSize(name as GlobalName)) {
      return { name, offset: offset - at, module: 'vmlinux' };
    }
  }
  const variable = perCpuSymbolAt(m, low, high);
  return variable && { ...variable, module: 'vmlinux' };
}

/** The image that a process has at an address, and the distance from where it is loaded. */
function imageAt(
  process: Process | null | undefined,
  low: number,
  high: number,
): { readonly image: Image; readonly offset: number } | undefined {
  const address = (low >>> 0) + high * 4294967296;
  for (const { start, size, image } of process?.mm.mappings ?? []) {
    if (image !== null && address >= start && address < start + size) return { image, offset: address - start };
  }
  return undefined;
}
export function userSymbolAt(m: Machine, pid: number, low: number, high: number): SymbolPlace | undefined {
  const place = imageAt(m.tasks.get(pid)?.process, low, high);
  const found = place && imageSymbolAt(place.image, place.offset);
  return found && { ...found, module: place.image.path };
}
/** What the source of a program has at an address, where debugging information says it. */
export function userSourceAt(
  m: Machine,
  pid: number,
  low: number,
  high: number,
): (Pick<AddressSource, 'place' | 'inlined'> & { readonly symbol: SymbolPlace }) | undefined {
  const at = imageAt(m.tasks.get(pid)?.process, low, high);
  if (at === undefined) return undefined;
  const { linkAddress, debug } = layoutOf(at.image);
  const address = at.offset + linkAddress;
  const source = debug?.source?.(address);
  if (source === undefined) return undefined;
  const { function: home, place, inlined } = source;
  const symbol =
    home === undefined ? imageSymbolAt(at.image, at.offset) : { name: home.name, offset: address - home.address };
  return symbol && { symbol: { ...symbol, module: at.image.path }, place, inlined };
}
/** The file of the current process at an address, if it has a build id. */
export function userFilePlaceAt(
  m: Machine,
  low: number,
  high: number,
): { readonly buildId: string; readonly offset: number } | undefined {
  const place = imageAt(m.currentTask.process, low, high);
  if (place === undefined) return undefined;
  const layout = layoutOf(place.image);
  return layout.buildId === '' ? undefined : { buildId: layout.buildId, offset: fileOffsetOf(layout, place.offset) };
}

/** Image offset of an older kernel's variable that points to a cache. */
function cacheVariable(m: Machine, name: string): number | undefined {
  const { caches } = m.profile;
  return Object.hasOwn(caches, name) ? m.slabs.variableOf(m, caches[name]!) : undefined;
}

/** Address of a function or global of the kernel. */
export function kernelSymbolAddress(
  m: Machine,
  name: string,
): { readonly low: number; readonly high: number } | undefined {
  const at =
    symbolNamed(m, name)?.entry ??
    cacheVariable(m, name) ??
    (Object.hasOwn(m.globals, name) ? m.globals[name as GlobalName] : perCpuSymbol(m, name));
  return at === undefined ? undefined : { low: addressLow(at), high: addressHigh(at) };
}
