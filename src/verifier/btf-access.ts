import { iteratorFunction, iteratorMember } from '../abi/iterators.ts';
import { isMapType } from '../abi/map-types.ts';
import type { ProgramType } from '../abi/program-image.ts';
import { tracepointArgument } from '../abi/tracepoint-arguments.ts';
import type { CType, FunctionProtoType, Member, StructType, UnionType } from '../btf/types.ts';
import type { Access } from './check-memory.ts';
import { type Trust, isTrusted } from './register.ts';
import type { Errno } from './rejection.ts';
import { formatTnum } from './tnum.ts';
import type { Walk } from './walk.ts';

/** What a load through kernel types yields: a number, or a pointer to another type. */
export type Loaded =
  { readonly scalar: true } | { readonly pointer: CType; readonly trust: Trust; readonly maybeNull?: true } | Fault;

interface Fault {
  readonly fault: readonly string[];
  readonly errno?: Errno;
}

const SCALAR = { scalar: true } as const;

/** What lies behind a pointer to anything but a struct: it may be read, with no promise that something is there. */
export const UNTRUSTED_MEMORY = { kind: 'void' } as const satisfies CType;

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
const nameOf = (t: CType): string => ('name' in t && t.name !== '' ? t.name : '(anon)');

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

const isNumber = (t: CType): boolean => t.kind === 'int' || t.kind === 'enum' || isAggregate(t);

/** Type tags of a pointer that say what it points to (btf_type_tag_walk in kernel/bpf/btf.c). */
const TAGS: Readonly<Record<string, Trust>> = { user: 'user_', percpu: 'percpu_' };

/** What a walk through structs comes to, before it is known how far the pointer that it began at is trusted. */
type Found =
  | { readonly scalar: true }
  | Fault
  | { readonly to: CType; readonly member: string; readonly tag: string | undefined; readonly fromUnion: boolean };

const denied = (text: string): Found => ({ fault: [text] });

/** A load that ends behind a struct whose last member is an array without a length. */
function intoOpenArray(w: Walk, t: StructType | UnionType, at: number, size: number, fromUnion: boolean): Found {
  const beyond = denied(`access beyond struct ${nameOf(t)} at off ${at} size ${size}`);
  const last = t.members[t.members.length - 1];
  const array = last === undefined ? undefined : resolved(w, last.type);
  if (array?.kind !== 'array' || array.length !== 0) return beyond;
  const start = last!.offsetBits >> 3;
  if (at < start) return beyond;
  const element = resolved(w, array.element);
  if (element.kind === 'int') return SCALAR;
  if (!isAggregate(element) || element.size === 0) return beyond;
  return find(w, element, (at - start) % element.size, size, fromUnion);
}

/** A member and, of an array, the element that an offset lies in. */
function elementAt(w: Walk, m: Member, at: number): { readonly type: CType; readonly start: number } {
  const start = m.offsetBits >> 3;
  let type = resolved(w, m.type);
  if (type.kind !== 'array') return { type, start };
  while (type.kind === 'array') type = resolved(w, type.element);
  const step = byteSize(type);
  return { type, start: step === 0 ? start : start + Math.floor((at - start) / step) * step };
}

function inMember(w: Walk, t: CType, m: Member, at: number, size: number, fromUnion: boolean): Found {
  const { type, start } = elementAt(w, m, at);
  if (isAggregate(type)) return find(w, type, at - start, size, fromUnion);
  if (type.kind === 'pointer') {
    if (size === 8 && at === start) return { to: type.to, member: m.name, tag: type.tag, fromUnion };
    const place = `${m.name} with moff ${start} in struct ${nameOf(t)} with off ${at} size ${size}`;
    return denied(`cannot access ptr member ${place}`);
  }
  const end = (m.offsetBits >> 3) + byteSize(resolved(w, m.type));
  if (at + size <= end || fromUnion) return SCALAR;
  const place = `${m.name} (mend:${end}) in struct ${nameOf(t)} with off ${at} size ${size}`;
  return denied(`access beyond the end of member ${place}`);
}

/** What `size` bytes at `at` of an aggregate are (btf_struct_walk in kernel/bpf/btf.c). */
function find(w: Walk, t: StructType | UnionType, at: number, size: number, inUnion: boolean): Found {
  // Which of a union's members is valid nobody knows, unless there is one (__bpf_md_ptr).
  const fromUnion = inUnion || (t.kind === 'union' && t.members.length !== 1);
  if (at + size > t.size) return intoOpenArray(w, t, at, size, fromUnion);
  for (const m of t.members) {
    const start = m.offsetBits >> 3;
    if (at + size <= start) break;
    if (m.bitfieldSize !== undefined && m.bitfieldSize > 0) {
      if (at <= start && Math.ceil((m.offsetBits + m.bitfieldSize) / 8) <= at + size) return SCALAR;
      continue;
    }
    if (at < start) break;
    if (at >= start + byteSize(resolved(w, m.type))) continue;
    return inMember(w, t, m, at, size, fromUnion);
  }
  return { fault: [`struct ${nameOf(t)} doesn't have field at offset ${at}`], errno: 'EINVAL' };
}

/** Members whose pointers are as good as the pointer to their struct (BTF_TYPE_SAFE_* in kernel/bpf/verifier.c). */
const SAFE_MEMBERS: Readonly<Record<string, { readonly trust: Trust; readonly maybeNull?: true }>> = {
  'bpf_iter_meta.seq': { trust: 'trusted_' },
  'bpf_iter__task.meta': { trust: 'trusted_' },
  'bpf_iter__task.task': { trust: 'trusted_' },
  'linux_binprm.file': { trust: 'trusted_' },
  'file.f_inode': { trust: 'trusted_' },
  'dentry.d_inode': { trust: 'trusted_', maybeNull: true },
  'socket.sk': { trust: 'trusted_', maybeNull: true },
  'vm_area_struct.vm_mm': { trust: 'trusted_', maybeNull: true },
  'vm_area_struct.vm_file': { trust: 'trusted_', maybeNull: true },
  'task_struct.cpus_ptr': { trust: 'rcu_' },
  'task_struct.cgroups': { trust: 'rcu_' },
  'task_struct.real_parent': { trust: 'rcu_' },
  'task_struct.group_leader': { trust: 'rcu_' },
  'cgroup.kn': { trust: 'rcu_' },
  'css_set.dfl_cgrp': { trust: 'rcu_' },
  'cgroup_subsys_state.cgroup': { trust: 'rcu_' },
  'mm_struct.exe_file': { trust: 'rcu_', maybeNull: true },
  'mm_struct.owner': { trust: 'rcu_', maybeNull: true },
  'sk_buff.sk': { trust: 'rcu_', maybeNull: true },
  'request_sock.sk': { trust: 'rcu_', maybeNull: true },
};

/** How far the pointer is trusted that a member of what `parent` points to holds; our programs never sleep. */
function trustOf(
  found: Extract<Found, { to: CType }>,
  struct: string,
  parent: { readonly trust: Trust; readonly isTrusted: boolean },
): { readonly trust: Trust; readonly maybeNull?: true } {
  if (parent.trust === 'untrusted_') return { trust: 'untrusted_' };
  const plainly = { trust: TAGS[found.tag ?? ''] ?? (found.fromUnion ? 'untrusted_' : '') } as const;
  if (!parent.isTrusted && parent.trust !== 'rcu_') return plainly;
  const safe = SAFE_MEMBERS[`${struct}.${found.member}`];
  if (safe !== undefined) return safe;
  return found.tag === 'rcu' ? { trust: 'rcu_', maybeNull: true } : plainly;
}

function loaded(w: Walk, found: Found, struct: string, parent: { trust: Trust; isTrusted: boolean }): Loaded {
  if (!('to' in found)) return found;
  const target = resolved(w, found.to);
  if (!isAggregate(target)) return { pointer: UNTRUSTED_MEMORY, trust: 'untrusted_' };
  return { pointer: target, ...trustOf(found, struct, parent) };
}

/** Kinds of pointers of which only their kind is known: that is what they may not be read through. */
const ELSEWHERE: Partial<Record<Trust, string>> = { percpu_: 'percpu', user_: 'user' };

/** A load through a pointer to a kernel type. */
export function walkStruct(w: Walk, a: Access): Loaded {
  const { btf: type, trust, value } = a.pointer;
  if (type?.kind === 'void') {
    return a.write ? { fault: [`R${a.register} cannot write into rdonly_untrusted_mem`] } : SCALAR;
  }
  const name = type === undefined ? '' : nameOf(type);
  const where = `R${a.register} is ptr_${name}`;
  if (!value.isConst) {
    return { fault: [`${where} invalid variable offset: off=${a.offset}, var_off=${formatTnum(value.bits)}`] };
  }
  const at = value.signed + a.offset;
  if (at < 0) return { fault: [`${where} invalid negative access: off=${at}`] };
  if (ELSEWHERE[trust] !== undefined) return { fault: [`${where} access ${ELSEWHERE[trust]} memory: off=${at}`] };
  if (a.write) return { fault: [writeFault(w, a, name, at)] };
  if (type === undefined || !isAggregate(type)) return { fault: [`Type '${name}' is not a struct`], errno: 'EINVAL' };
  return loaded(w, find(w, type, at, a.size, false), name, { trust, isTrusted: isTrusted(a.pointer) });
}

/** Programs of these types may write to some of the kernel's structures: none that they reach here. */
const STRUCT_WRITERS: ReadonlySet<ProgramType> = new Set<ProgramType>(['sched_cls', 'xdp']);

function writeFault(w: Walk, a: Access, name: string, at: number): string {
  const mayWrite = STRUCT_WRITERS.has(w.program.type) && a.pointer.trust !== 'untrusted_';
  return mayWrite
    ? `R${a.register} cannot write into ptr_${name} at off=${at} size=${a.size}`
    : 'only read is supported';
}

/** The kernel's own structure behind a map type, of which programs may read the fields. */
function mapStruct(type: string): string {
  if (type.includes('array')) return 'bpf_array';
  if (type.includes('hash')) return 'bpf_htab';
  if (type === 'ringbuf') return 'bpf_ringbuf_map';
  if (type === 'stack_trace') return 'bpf_stack_map';
  if (type === 'queue' || type === 'stack') return 'bpf_queue_stack';
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
  if (type !== undefined) {
    return loaded(w, find(w, type, a.offset, a.size, false), struct, { trust: '', isTrusted: false });
  }
  if (a.offset + a.size > MAP_OBJECT_BYTES) {
    return { fault: [`access beyond struct ${struct} at off ${a.offset} size ${a.size}`] };
  }
  return SCALAR;
}

/**
 * Which argument, or behind them the result, an offset of the context lies in; each takes whole words. `hidden` ones in
 * front, which programs do not get, count all the same: only beyond the last does that show.
 */
function argumentAt({ parameters, returns }: FunctionProtoType, hidden: number, offset: number): number {
  const types = [...parameters.map(({ type }) => type), returns];
  const words = [...Array.from({ length: hidden }, () => 1), ...types.map((type) => Math.ceil(byteSize(type) / 8))];
  let end = 0;
  const index = words.findIndex((count) => offset < (end += count * 8));
  return index < 0 ? words.length : index;
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
  const index = argumentAt(prototype, kind === 'tp_btf' ? 1 : 0, offset);
  const count = prototype.parameters.length;
  const returns = kind === 'fexit' && index === count;
  if (index > count || (index === count && !returns)) {
    return { fault: [`${func} doesn't have ${ordinal(index)} argument`] };
  }
  const type = resolved(w, returns ? prototype.returns : prototype.parameters[index]!.type);
  if (type.kind !== 'pointer') {
    if (isNumber(type)) return SCALAR;
    const words = `${func} arg${index} '${nameOf(type)}' has type ${type.kind.toUpperCase()}`;
    return { fault: [`${words}. Only pointer access is allowed`] };
  }
  if (size !== 8) return { fault: [`${func} size ${size} must be 8`] };
  const target = resolved(w, type.to);
  if (!isAggregate(target)) return SCALAR;
  const trust = VOUCHED.has(kind) ? 'trusted_' : '';
  const parameter = returns ? '' : prototype.parameters[index]!.name;
  if (kind === 'iter') {
    const member = iteratorMember(name, parameter);
    if (member !== undefined) return { pointer: target, trust: member.trusted ? 'trusted_' : '', maybeNull: true };
  }
  const nullable = kind === 'tp_btf' ? tracepointArgument(name, index) : undefined;
  // An error may stand in its place, which no comparison tells from a pointer.
  if (nullable === 'error') return SCALAR;
  const mayBeNull = nullable === 'null' || parameter.endsWith('__nullable');
  return { pointer: target, trust: TAGS[type.tag ?? ''] ?? trust, ...(mayBeNull ? { maybeNull: true } : {}) };
}
