import type { CurrentLocations } from '../abi/execution.ts';
import type { HelperName } from '../abi/helpers.ts';
import { RECORD_HEADER } from '../abi/map-layouts.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { State } from './transfer.ts';
import type { Value } from './value.ts';
import { asConstant } from './value.ts';

/** Helpers that heed no argument and whose result lies in the arena: where, and whether it has a high half there. */
export const INLINE_LOADS: Partial<
  Record<HelperName, { readonly location: keyof CurrentLocations; readonly wide: boolean }>
> = {
  ktime_get_ns: { location: 'time', wide: true },
  get_current_pid_tgid: { location: 'pidTgid', wide: true },
  get_current_uid_gid: { location: 'uidGid', wide: true },
  get_current_task: { location: 'task', wide: true },
  get_func_ip: { location: 'probedFunction', wide: true },
  get_smp_processor_id: { location: 'cpu', wide: false },
};

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

/** A call of ringbuf_reserve for a known size in a known ring; the runtime does the others. */
export function knownReservation(state: State): { readonly ring: number; readonly size: number } | undefined {
  const ring = mapIndex(state[1]!);
  const [size, flags] = [asConstant(state[2]!), asConstant(state[3]!)];
  if (ring === undefined || size === undefined || flags === undefined || (flags.low | flags.high) !== 0)
    return undefined;
  return size.low < 0 || size.low > MAX_INLINE_RECORD ? undefined : { ring, size: size.low };
}
