import { SOCKETS, type SocketType } from '../abi/contexts.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { CType } from '../btf/types.ts';
import { type Scalar, UNKNOWN, ZERO, plainConstant } from './scalar.ts';

const SOCKET_TYPES: ReadonlySet<string> = new Set(Object.keys(SOCKETS));

/** What a register may hold that is no pointer. */
type PlainType = 'not_init' | 'scalar';
/** Register types by the words in which the kernel's log names them (kernel/bpf/log.c); `ptr_` is a BTF pointer. */
export type RegisterType =
  | PlainType
  | SocketType
  | ('ctx' | 'fp' | 'map_ptr' | 'map_value' | 'map_key' | 'mem' | 'rdonly_mem' | 'ringbuf_mem')
  | ('ptr_' | 'pkt' | 'pkt_meta' | 'pkt_end' | 'func');

/** Whether the kernel vouches that a BTF pointer points to a live object; `percpu_`: it is the address of no CPU's copy, `user_`: of user space. */
export type Trust = '' | 'trusted_' | 'rcu_' | 'untrusted_' | 'percpu_' | 'user_';

/**
 * What one register holds. Immutable: states share registers, and marking one precise replaces it in one state only.
 * For pointers `value` is the offset from the object's start.
 */
export interface Register {
  readonly type: RegisterType;
  readonly maybeNull: boolean;
  readonly value: Scalar;
  /** Registers with one non-zero id hold the same number (or that number plus `delta`), or came from one nullable pointer. */
  readonly id: number;
  /** Width of the addition that made this register `delta` more than the others of its id; 0 when it is their equal. */
  readonly link: 0 | 32 | 64;
  readonly delta: number;
  /** The safety of some later instruction depends on this number's range (checkpointed states only). */
  readonly precise: boolean;
  readonly map: MapDefinition | undefined;
  /** The resource that it stands for and that is to be released (ref_obj_id); 0: none. */
  readonly reference: number;
  /** Of `mem`, `rdonly_mem` and `ringbuf_mem`. */
  readonly memSize: number;
  /** Of `fp`: the frame that it points into. */
  readonly frame: number;
  /** Of `pkt` and `pkt_meta`: bytes known to exist; below zero: at or beyond the end. */
  readonly range: number;
  /** Of `func`: the slot where it starts. */
  readonly slot: number;
  /** Of `ptr_`: the type it points to. */
  readonly btf: CType | undefined;
  readonly trust: Trust;
}

export const AT_PACKET_END = -1;
export const BEYOND_PACKET_END = -2;

export const NOT_INIT: Register = {
  type: 'not_init',
  maybeNull: false,
  value: UNKNOWN,
  id: 0,
  link: 0,
  delta: 0,
  precise: false,
  map: undefined,
  reference: 0,
  memSize: 0,
  frame: 0,
  range: 0,
  slot: 0,
  btf: undefined,
  trust: '',
};

type Changes = { readonly [K in keyof Register]?: Register[K] };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Spelt out so that all registers keep one shape: they are the most frequent of all objects here. */
function copyOf(r: Register): Mutable<Register> {
  return {
    type: r.type,
    maybeNull: r.maybeNull,
    value: r.value,
    id: r.id,
    link: r.link,
    delta: r.delta,
    precise: r.precise,
    map: r.map,
    reference: r.reference,
    memSize: r.memSize,
    frame: r.frame,
    range: r.range,
    slot: r.slot,
    btf: r.btf,
    trust: r.trust,
  };
}

/** A copy with changes. The most frequent changes have functions of their own, which need not look for what changes. */
export function withChanges(r: Register, c: Changes): Register {
  return Object.assign(copyOf(r), c);
}
export function withValue(r: Register, value: Scalar): Register {
  const copy = copyOf(r);
  copy.value = value;
  return copy;
}
export function withId(r: Register, id: number): Register {
  const copy = copyOf(r);
  copy.id = id;
  return copy;
}
export function withPrecise(r: Register, precise: boolean): Register {
  const copy = copyOf(r);
  copy.precise = precise;
  return copy;
}
export function withoutNull(r: Register): Register {
  const copy = copyOf(r);
  copy.maybeNull = false;
  copy.id = 0;
  return copy;
}
/** A number that is `delta` more than the others of its id. */
export function withLink(r: Register, id: number, link: 32 | 64, delta: number): Register {
  const copy = copyOf(r);
  copy.id = id;
  copy.link = link;
  copy.delta = delta;
  return copy;
}

export const UNKNOWN_SCALAR: Register = withChanges(NOT_INIT, { type: 'scalar' });
export const ZERO_SCALAR: Register = withChanges(UNKNOWN_SCALAR, { value: ZERO });

export function scalarRegister(value: Scalar): Register {
  return value === UNKNOWN ? UNKNOWN_SCALAR : withValue(UNKNOWN_SCALAR, value);
}
const immediates = new Map<number, Register>();
const MOST_IMMEDIATES = 4096;
/** An immediate operand, as a register would hold it. */
export function immediateRegister(imm: number): Register {
  const known = immediates.get(imm);
  if (known !== undefined) return known;
  const made = scalarRegister(plainConstant(imm));
  if (immediates.size < MOST_IMMEDIATES) immediates.set(imm, made);
  return made;
}
/** A pointer to the start of its object. */
export function pointerRegister(type: RegisterType, more: Changes = {}): Register {
  const made = copyOf(NOT_INIT);
  made.type = type;
  made.value = ZERO;
  return Object.assign(made, more);
}
/** What a lookup returns; `id` names a pointer that may be null, 0 one that cannot. */
export function mapValueRegister(map: MapDefinition, id: number): Register {
  const made = copyOf(NOT_INIT);
  made.type = 'map_value';
  made.value = ZERO;
  made.map = map;
  made.maybeNull = id !== 0;
  made.id = id;
  return made;
}

/** What the kernel vouches for: given as such, or held by a reference (is_trusted_reg). */
export const isTrusted = (r: Register): boolean => r.trust === 'trusted_' || r.reference !== 0;
export const isPointer = (r: Register): boolean => r.type !== 'scalar' && r.type !== 'not_init';
export const isPacket = (r: Register): boolean => r.type === 'pkt' || r.type === 'pkt_meta';
export const isSocket = (r: Register): r is Register & { readonly type: SocketType } => SOCKET_TYPES.has(r.type);
export const isPacketOrEnd = (r: Register): boolean => isPacket(r) || r.type === 'pkt_end';
/** The number 0, which is also the null pointer. */
export const isNull = (r: Register): boolean => r.type === 'scalar' && r.value.isZero;

export function withoutLink(r: Register): Register {
  if (r.id === 0 && r.delta === 0 && r.link === 0) return r;
  const copy = copyOf(r);
  copy.id = 0;
  copy.delta = 0;
  copy.link = 0;
  return copy;
}

/** The type as messages name it. */
export function typeName(r: Register): string {
  if (r.type === 'not_init') return '?';
  if (r.type === 'ptr_' && r.btf?.kind === 'void') return 'rdonly_untrusted_mem';
  if (r.type === 'ptr_') return `${r.trust}ptr_${r.maybeNull ? 'or_null_' : ''}`;
  return r.maybeNull ? `${r.type}_or_null` : r.type;
}

/** All fields but ids and precision agree, numbers included. */
export function sameContents(a: Register, b: Register): boolean {
  if (a === b) return true;
  return (
    a.type === b.type &&
    a.maybeNull === b.maybeNull &&
    sameValue(a.value, b.value) &&
    a.map === b.map &&
    a.memSize === b.memSize &&
    a.range === b.range &&
    a.slot === b.slot &&
    a.btf === b.btf &&
    a.trust === b.trust
  );
}

function sameValue(a: Scalar, b: Scalar): boolean {
  if (a === b) return true;
  if (!Number.isNaN(a.plain) && !Number.isNaN(b.plain)) return a.plain === b.plain;
  return (
    a.bits.value === b.bits.value &&
    a.bits.mask === b.bits.mask &&
    a.r64.base === b.r64.base &&
    a.r64.size === b.r64.size &&
    a.r32.base === b.r32.base &&
    a.r32.size === b.r32.size
  );
}
