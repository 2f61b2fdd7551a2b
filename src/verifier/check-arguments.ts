import { BTF_FEATURES, type Kind, WRITES, offsetFault, typeFault } from './argument-kinds.ts';
import { HELPER_STRUCTS, helperName, helperPrototype, type Prototype } from '../abi/known-helpers.ts';
import type { KernelFunctionRow } from '../abi/helpers.ts';
import { MAP_FLAGS } from '../abi/map-types.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { CType } from '../btf/types.ts';
import { useFault } from './check-helper.ts';
import {
  type Access,
  mapPermissionFault,
  packetFault,
  regionFault,
  stackBoundsFault,
  unwrittenFault,
} from './check-memory.ts';
import { leadsTo, typeNameOf, walkStruct } from './btf-access.ts';
import { MAX_OFFSET } from './limits.ts';
import { type Register, isNull, isPacket, isPointer, isTrusted, typeName } from './register.ts';
import { type Violation, registerViolation, violation } from './rejection.ts';
import { type Walk, registersOf } from './walk.ts';

/** What the arguments of a helper call have in common, gathered while they are checked in order. */
export interface CallDetails {
  map: MapDefinition | undefined;
  /** Stack memory that the helper fills without reading: argument register and bytes. */
  raw: { readonly register: number; readonly size: number } | undefined;
  /** Argument that gives up a resource. */
  released: number | undefined;
  /** Bytes that the result points to. */
  resultSize: number;
  /** What the result points to. */
  resultType: CType | undefined;
  /** Upper bound that a size argument sets to the result. */
  sizeLimit: bigint | undefined;
  callback: number | undefined;
  /** Stack register that holds an array's key. */
  key: number | undefined;
}

function accessOf(register: number, pointer: Register, size: number, write: boolean): Access {
  return { register, pointer, offset: 0, size, write, signed: false, stored: undefined, atomic: false };
}

/** Whether a helper may read or write `size` bytes behind an argument. */
function bufferFault(
  w: Walk,
  register: number,
  size: number,
  write: boolean,
  zeroAllowed: boolean,
): Violation | undefined {
  const r = registersOf(w)[register]!;
  const a = accessOf(register, r, size, write);
  const cannotWrite = (): Violation =>
    registerViolation(register, 'EACCES', `R${register} cannot write into ${typeName(r)}`);
  switch (r.type) {
    case 'pkt':
    case 'pkt_meta':
      return packetFault(a, zeroAllowed);
    case 'map_key':
      return write ? cannotWrite() : regionFault(a, r.map!.keySize, false);
    case 'map_value':
      return mapPermissionFault(a) ?? regionFault(a, r.map!.valueSize, zeroAllowed);
    case 'mem':
    case 'rdonly_mem':
    case 'ringbuf_mem':
      return regionFault(a, r.memSize, zeroAllowed);
    case 'fp':
      if (size === 0 && !zeroAllowed) return registerViolation(register, 'EACCES', 'invalid zero-sized read');
      return stackBoundsFault(a) ?? (write ? undefined : unwrittenArgumentFault(w, a));
    case 'ptr_': {
      const result = walkStruct(w, a);
      return 'fault' in result ? registerViolation(register, 'EACCES', ...result.fault) : undefined;
    }
    default:
      if (zeroAllowed && size === 0 && isNull(r)) return undefined;
      return registerViolation(register, 'EACCES', `R${register} type=${typeName(r)} expected=fp`);
  }
}

function unwrittenArgumentFault(w: Walk, a: Access): Violation | undefined {
  const { value } = a.pointer;
  return unwrittenFault(w, a, Number(value.smin), Number(value.smax) + a.size, `R${a.register} `);
}

function sizeFault(
  w: Walk,
  register: number,
  buffer: Kind,
  zeroAllowed: boolean,
  call: CallDetails,
): Violation | undefined {
  const { value } = registersOf(w)[register]!;
  const fail = (text: string): Violation => registerViolation(register, 'EACCES', `R${register} ${text}`);
  call.sizeLimit = value.umax;
  if (value.smin < 0n) return fail("min value is negative, either use unsigned or 'var &= const'");
  if (value.umin === 0n && !zeroAllowed)
    return fail(`invalid zero-sized read: u64=[${value.umin},${BigInt.asIntN(64, value.umax)}]`);
  if (value.umax >= MAX_OFFSET) return fail("unbounded memory access, use 'var &= const' or 'if (var < const)'");
  const write = WRITES.has(buffer);
  const size = Number(value.umax);
  const fault = bufferFault(w, register - 1, size, write, zeroAllowed);
  if (fault === undefined && buffer === 'uninit_mem' && value.isConst) noteRaw(w, register - 1, size, call);
  return fault;
}

/** Memory on the stack that a helper fills entirely needs no content before. */
function noteRaw(w: Walk, register: number, size: number, call: CallDetails): void {
  const r = registersOf(w)[register]!;
  if (r.type === 'fp' && r.value.isConst) call.raw = { register, size };
}

const FIXED_SIZES: Partial<Record<Kind, number>> = { long: 8, int: 4 };

function contentFault(
  w: Walk,
  register: number,
  kind: Kind,
  previous: Kind | undefined,
  call: CallDetails,
): Violation | undefined {
  const r = registersOf(w)[register]!;
  switch (kind) {
    case 'const_map_ptr':
      call.map = r.map;
      return undefined;
    case 'map_key':
      call.key = register;
      return bufferFault(w, register, call.map!.keySize, false, false);
    case 'map_value':
      return bufferFault(w, register, call.map!.valueSize, false, false);
    case 'map_value_or_null':
      return isNull(r) ? undefined : bufferFault(w, register, call.map!.valueSize, false, false);
    case 'uninit_map_value': {
      const fault = bufferFault(w, register, call.map!.valueSize, true, false);
      if (fault === undefined) noteRaw(w, register, call.map!.valueSize, call);
      return fault;
    }
    case 'const_size':
    case 'const_size_or_zero':
      return sizeFault(w, register, previous!, kind === 'const_size_or_zero', call);
    case 'const_alloc_size_or_zero':
      if (!r.value.isConst) {
        const text = `R${register} is not a known constant'`;
        return registerViolation(register, 'EACCES', text);
      }
      // Linux keeps the size in 32 bits.
      call.resultSize = Number(BigInt.asUintN(32, r.value.value));
      return undefined;
    case 'ringbuf_mem':
      call.released = register;
      return undefined;
    case 'percpu_btf_id':
      call.resultType = r.btf;
      return undefined;
    case 'func':
      call.callback = r.slot;
      return undefined;
    case 'const_str':
      return stringFault(register, r);
    case 'long':
    case 'int': {
      const size = FIXED_SIZES[kind]!;
      const fault = bufferFault(w, register, size, true, true);
      if (fault === undefined) noteRaw(w, register, size, call);
      return fault;
    }
    default: {
      const feature = BTF_FEATURES[kind];
      if (feature === undefined) return undefined;
      return violation('EINVAL', `map '${r.map?.name ?? ''}' has to have BTF in order to use ${feature}`);
    }
  }
}

/** A constant string in a map that nobody can change any more. */
function stringFault(register: number, r: Register): Violation | undefined {
  const map = r.map!;
  const fail = (text: string): Violation => registerViolation(register, 'EACCES', text);
  if (map.initial === undefined || (map.flags & MAP_FLAGS.rdonly_prog) === 0) {
    return fail(`R${register} does not point to a readonly map'`);
  }
  if (!r.value.isConst) return fail(`R${register} is not a constant address'`);
  const at = r.value.signed;
  const size = map.valueSize - at;
  const fault = regionFault(accessOf(register, r, size, false), map.valueSize, false);
  if (fault !== undefined) return fault;
  return map.initial.subarray(at).includes(0) ? undefined : violation('EINVAL', 'string is not zero-terminated');
}

const STRUCT_KINDS: ReadonlySet<Kind> = new Set<Kind>(['btf_id', 'btf_id_or_null', 'btf_sock_or_null']);

/** A BTF pointer leads to the struct that the helper works on, or to one that begins with it there. */
function structFault(w: Walk, id: number, register: number, kind: Kind): Violation | undefined {
  const { btf, value } = registersOf(w)[register]!;
  if (!STRUCT_KINDS.has(kind) || btf === undefined) return undefined;
  const wanted = HELPER_STRUCTS[helperName(id).slice(4)];
  if (wanted === undefined) return undefined;
  if (leadsTo(w, btf, Number(value.value), wanted)) return undefined;
  return registerViolation(
    register,
    'EACCES',
    `R${register} is of type ${typeNameOf(w, btf)} but ${wanted} is expected`,
  );
}

function argumentFault(
  w: Walk,
  id: number,
  prototype: Prototype,
  index: number,
  call: CallDetails,
): Violation | undefined {
  const register = index + 1;
  const kind: Kind = prototype.args[index]!;
  if (kind === 'unchecked') return undefined;
  const r = registersOf(w)[register]!;
  if (r.type === 'not_init') return registerViolation(register, 'EACCES', `R${register} !read_ok`);
  if (kind === 'anything') return undefined;
  if (isPacket(r) && (prototype.packetAccess !== true || w.program.type === 'socket_filter')) {
    return registerViolation(register, 'EACCES', 'helper access to the packet is not allowed');
  }
  return (
    typeFault(register, r, kind) ??
    offsetFault(register, r, kind) ??
    structFault(w, id, register, kind) ??
    contentFault(w, register, kind, prototype.args[index - 1], call)
  );
}

/** The arguments of a kernel function: its own types say what they must be (check_kfunc_args). */
function kernelArgumentsFault(
  w: Walk,
  id: number,
  prototype: Prototype,
  row: KernelFunctionRow,
  call: CallDetails,
): Violation | undefined {
  for (const [index, kind] of prototype.args.entries()) {
    const register = index + 1;
    const r = registersOf(w)[register]!;
    if (r.type === 'not_init') return registerViolation(register, 'EACCES', `R${register} !read_ok`);
    if (kind === 'anything' && isPointer(r) && row.anyPointer?.includes(index) !== true)
      return registerViolation(register, 'EINVAL', `R${register} is not a scalar`);
    const fault =
      kind === 'btf_id' ? referenceFault(w, id, register, row) : argumentFault(w, id, prototype, index, call);
    if (fault !== undefined) return fault;
    if (kind === 'btf_id' && row.releases === true) call.released = register;
  }
  return undefined;
}

/** A pointer that a kernel function takes is one that the kernel vouches for, and of the type that it wants. */
function referenceFault(w: Walk, id: number, register: number, row: KernelFunctionRow): Violation | undefined {
  const r = registersOf(w)[register]!;
  const fail = (errno: 'EACCES' | 'EINVAL', text: string): Violation => registerViolation(register, errno, text);
  if (r.maybeNull || isNull(r)) return fail('EACCES', `Possibly NULL pointer passed to trusted R${register}`);
  if (row.releases === true && r.reference === 0) {
    return fail('EINVAL', `release kfunc ${helperName(id)} expects referenced PTR_TO_BTF_ID passed to R${register}`);
  }
  const wanted = row.struct ?? '';
  if (r.type !== 'ptr_' || r.btf === undefined)
    return fail('EINVAL', `R${register} is ${typeName(r)} expected STRUCT ${wanted}`);
  if (!isTrusted(r)) return fail('EINVAL', `R${register} must be referenced or trusted`);
  if (row.releases === true && !r.value.isZero) {
    return fail('EINVAL', `R${register} must have zero offset when passed to release func or trusted arg to kfunc`);
  }
  if (leadsTo(w, r.btf, Number(r.value.value), wanted)) return undefined;
  return fail(
    'EINVAL',
    `kernel function ${helperName(id)} R${register} expected pointer to STRUCT ${wanted} but R${register} has a pointer to STRUCT ${typeNameOf(w, r.btf)}`,
  );
}

/** Checks a call's arguments in order; what they tell is left in `call`. */
export function argumentsFault(w: Walk, id: number, call: CallDetails): Violation | undefined {
  const prototype = helperPrototype(id, w.program.type)!;
  if (prototype.kfunc !== undefined) return kernelArgumentsFault(w, id, prototype, prototype.kfunc, call);
  for (let index = 0; index < prototype.args.length; index++) {
    const fault = argumentFault(w, id, prototype, index, call);
    if (fault !== undefined) return fault;
  }
  return useFault(w, id, call.map);
}

export function noDetails(): CallDetails {
  return {
    map: undefined,
    raw: undefined,
    released: undefined,
    resultSize: 0,
    resultType: undefined,
    sizeLimit: undefined,
    callback: undefined,
    key: undefined,
  };
}
