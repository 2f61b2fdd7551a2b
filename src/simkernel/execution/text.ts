import { IMAGE_DATA, IMAGE_START } from '../memory/arena.ts';
import { hashText } from '../time/random.ts';

/**
 * Kernel text. Every declared function has an address, a size, call sites at instruction boundaries and real x86-64 bytes
 * (generated from its name when somebody looks). The layout is a pure function of the declarations.
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
  /** Return addresses of its calls (offsets from entry); a callee picks by its own hash. Null until the first call: see `callSites`. */
  readonly sites: Uint16Array | null;
  /** The same as low halves of addresses. */
  readonly returns: Int32Array | null;
  readonly siteHash: number;
  /** Number of C arguments; undefined for entry code. */
  readonly arity: number | undefined;
  /** Bytes of locals below the frame pointer. */
  readonly frameBytes: number;
}

const SITE_MASK = 15;
/** endbr64, then the 5-byte nop that ftrace turns into a call. */
export const FENTRY_OFFSET = 4;
const FENTRY_SIZE = 5;
/** Return address of the fentry call. */
export const FENTRY_END = FENTRY_OFFSET + FENTRY_SIZE;

const CALL = 0xe8;
/** Instructions that compilers emit a lot and that touch only registers: [weight is by repetition] bytes. */
const FILLER: readonly (readonly number[])[] = [
  [0x48, 0x89, 0xc7], // mov rdi,rax
  [0x48, 0x89, 0xde], // mov rsi,rbx
  [0x31, 0xc0], // xor eax,eax
  [0x48, 0x85, 0xc0], // test rax,rax
  [0x48, 0x8b, 0x43, 0x18], // mov rax,[rbx+0x18]
  [0x4c, 0x8b, 0x63, 0x20], // mov r12,[rbx+0x20]
  [0x74, 0x00], // je +0
  [0x48, 0x8d, 0x7b, 0x08], // lea rdi,[rbx+8]
  [0x83, 0xe0, 0x0f], // and eax,15
  [0x49, 0x89, 0xc4], // mov r12,rax
  [0x48, 0x8b, 0x83, 0x90, 0x00, 0x00, 0x00], // mov rax,[rbx+0x90]
  [0x44, 0x89, 0xe2], // mov edx,r12d
];
const PROLOGUE = [0x55, 0x48, 0x89, 0xe5, 0x41, 0x54, 0x53]; // push rbp; mov rbp,rsp; push r12; push rbx
const EPILOGUE = [0x5b, 0x41, 0x5c, 0x5d, 0xc3]; // pop rbx; pop r12; pop rbp; ret
const INT3_PADDING = 0xcc;

interface Generated {
  readonly bytes: Uint8Array;
  readonly boundaries: Uint8Array;
  readonly sites: Uint16Array;
}

/** Functions in the order of their declaration, process-wide: declarations are facts, they hold no machine's state. */
const symbols: TextSymbol[] = [];
const byName = new Map<string, TextSymbol>();
const generated = new Map<TextSymbol, Generated>();
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
  if (textEnd > IMAGE_DATA) throw new Error('kernel text is full');
  const symbol = new LazyText(name, symbols.length, entry, size, traceable, hash, options);
  if (byName.has(name)) throw new Error(`${name} is declared twice`);
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
  sites: Uint16Array | null;
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
    this.module = o.module ?? 'vmlinux';
    this.index = index;
    this.arity = o.arity;
    this.entry = entry;
    this.size = size;
    this.traceable = traceable;
    this.siteHash = (hash >>> 4) & SITE_MASK;
    this.frameBytes = 16 + ((hash >>> 20) & 0x70);
    this.sites = o.site === undefined ? null : new Uint16Array(SITE_MASK + 1).fill(o.site);
  }
}

/** Makes the instruction stream of a function: the same name always gives the same bytes. */
function generate(name: string, size: number, traceable: boolean, fixedSite: number | undefined): Generated {
  const bytes = new Uint8Array(size).fill(INT3_PADDING);
  const boundaries = new Uint8Array(size);
  const sites = new Uint16Array(SITE_MASK + 1);
  let state = hashText(name, 0x9747b28c);
  let at = 0;
  const emit = (code: readonly number[]): void => {
    boundaries[at] = 1;
    bytes.set(code, at);
    at += code.length;
  };
  emit([0xf3, 0x0f, 0x1e, 0xfa]); // endbr64
  if (traceable) emit([0x0f, 0x1f, 0x44, 0x00, 0x00]);
  emit(PROLOGUE.slice(0, 1));
  emit(PROLOGUE.slice(1, 4));
  emit(PROLOGUE.slice(4, 6));
  emit(PROLOGUE.slice(6));
  const end = size - EPILOGUE.length;
  const gap = (end - at) / (SITE_MASK + 1);
  let site = 0;
  while (at + 8 <= end) {
    if (fixedSite !== undefined) {
      if (at + 5 === fixedSite) {
        emit([CALL, 0, 0, 0, 0]);
        continue;
      }
      // One-byte instructions up to the known call, so that it starts exactly where it must.
      if (at + 5 < fixedSite) {
        emit([0x90]);
        continue;
      }
    } else if (site <= SITE_MASK && at >= 16 + gap * site) {
      emit([CALL, 0, 0, 0, 0]); // the target is filled in when the text is made visible
      sites[site++] = at;
      continue;
    }
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    emit(FILLER[(state >>> 16) % FILLER.length] ?? [0x90]);
  }
  while (site <= SITE_MASK) sites[site++] = fixedSite ?? at;
  while (at < end) emit([0x90]);
  emit(EPILOGUE.slice(0, 1));
  emit(EPILOGUE.slice(1, 3));
  emit(EPILOGUE.slice(3, 4));
  emit(EPILOGUE.slice(4));
  return { bytes, boundaries, sites };
}

function generatedOf(symbol: TextSymbol): Generated {
  let made = generated.get(symbol);
  if (made === undefined)
    generated.set(symbol, (made = generate(symbol.name, symbol.size, symbol.traceable, symbol.sites?.[0])));
  return made;
}

export function callSites(symbol: TextSymbol): Uint16Array {
  return symbol.sites ?? ((symbol as LazyText).sites = generatedOf(symbol).sites);
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
export function isInstructionBoundary(symbol: TextSymbol, offset: number): boolean {
  return generatedOf(symbol).boundaries[offset] === 1;
}
/** Bytes of the instruction at an offset: up to the next boundary. */
export function instructionLength(symbol: TextSymbol, offset: number): number {
  const { boundaries } = generatedOf(symbol);
  let end = offset + 1;
  while (end < symbol.size && boundaries[end] !== 1) end += 1;
  return end - offset;
}
/** The function as compiled. */
export function originalText(symbol: TextSymbol): Uint8Array {
  return generatedOf(symbol).bytes;
}
/** Where in the function an interrupt at this moment finds the CPU: one of its few hot instructions. */
export function samplePoint(symbol: TextSymbol, moment: number): number {
  const spot = (Math.imul(moment | 0, 0x9e3779b1) >>> 8) % HOT_SPOTS;
  const { boundaries } = generatedOf(symbol);
  let at = 16 + ((hashText(symbol.name, spot) >>> 8) % (symbol.size - 24));
  while (boundaries[at] !== 1) at += 1;
  return at;
}
/** Samples of real functions gather where they wait for memory; spreading them evenly would make every stack unique. */
const HOT_SPOTS = 3;
/** Copies the original bytes of a function into guest memory. */
export function writeText(symbol: TextSymbol, bytes: Uint8Array, view: DataView): void {
  const { bytes: code, sites } = generatedOf(symbol);
  bytes.set(code, symbol.entry);
  const thunk = byName.get('__x86_indirect_thunk_array');
  for (const site of sites) {
    if (thunk !== undefined && code[site - 5] === CALL)
      view.setInt32(symbol.entry + site - 4, thunk.entry - (symbol.entry + site), true);
  }
}
