import { SOCKETS, type ContextField, type SocketType, contextField } from '../abi/contexts.ts';
import { MAP_FLAGS } from '../abi/map-types.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import { S64_MIN } from './arc.ts';
import { walkArgument, walkMapObject, walkStruct } from './btf-access.ts';
import { MAX_OFFSET } from './limits.ts';
import { AT_PACKET_END, type Register, isPacket, isPointer, typeName } from './register.ts';
import { type Violation, registerViolation } from './rejection.ts';
import { BYTE, type Slot, byteIndex, isSpill, kindOf, slotIndex, spillSize } from './stack.ts';
import { slotAt } from './state.ts';
import { formatTnum, tnumAdd, tnumConst, tnumIsAligned } from './tnum.ts';
import type { Walk } from './walk.ts';

/** One load, store or helper access, to be judged. */
export interface Access {
  /** Register that holds the address, for messages. */
  readonly register: number;
  readonly pointer: Register;
  readonly offset: number;
  readonly size: number;
  readonly write: boolean;
  readonly signed: boolean;
  /** The register stored, for spills. */
  readonly stored: Register | undefined;
  /** Atomic operations must be aligned everywhere. */
  readonly atomic: boolean;
}

const fail = (a: Access, ...lines: string[]): Violation => registerViolation(a.register, 'EACCES', ...lines);

const ALIGNMENT_WORDS: Partial<Record<Register['type'], string>> = {
  map_key: 'key ',
  map_value: 'value ',
  ctx: 'context ',
  fp: 'stack ',
};

function alignmentFault(a: Access): Violation | undefined {
  // Spills are tracked in aligned slots, so the stack is always strict; other memory only for atomics.
  if (a.size === 1 || (!a.atomic && a.pointer.type !== 'fp')) return undefined;
  const packet = isPacket(a.pointer);
  const base = a.offset + (packet ? 2 : 0);
  if (((a.pointer.value.plain + base) & (a.size - 1)) === 0 && !Number.isNaN(a.pointer.value.plain)) return undefined;
  if (tnumIsAligned(tnumAdd(a.pointer.value.bits, tnumConst(BigInt(base))), a.size)) return undefined;
  const bits = formatTnum(a.pointer.value.bits);
  if (packet) return fail(a, `misaligned packet access off 2+${bits}+${a.offset} size ${a.size}`);
  return fail(a, `misaligned ${ALIGNMENT_WORDS[a.pointer.type] ?? ''}access off ${bits}+${a.offset} size ${a.size}`);
}

function outside(a: Access, at: bigint, bytes: number): string {
  switch (a.pointer.type) {
    case 'map_key':
      return `invalid access to map key, key_size=${bytes} off=${at} size=${a.size}`;
    case 'map_value':
      return `invalid access to map value, value_size=${bytes} off=${at} size=${a.size}`;
    case 'pkt':
    case 'pkt_meta':
      return `invalid access to packet, off=${at} size=${a.size}, R${a.register}(id=${a.pointer.id},off=${at},r=${bytes})`;
    default:
      return `invalid access to memory, mem_size=${bytes} off=${at} size=${a.size}`;
  }
}

/** The access lies inside an object of `bytes` for every offset that the pointer may have. */
export function regionFault(a: Access, bytes: number, zeroAllowed: boolean): Violation | undefined {
  const { value } = a.pointer;
  // What most accesses are: a place that is known, and inside.
  if (value.plain >= 0 && value.plain + a.offset >= 0 && a.size > 0 && value.plain + a.offset + a.size <= bytes) {
    return undefined;
  }
  const offset = BigInt(a.offset);
  const size = BigInt(a.size);
  const fits = (at: bigint): boolean =>
    at >= 0n && (size > 0n || (size === 0n && zeroAllowed)) && at + size <= BigInt(bytes);
  const first = value.smin + offset;
  if (value.smin < 0n && (value.smin === S64_MIN || first !== BigInt.asIntN(32, first) || first < 0n)) {
    return fail(a, `R${a.register} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  if (!fits(first)) {
    return fail(a, outside(a, first, bytes), `R${a.register} min value is outside of the allowed memory range`);
  }
  if (value.umax >= MAX_OFFSET) {
    return fail(a, `R${a.register} unbounded memory access, make sure to bounds check any such access`);
  }
  const last = value.umax + offset;
  if (!fits(last)) {
    return fail(a, outside(a, last, bytes), `R${a.register} max value is outside of the allowed memory range`);
  }
  return undefined;
}

/** Programs may be barred from reading or writing a map. */
export function mapPermissionFault(a: Access): Violation | undefined {
  const map = a.pointer.map!;
  const barred = a.write ? MAP_FLAGS.rdonly_prog : MAP_FLAGS.wronly_prog;
  if ((map.flags & barred) === 0) return undefined;
  const at = `value_size=${map.valueSize} off=${a.pointer.value.smin + BigInt(a.offset)} size=${a.size}`;
  return fail(a, `${a.write ? 'write into' : 'read from'} map forbidden, ${at}`);
}

export function packetFault(a: Access, zeroAllowed: boolean): Violation | undefined {
  if (a.pointer.range <= AT_PACKET_END) {
    return registerViolation(a.register, 'EINVAL', `R${a.register} offset is outside of the packet`);
  }
  return regionFault(a, a.pointer.range, zeroAllowed);
}

/** A pointer that must be used as it came, but for constants where those are harmless. */
export function movedPointerFault(
  register: number,
  pointer: Register,
  constantAllowed: boolean,
): Violation | undefined {
  const { value } = pointer;
  const name = typeName(pointer);
  if (!value.isConst) {
    const bits = formatTnum(value.bits);
    return registerViolation(register, 'EACCES', `variable ${name} access var_off=${bits} disallowed`);
  }
  const at = value.signed;
  if (at < 0) {
    return registerViolation(register, 'EACCES', `negative offset ${name} ptr R${register} off=${at} disallowed`);
  }
  if (!constantAllowed && at !== 0) {
    return registerViolation(
      register,
      'EACCES',
      `dereference of modified ${name} ptr R${register} off=${at} disallowed`,
    );
  }
  return undefined;
}

/** The field of the context that an access reaches. */
export function contextFieldOf(w: Walk, a: Access): ContextField | undefined {
  const at = a.offset + a.pointer.value.signed;
  return contextField(w.context, at, a.size, a.write);
}

function contextFault(w: Walk, a: Access): Violation | undefined {
  const row = w.context;
  const moved = movedPointerFault(a.register, a.pointer, row.movable);
  if (moved !== undefined) return moved;
  const at = a.offset + a.pointer.value.signed;
  const invalid = `invalid bpf_context access off=${at} size=${a.size}`;
  const field = contextFieldOf(w, a);
  if (field === undefined || (a.signed && field.pointer !== undefined)) return fail(a, invalid);
  if (row.traced !== true) return undefined;
  const argument = walkArgument(w, at, a.size);
  return 'fault' in argument ? fail(a, ...argument.fault, invalid) : undefined;
}

function socketFault(a: Access, type: SocketType): Violation | undefined {
  if (a.write) return fail(a, `R${a.register} cannot write into ${type}`);
  const at = a.offset + a.pointer.value.signed;
  if (contextField(SOCKETS[type], at, a.size, false) !== undefined) return undefined;
  return fail(a, `R${a.register} invalid ${type} access off=${at} size=${a.size}`);
}

/** The access stays inside the frame, whatever the pointer's offset. */
export function stackBoundsFault(a: Access): Violation | undefined {
  const { value } = a.pointer;
  const way = a.write ? ' write to' : ' read from';
  if (value.isConst) {
    const at = value.signed + a.offset;
    if (at >= -MAX_BPF_STACK && at + a.size <= 0 && at < 0) return undefined;
    const errno = at >= -MAX_BPF_STACK && at < 0 ? 'EINVAL' : 'EACCES';
    return registerViolation(a.register, errno, `invalid${way} stack R${a.register} off=${at} size=${a.size}`);
  }
  const offset = BigInt(a.offset);
  const size = BigInt(a.size);
  if (value.smax >= MAX_OFFSET || value.smin <= -MAX_OFFSET) {
    return fail(a, `invalid unbounded variable-offset${way} stack R${a.register}`);
  }
  const first = value.smin + offset;
  if (first >= -BigInt(MAX_BPF_STACK) && first < 0n && value.smax + offset + size <= 0n) return undefined;
  const bits = formatTnum(value.bits);
  const text = `invalid variable-offset${way} stack R${a.register} var_off=${bits} off=${a.offset} size=${a.size}`;
  const inFrame = first >= -BigInt(MAX_BPF_STACK) && first < 0n;
  return registerViolation(a.register, inFrame ? 'EINVAL' : 'EACCES', text);
}

/** Whether `size` bytes at `offset` are the low end of a spilled register of `spill` bytes, which starts its slot. */
export const isLowEnd = (offset: number, size: number, spill: number): boolean => (offset & 7) === 0 && size <= spill;

function fillFault(a: Access, slot: Slot): Violation | undefined {
  if (!isSpill(slot) || slot.spill!.type === 'scalar') return undefined;
  return a.size === 8 && spillSize(slot) === 8 ? undefined : fail(a, 'invalid size of register fill');
}

function stackFault(w: Walk, a: Access): Violation | undefined {
  const bounds = stackBoundsFault(a);
  if (bounds !== undefined) return bounds;
  const frame = w.state.frames[a.pointer.frame]!;
  if (a.write) {
    const pointer = a.stored !== undefined && isPointer(a.stored);
    if (!a.pointer.value.isConst || !pointer) return undefined;
    if (a.size !== 8) return fail(a, 'invalid size of register spill');
    if (frame.index !== w.state.frames.length - 1 && a.stored.type === 'fp') {
      const text = 'cannot spill pointers to stack into stack frame of the caller';
      return registerViolation(a.register, 'EINVAL', text);
    }
    return undefined;
  }
  if (!a.pointer.value.isConst) {
    const first = Number(a.pointer.value.smin) + a.offset;
    if (!a.atomic) return unwrittenFault(w, a, first, Number(a.pointer.value.smax) + a.offset + a.size, '');
    const bits = formatTnum(a.pointer.value.bits);
    return fail(
      a,
      `variable offset stack pointer cannot be passed into helper function; var_off=${bits} off=${a.offset} size=${a.size}`,
    );
  }
  const at = a.pointer.value.signed + a.offset;
  return fillFault(a, slotAt(frame, slotIndex(at))) ?? unwrittenFault(w, a, at, at + a.size, '');
}

/** Without the privilege to read them, bytes between `first` and `end` must have been written; `who` names an argument. */
export function unwrittenFault(w: Walk, a: Access, first: number, end: number, who: string): Violation | undefined {
  if (w.allowUninitStack) return undefined;
  const frame = w.state.frames[a.pointer.frame]!;
  for (let at = first; at < end; at++) {
    if (kindOf(slotAt(frame, slotIndex(at)), byteIndex(at)) !== BYTE.invalid) continue;
    return fail(a, `invalid read from stack ${who}off ${first}+${at - first} size ${a.size}`);
  }
  return undefined;
}

/** Whether the access is allowed; undefined if so. */
export function memoryFault(w: Walk, a: Access): Violation | undefined {
  return alignmentFault(a) ?? targetFault(w, a);
}

function targetFault(w: Walk, a: Access): Violation | undefined {
  const { pointer, register } = a;
  if (pointer.maybeNull) return fail(a, `R${register} invalid mem access '${typeName(pointer)}'`);
  switch (pointer.type) {
    case 'map_key':
      if (a.write) return fail(a, `write to change key R${register} not allowed`);
      return regionFault(a, pointer.map!.keySize, false);
    case 'map_value':
      return mapPermissionFault(a) ?? regionFault(a, pointer.map!.valueSize, false);
    case 'rdonly_mem':
      if (a.write) return fail(a, `R${register} cannot write into rdonly_mem`);
      return regionFault(a, pointer.memSize, false);
    case 'mem':
    case 'ringbuf_mem':
      return regionFault(a, pointer.memSize, false);
    case 'ctx':
      return contextFault(w, a);
    case 'fp':
      return stackFault(w, a);
    case 'pkt':
    case 'pkt_meta':
      if (a.write && w.program.type === 'socket_filter') return fail(a, 'cannot write into packet');
      return packetFault(a, false);
    case 'sock_common':
    case 'sock':
    case 'tcp_sock':
      return socketFault(a, pointer.type);
    case 'ptr_': {
      const result = walkStruct(w, a);
      return 'fault' in result ? registerViolation(a.register, result.errno ?? 'EACCES', ...result.fault) : undefined;
    }
    case 'map_ptr': {
      const result = walkMapObject(w, a);
      return 'fault' in result ? registerViolation(a.register, result.errno ?? 'EACCES', ...result.fault) : undefined;
    }
    default:
      return fail(a, `R${register} invalid mem access '${typeName(pointer)}'`);
  }
}
