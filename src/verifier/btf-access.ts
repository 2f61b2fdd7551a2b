import { iteratorFunction, iteratorMember } from '../abi/iterators.ts';
import { isMapType } from '../abi/map-types.ts';
import type { CType, Member, StructType, UnionType } from '../btf/types.ts';
import type { Access } from './check-memory.ts';
import type { Trust } from './register.ts';
import type { Walk } from './walk.ts';

/** What a load through kernel types yields: a number, or a pointer to another type. */
export type Loaded =
  | { readonly scalar: true }
  | { readonly pointer: CType; readonly trust: Trust; readonly maybeNull?: true }
  | { readonly fault: readonly string[] };

const SCALAR: Loaded = { scalar: true };

/** Without names and qualifiers. */
function plain(t: CType): CType {
  let type = t;
  while (type.kind === 'typedef' || type.kind === 'qualifier') type = type.type;
  return type;
}

function resolved(w: Walk, t: CType): CType {
  const type = plain(t);
  if (type.kind !== 'forward' || w.types === undefined) return type;
  return (type.of === 'struct' ? w.types.struct(type.name) : w.types.union(type.name)) ?? type;
}

const isAggregate = (t: CType): t is StructType | UnionType => t.kind === 'struct' || t.kind === 'union';
const nameOf = (t: CType): string => ('name' in t && t.name !== '' ? t.name : '<anonymous>');

function byteSize(t: CType): number {
  const type = plain(t);
  switch (type.kind) {
    case 'pointer':
      return 8;
    case 'array':
      return type.length * byteSize(type.element);
    case 'void':
    case 'forward':
    case 'function':
      return 0;
    case 'typedef':
    case 'qualifier':
      return byteSize(type.type);
    default:
      return type.size;
  }
}

function throughPointer(w: Walk, target: CType, trust: Trust): Loaded {
  const type = resolved(w, target);
  return isAggregate(type) ? { pointer: type, trust } : SCALAR;
}

function loadMember(w: Walk, m: Member, offset: number, size: number): Loaded {
  const start = m.offsetBits >> 3;
  let type = resolved(w, m.type);
  let within = offset - start;
  while (type.kind === 'array') {
    const step = byteSize(type.element);
    type = resolved(w, type.element);
    within = step > 0 ? within % step : 0;
  }
  if (isAggregate(type)) return loadFrom(w, type, within, size);
  if (type.kind !== 'pointer') return SCALAR;
  if (within !== 0 || size !== 8) {
    const text = `cannot access ptr member ${m.name} with moff ${start} in struct with off ${offset} size ${size}`;
    return { fault: [text] };
  }
  return throughPointer(w, type.to, type.tag === 'user' || type.tag === 'percpu' ? 'untrusted_' : '');
}

/** What `size` bytes at `offset` of an aggregate are. */
function loadFrom(w: Walk, t: StructType | UnionType, offset: number, size: number): Loaded {
  if (offset < 0 || offset + size > t.size) {
    const last = t.kind === 'struct' ? t.members[t.members.length - 1] : undefined;
    const open = last !== undefined && plain(last.type).kind === 'array' && byteSize(last.type) === 0;
    if (open) return SCALAR;
    return { fault: [`access beyond ${t.kind} ${nameOf(t)} at off ${offset} size ${size}`] };
  }
  for (const m of t.members) {
    const start = m.offsetBits >> 3;
    if (m.bitfieldSize !== undefined && m.bitfieldSize > 0) continue;
    const bytes = byteSize(resolved(w, m.type));
    if (offset < start || offset >= start + bytes) continue;
    if (offset + size > start + bytes) continue;
    const loaded = loadMember(w, m, offset, size);
    // Which of a union's members is valid nobody knows, unless there is one (__bpf_md_ptr).
    return t.kind === 'union' && t.members.length > 1 && 'pointer' in loaded
      ? { ...loaded, trust: 'untrusted_' }
      : loaded;
  }
  return SCALAR;
}

/** A load through a pointer to a kernel type. */
export function walkStruct(w: Walk, a: Access): Loaded {
  const type = a.pointer.btf;
  const name = type === undefined ? '' : nameOf(type);
  const { value } = a.pointer;
  if (!value.isConst) {
    return { fault: [`R${a.register} is ptr_${name} invalid variable offset: off=${a.offset}`] };
  }
  const at = value.signed + a.offset;
  if (at < 0) return { fault: [`R${a.register} is ptr_${name} invalid negative access: off=${at}`] };
  if (a.pointer.trust === 'percpu_') {
    return { fault: [`R${a.register} is ptr_${name} access percpu memory: off=${a.offset}`] };
  }
  if (a.write) return { fault: ['only read is supported'] };
  if (type === undefined || !isAggregate(type)) return { fault: [`Type '${name}' is not a struct`] };
  const loaded = loadFrom(w, type, at, a.size);
  if ('pointer' in loaded && a.pointer.trust === 'untrusted_') return { ...loaded, trust: 'untrusted_' };
  return loaded;
}

/** The kernel's own structure behind a map type, of which programs may read the fields. */
function mapStruct(type: string): string {
  if (type.includes('array') && type !== 'perf_event_array') return 'bpf_array';
  if (type.includes('hash')) return 'bpf_htab';
  if (type === 'ringbuf') return 'bpf_ringbuf_map';
  if (type === 'stack_trace') return 'bpf_stack_map';
  return 'bpf_map';
}

export function typeNameOf(w: Walk, t: CType): string {
  return nameOf(resolved(w, t));
}

/** Whether a struct of this name lies at an offset inside a type. */
export function leadsTo(w: Walk, t: CType, offset: number, name: string): boolean {
  const type = resolved(w, t);
  if (type.kind === 'array') {
    const step = byteSize(type.element);
    return step > 0 && offset < step * type.length && leadsTo(w, type.element, offset % step, name);
  }
  if (!isAggregate(type)) return false;
  if (offset === 0 && type.name === name) return true;
  return type.members.some((member) => {
    const start = member.offsetBits >> 3;
    return offset >= start && offset < start + byteSize(member.type) && leadsTo(w, member.type, offset - start, name);
  });
}

/** struct bpf_map is the head of them all; what follows it we only read as numbers. */
const MAP_OBJECT_BYTES = 256;

export function walkMapObject(w: Walk, a: Access): Loaded {
  const struct = mapStruct(a.pointer.map === undefined ? '' : a.pointer.map.type);
  if (!(a.pointer.map !== undefined && isMapType(a.pointer.map.type)))
    return { fault: ['map_ptr access not supported'] };
  if (a.offset < 0) return { fault: [`R${a.register} is ${struct} invalid negative access: off=${a.offset}`] };
  if (a.write) return { fault: [`only read from ${struct} is supported`] };
  const type = w.types?.struct(struct);
  if (type !== undefined) return loadFrom(w, type, a.offset, a.size);
  if (a.offset + a.size > MAP_OBJECT_BYTES) {
    return { fault: [`access beyond struct ${struct} at off ${a.offset} size ${a.size}`] };
  }
  return SCALAR;
}

const ordinal = (n: number): string => `${n + 1}-th`;

/** Attach points whose programs get pointers that the kernel vouches for (prog_args_trusted, kernel/bpf/btf.c). */
const VOUCHED: ReadonlySet<string> = new Set(['tp_btf', 'iter']);

/** The function's argument (or, on return, result) that a load of the context reads. */
export function walkArgument(w: Walk, offset: number, size: number): Loaded {
  const [kind, name] = (w.program.attach ?? '').split('/');
  const { prototype } = w;
  if (prototype === undefined || kind === undefined || name === undefined) return SCALAR;
  const func = `func '${kind === 'iter' ? iteratorFunction(name) : name}'`;
  if (offset % 8 !== 0) return { fault: [`${func} offset ${offset} is not multiple of 8`] };
  const index = offset / 8;
  const count = prototype.parameters.length;
  const returns = kind === 'fexit' && index === count;
  if (index > count || (index === count && !returns)) {
    return { fault: [`${func} doesn't have ${ordinal(index)} argument`] };
  }
  const type = resolved(w, returns ? prototype.returns : prototype.parameters[index]!.type);
  if (type.kind !== 'pointer') return SCALAR;
  const loaded = throughPointer(w, type.to, VOUCHED.has(kind) ? 'trusted_' : '');
  if (!('pointer' in loaded)) return loaded;
  if (size !== 8) return { fault: [`${func} size ${size} must be 8`] };
  const member = kind === 'iter' ? iteratorMember(name, prototype.parameters[index]!.name ?? '') : undefined;
  return member === undefined ? loaded : { ...loaded, trust: member.trusted ? 'trusted_' : '', maybeNull: true };
}
