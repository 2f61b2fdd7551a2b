import type { ArgKind } from '../abi/helper-types.ts';
import type { SpecialArgKind } from '../abi/known-helpers.ts';
import { movedPointerFault } from './check-memory.ts';
import { type Register, type Trust, isNull, typeName } from './register.ts';
import { type Violation, registerViolation } from './rejection.ts';

/** What an argument may be, one kind for all helpers. */
export type Kind = ArgKind | SpecialArgKind;

const MEMORY = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_, ctx';
const MEMORY_TYPES: readonly Register['type'][] = [
  'fp',
  'pkt',
  'pkt_meta',
  'map_key',
  'map_value',
  'mem',
  'ringbuf_mem',
  'ctx',
];

interface KindRule {
  /** Types of registers that may be passed, and how messages list them. */
  readonly types: readonly Register['type'][];
  readonly expected: string;
  readonly nullable?: true;
  /** Of BTF pointers, which. */
  readonly trust?: readonly Trust[];
}
const memory: KindRule = { types: MEMORY_TYPES, expected: MEMORY };
const readable: KindRule = { types: [...MEMORY_TYPES, 'rdonly_mem'], expected: MEMORY };
const number: KindRule = { types: ['scalar'], expected: 'scalar' };

const RULES: Record<Exclude<Kind, 'anything' | 'unchecked'>, KindRule> = {
  const_map_ptr: { types: ['map_ptr'], expected: 'map_ptr' },
  map_key: memory,
  map_value: memory,
  map_value_or_null: { ...memory, nullable: true },
  uninit_map_value: memory,
  mem: readable,
  mem_or_null: { ...readable, nullable: true },
  uninit_mem: memory,
  written_mem: memory,
  written_mem_or_null: { ...memory, nullable: true },
  fixed_size_mem: memory,
  const_size: number,
  const_size_or_zero: number,
  const_alloc_size_or_zero: number,
  scalar: number,
  ctx: { types: ['ctx'], expected: 'ctx' },
  ringbuf_mem: { types: ['ringbuf_mem'], expected: 'ringbuf_mem' },
  func: { types: ['func'], expected: 'func' },
  stack_or_null: { types: ['fp'], expected: 'fp', nullable: true },
  const_str: { types: ['map_value'], expected: 'map_value' },
  btf_id: { types: ['ptr_'], expected: 'ptr_, trusted_ptr_, rcu_ptr_', trust: ['', 'trusted_', 'rcu_'] },
  btf_id_or_null: {
    types: ['ptr_'],
    expected: 'ptr_, trusted_ptr_, rcu_ptr_',
    nullable: true,
    trust: ['', 'trusted_', 'rcu_'],
  },
  btf_sock_or_null: {
    types: ['sock_common', 'sock', 'tcp_sock', 'ptr_'],
    expected: 'sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_',
    nullable: true,
    trust: ['', 'trusted_'],
  },
  percpu_btf_id: {
    types: ['ptr_'],
    expected: 'percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_',
    trust: ['percpu_'],
  },
  long: memory,
  int: memory,
  spin_lock: { types: ['map_value'], expected: 'map_value, ptr_' },
  timer: { types: ['map_value'], expected: 'map_value' },
  kptr: { types: ['map_value'], expected: 'map_value, ptr_, ptr_, rcu_ptr_' },
  ctx_or_null: { types: ['ctx'], expected: 'ctx', nullable: true },
  sock: {
    types: ['sock_common', 'sock', 'tcp_sock', 'ptr_'],
    expected: 'sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_',
    trust: ['', 'trusted_'],
  },
  sock_common: { types: ['sock_common', 'sock', 'tcp_sock'], expected: 'sock_common, sock, tcp_sock, xdp_sock' },
};

/** Kinds of memory that the helper writes to. */
export const WRITES: ReadonlySet<Kind> = new Set<Kind>([
  'uninit_mem',
  'written_mem',
  'written_mem_or_null',
  'uninit_map_value',
  'long',
  'int',
]);
/** What a map must describe in BTF for these. */
export const BTF_FEATURES: Partial<Record<Kind, string>> = {
  spin_lock: 'bpf_spin_lock',
  timer: 'bpf_timer',
  kptr: 'bpf_kptr_xchg',
};

/** Whether a register holds what a kind of argument asks for. */
export function typeFault(
  register: number,
  r: Register,
  kind: Exclude<Kind, 'anything' | 'unchecked'>,
): Violation | undefined {
  const rule = RULES[kind];
  if (rule.nullable === true && isNull(r)) return undefined;
  const nullOk = !r.maybeNull || (rule.nullable === true && kind !== 'btf_id');
  const isMemory = rule.expected === MEMORY;
  const trusted = isMemory && r.type === 'ptr_' && r.trust === 'trusted_';
  const allowed = rule.types.includes(r.type) || trusted;
  if (allowed && nullOk && (r.type !== 'ptr_' || (rule.trust?.includes(r.trust) ?? true))) return undefined;
  return registerViolation(register, 'EACCES', `R${register} type=${typeName(r)} expected=${rule.expected}`);
}

/** Pointers with an offset may go where memory is expected, others must be as they came. */
export function offsetFault(register: number, r: Register, kind: Kind): Violation | undefined {
  if (kind === 'ringbuf_mem' && !r.value.isZero) {
    const text = `R${register} must have zero offset when passed to release func or trusted arg to kfunc`;
    return registerViolation(register, 'EINVAL', text);
  }
  switch (r.type) {
    case 'fp':
    case 'pkt':
    case 'pkt_meta':
    case 'map_key':
    case 'map_value':
    case 'mem':
    case 'ringbuf_mem':
    case 'scalar':
      return undefined;
    default:
      return movedPointerFault(register, r, r.type === 'ptr_');
  }
}
