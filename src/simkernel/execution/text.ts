import type { KernelCode } from '../arch/architecture.ts';
import { IMAGE_DATA, IMAGE_START } from '../memory/arena.ts';
import { hashText } from '../time/random.ts';
import { arm64Sites } from './arm64-text.ts';
import { CALL_SITES } from './code.ts';
import type { Code, FunctionShape } from './code.ts';
import { generateX86 } from './x86-text.ts';
import { bug } from '../../source/bug.ts';

/**
 * Kernel text. Every declared function has an address, a size, call sites at instruction boundaries and real bytes of the
 * machine's architecture (generated from its name when somebody looks). The layout is a pure function of the declarations.
 */
export interface TextSymbol {
  readonly name: string;
  readonly module: string;
  /** Position in declaration order. */
  readonly index: number;
  /** Arena offset of the first byte. */
  readonly entry: number;
  readonly size: number;
  /** False for entry code and probe machinery (noinstr, the kprobe blacklist). */
  readonly traceable: boolean;
  /**
   * Return addresses of its calls (offsets from entry), those of x86-64 and behind them those of arm64; a callee picks by its
   * own hash. Null until the first call: see `callSites`.
   */
  readonly sites: Uint16Array | null;
  /** The same as low halves of addresses. */
  readonly returns: Int32Array | null;
  readonly siteHash: number;
  /** A return address offset that is known. */
  readonly site: number | undefined;
  /** Number of C arguments; undefined for entry code. */
  readonly arity: number | undefined;
  /** Bytes of locals below the frame pointer. */
  readonly frameBytes: number;
}

/** What is no module's is the kernel's own file's. */
export const VMLINUX = 'vmlinux';
const SITE_MASK = CALL_SITES - 1;

/** Functions in the order of their declaration, process-wide: declarations are facts, they hold no machine's state. */
const symbols: TextSymbol[] = [];
const byName = new Map<string, TextSymbol>();
const compiled = new Map<KernelCode, Map<TextSymbol, Code>>();
let textEnd = IMAGE_START;

export interface TextOptions {
  readonly module?: string;
  readonly traceable?: boolean;
  /** A known return address offset for every call this function makes. */
  readonly site?: number;
  readonly size?: number;
  readonly arity?: number;
}

export function declareText(name: string, options: TextOptions = {}): TextSymbol {
  const hash = hashText(name);
  const traceable = options.traceable ?? true;
  const size = options.size ?? Math.max(160 + ((hash >>> 8) % 800), (options.site ?? 0) + 64);
  const entry = textEnd;
  textEnd = (entry + size + 31) & ~15;
  if (textEnd > IMAGE_DATA) bug('kernel text is full');
  const symbol = new LazyText(name, symbols.length, entry, size, traceable, hash, options);
  if (byName.has(name)) bug(`${name} is declared twice`);
  symbols.push(symbol);
  byName.set(name, symbol);
  return symbol;
}

class LazyText implements TextSymbol {
  readonly name: string;
  readonly module: string;
  readonly index: number;
  readonly entry: number;
  readonly size: number;
  readonly traceable: boolean;
  readonly siteHash: number;
  readonly frameBytes: number;
  readonly arity: number | undefined;
  readonly site: number | undefined;
  sites: Uint16Array | null = null;
  returns: Int32Array | null = null;
  constructor(
    name: string,
    index: number,
    entry: number,
    size: number,
    traceable: boolean,
    hash: number,
    o: TextOptions,
  ) {
    this.name = name;
    this.module = o.module ?? VMLINUX;
    this.index = index;
    this.arity = o.arity;
    this.entry = entry;
    this.size = size;
    this.traceable = traceable;
    this.siteHash = (hash >>> 4) & SITE_MASK;
    this.frameBytes = 16 + ((hash >>> 20) & 0x70);
    this.site = o.site;
  }
}

/** The function as compiled for an architecture. */
export function codeOf(target: KernelCode, symbol: TextSymbol): Code {
  let all = compiled.get(target);
  if (all === undefined) compiled.set(target, (all = new Map()));
  let code = all.get(symbol);
  if (code === undefined) all.set(symbol, (code = target.generate(shapeOf(symbol))));
  return code;
}
function shapeOf({ name, size, traceable, site, frameBytes }: TextSymbol): FunctionShape {
  return { name, size, traceable, site, frameBytes };
}

export function callSites(symbol: TextSymbol): Uint16Array {
  if (symbol.sites !== null) return symbol.sites;
  const shape = shapeOf(symbol);
  const sites = new Uint16Array(2 * CALL_SITES);
  if (symbol.site === undefined) sites.set(generateX86(shape).sites);
  else sites.fill(symbol.site);
  sites.set(arm64Sites(shape), CALL_SITES);
  return ((symbol as LazyText).sites = sites);
}

export function returnAddresses(symbol: TextSymbol): Int32Array {
  const { entry } = symbol;
  return ((symbol as LazyText).returns = Int32Array.from(callSites(symbol), (site) => (entry + site) | 0x80000000));
}

export function textSymbols(): readonly TextSymbol[] {
  return symbols;
}
export function textSymbol(name: string): TextSymbol | undefined {
  return byName.get(name);
}
/** The function that holds this byte of the image. */
export function textSymbolAt(offset: number): TextSymbol | undefined {
  if (offset < IMAGE_START || offset >= textEnd) return undefined;
  let low = 0;
  let high = symbols.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (symbols[middle]!.entry <= offset) low = middle;
    else high = middle - 1;
  }
  const symbol = symbols[low];
  return symbol !== undefined && offset < symbol.entry + symbol.size ? symbol : undefined;
}
export function isInstructionBoundary(target: KernelCode, symbol: TextSymbol, offset: number): boolean {
  return codeOf(target, symbol).boundaries[offset] === 1;
}
/** Bytes of the instruction at an offset: up to the next boundary. */
export function instructionLength(target: KernelCode, symbol: TextSymbol, offset: number): number {
  const { boundaries } = codeOf(target, symbol);
  let end = offset + 1;
  while (end < symbol.size && boundaries[end] !== 1) end += 1;
  return end - offset;
}
/** The function as compiled. */
export function originalText(target: KernelCode, symbol: TextSymbol): Uint8Array {
  return codeOf(target, symbol).bytes;
}
/** Where in the function an interrupt at this moment finds the CPU: one of its few hot instructions. */
export function samplePoint(target: KernelCode, symbol: TextSymbol, moment: number): number {
  const spot = (Math.imul(moment | 0, 0x9e3779b1) >>> 8) % HOT_SPOTS;
  const { boundaries } = codeOf(target, symbol);
  let at = 16 + ((hashText(symbol.name, spot) >>> 8) % (symbol.size - 24));
  while (boundaries[at] !== 1) at += 1;
  return at;
}
/** Samples of real functions gather where they wait for memory; spreading them evenly would make every stack unique. */
const HOT_SPOTS = 3;
/** Copies the original bytes of a function into guest memory. */
export function writeText(target: KernelCode, symbol: TextSymbol, bytes: Uint8Array, view: DataView): void {
  bytes.set(codeOf(target, symbol).bytes, symbol.entry);
  const thunk = byName.get('__x86_indirect_thunk_array');
  if (thunk === undefined) return;
  for (const site of callSites(symbol).subarray(target.sites, target.sites + CALL_SITES)) {
    target.link(view, symbol.entry + site, thunk.entry);
  }
}
