import type { HelperName } from '../abi/helpers.ts';
import { RECORD_HEADER } from '../abi/map-layouts.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import { CURRENT_LOADS, type CurrentLoad } from './current-loads.ts';
import { helperById, type State } from './transfer.ts';
import type { Value } from './value.ts';
import { asConstant } from './value.ts';

/** A call of a helper that generated code carries out itself, as far as all tiers do it alike. */
export type Inlined =
  | ({ readonly kind: 'load' } & CurrentLoad)
  | { readonly kind: 'array_lookup' | 'hash_lookup'; readonly map: number }
  /** A record of a known size. */
  | { readonly kind: 'reserve'; readonly ring: number; readonly size: number }
  | { readonly kind: 'submit'; readonly ring: number };

type Maps = readonly MapDefinition[];

/** Other helpers that are inlined, and when: undefined where too little is known. */
const INLINED: Partial<Record<HelperName, (state: State, maps: Maps) => Inlined | undefined>> = {
  map_lookup_elem: knownLookup,
  ringbuf_reserve: knownReservation,
  ringbuf_submit(_, maps) {
    const ring = onlyRing(maps);
    return ring === undefined ? undefined : { kind: 'submit', ring };
  },
};

/** How a call of the helper with this number is inlined, if it is. */
export function inlinedCall(id: number, state: State, maps: Maps): Inlined | undefined {
  const name = helperById(id);
  if (name === undefined) return undefined;
  const current = CURRENT_LOADS[name];
  return current === undefined ? INLINED[name]?.(state, maps) : { kind: 'load', ...current };
}

/** Longer keys are hashed and compared by the runtime: written out, they would be too much code for what they save. */
const MAX_KEY_WORDS = 8;

/** How generated code looks a key up in a map of this kind. */
export type LookupKind = 'array' | 'hash' | 'call';

export function lookupKind({ type, keySize }: MapDefinition): LookupKind {
  if (keySize === 4 && (type === 'array' || type === 'percpu_array')) return 'array';
  const isHash = type === 'hash' || type === 'percpu_hash' || type === 'lru_hash' || type === 'lru_percpu_hash';
  return isHash && keySize % 4 === 0 && keySize / 4 <= MAX_KEY_WORDS ? 'hash' : 'call';
}

/** The map whose address a register is known to hold. */
export function mapIndex({ symbol, low }: Value): number | undefined {
  const match = low === 0 ? /^MAP(\d+)$/.exec(symbol ?? '') : null;
  return match === null ? undefined : Number(match[1]);
}

function knownLookup(state: State, maps: Maps): Inlined | undefined {
  const map = mapIndex(state[1]!);
  const kind = map === undefined ? 'call' : lookupKind(maps[map]!);
  return map === undefined || kind === 'call' ? undefined : { kind: `${kind}_lookup`, map };
}

/** The ring buffer that every record of an image belongs to, if there is just one. */
export function onlyRing(maps: readonly MapDefinition[]): number | undefined {
  const rings = maps.flatMap(({ type }, index) => (type === 'ringbuf' ? [index] : []));
  return rings.length === 1 ? rings[0] : undefined;
}

/** Bytes that a record of `size` bytes takes in its ring. */
export function recordSize(size: number): number {
  return (size + RECORD_HEADER + 7) & ~7;
}

/** Every ring has at least one page, so that records up to this size fit into an empty one. */
const MAX_INLINE_RECORD = 4096 - RECORD_HEADER;

function knownReservation(state: State): Inlined | undefined {
  const ring = mapIndex(state[1]!);
  const [size, flags] = [asConstant(state[2]!), asConstant(state[3]!)];
  if (ring === undefined || size === undefined || flags === undefined || (flags.low | flags.high) !== 0)
    return undefined;
  if (size.high !== 0 || size.low < 0 || size.low > MAX_INLINE_RECORD) return undefined;
  return { kind: 'reserve', ring, size: size.low };
}
