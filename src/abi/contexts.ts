import type { Abi } from '../btf/abi/abi.ts';
import { ABIS, type AbiName } from '../btf/abi/abis.ts';
import type { ProgramType } from './program-image.ts';

/**
 * What a program may read and write of its context, by program type: the kernel's is_valid_access functions
 * (kernel/trace/bpf_trace.c, net/core/filter.c, Linux 7.2) as rows.
 */
export interface ContextField {
  readonly offset: number;
  readonly bytes: number;
  /**
   * How wide accesses may be: `any` naturally aligned width, exactly `whole` fields of `unit` bytes, or `narrow`: up to
   * `unit` bytes inside one unit.
   */
  readonly width: 'any' | 'whole' | 'narrow';
  readonly unit?: number;
  readonly write?: true;
  /** What a read yields when it is no number. */
  readonly pointer?: 'pkt' | 'pkt_end' | 'pkt_meta' | 'sock_common';
  /** That pointer may be null. */
  readonly maybeNull?: true;
}

export interface ContextRow {
  readonly bytes: number;
  /** Accesses go through to the memory as they are, so the pointer itself may be moved by constants. */
  readonly movable: boolean;
  readonly fields: readonly ContextField[];
  /** Messages name the function's arguments: the context is that of a traced function. */
  readonly traced?: true;
}

/** Trace records are at most this long (PERF_MAX_TRACE_SIZE). */
const MAX_TRACE_BYTES = 8192;
/** MAX_BPF_FUNC_ARGS words. */
const ARGUMENT_BYTES = 12 * 8;

const u32 = (offset: number, more: Partial<ContextField> = {}): ContextField => ({
  offset,
  bytes: 4,
  width: 'narrow',
  unit: 4,
  ...more,
});
const WRITE = { write: true } as const;

/** struct __sk_buff, the part that both kinds of programs see; `w` says what may be written as well. */
const skbFields = (w: (name: string) => Partial<ContextField>): readonly ContextField[] => [
  u32(0),
  u32(4),
  u32(8, w('mark')),
  u32(12, w('queue_mapping')),
  u32(16),
  u32(20),
  u32(24),
  u32(28),
  u32(32, w('priority')),
  u32(36),
  u32(40),
  u32(44, w('tc_index')),
  { offset: 48, bytes: 20, width: 'any', write: true },
  u32(68),
  u32(84),
  u32(164),
  { offset: 168, bytes: 8, width: 'whole', unit: 8, pointer: 'sock_common', maybeNull: true },
  u32(176),
];

const SCHED_CLS_WRITES: ReadonlySet<string> = new Set(['mark', 'queue_mapping', 'priority', 'tc_index']);

/** Contexts with registers: struct pt_regs of the architecture, and struct bpf_perf_event_data with what user space knows of it. */
const registerContexts = ({
  registersBytes,
  userRegistersBytes,
}: Abi): Record<'kprobe' | 'perf_event', ContextRow> => ({
  kprobe: {
    bytes: registersBytes,
    movable: true,
    fields: [{ offset: 0, bytes: registersBytes, width: 'any', write: true }],
  },
  perf_event: {
    bytes: userRegistersBytes + 16,
    movable: false,
    fields: [
      { offset: 0, bytes: userRegistersBytes, width: 'whole', unit: 8 },
      { offset: userRegistersBytes, bytes: 16, width: 'narrow', unit: 8 },
    ],
  },
});

const OTHER_CONTEXTS: Record<Exclude<ProgramType, 'kprobe' | 'perf_event'>, ContextRow> = {
  tracepoint: {
    bytes: MAX_TRACE_BYTES,
    movable: true,
    // The first word is the kernel's own.
    fields: [{ offset: 8, bytes: MAX_TRACE_BYTES - 8, width: 'any' }],
  },
  raw_tracepoint: {
    bytes: ARGUMENT_BYTES,
    movable: true,
    fields: [{ offset: 0, bytes: ARGUMENT_BYTES, width: 'any' }],
  },
  tracing: {
    bytes: ARGUMENT_BYTES,
    movable: true,
    traced: true,
    fields: [{ offset: 0, bytes: ARGUMENT_BYTES, width: 'any' }],
  },
  socket_filter: { bytes: 192, movable: false, fields: skbFields(() => ({})) },
  sched_cls: {
    bytes: 192,
    movable: false,
    fields: [
      ...skbFields((name) => (SCHED_CLS_WRITES.has(name) ? WRITE : {})),
      u32(72, WRITE),
      { offset: 76, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt' },
      { offset: 80, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt_end' },
      { offset: 140, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt_meta' },
      { offset: 152, bytes: 8, width: 'whole', unit: 8, write: true },
      u32(160),
      { offset: 180, bytes: 1, width: 'whole', unit: 1 },
      { offset: 184, bytes: 8, width: 'whole', unit: 8 },
    ],
  },
  xdp: {
    bytes: 24,
    movable: false,
    fields: [
      { offset: 0, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt' },
      { offset: 4, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt_end' },
      { offset: 8, bytes: 4, width: 'whole', unit: 4, pointer: 'pkt_meta' },
      { offset: 12, bytes: 8, width: 'whole', unit: 4 },
    ],
  },
};

export const CONTEXTS: Record<AbiName, Record<ProgramType, ContextRow>> = {
  x86_64: { ...OTHER_CONTEXTS, ...registerContexts(ABIS.x86_64) },
  arm64: { ...OTHER_CONTEXTS, ...registerContexts(ABIS.arm64) },
};

/** Words of struct bpf_sock that all of its kinds have. */
const SOCK_COMMON: readonly ContextField[] = [
  u32(0, { width: 'whole' }),
  u32(4),
  u32(24),
  { offset: 28, bytes: 16, width: 'narrow', unit: 4 },
  u32(44),
  { offset: 48, bytes: 2, width: 'narrow', unit: 2 },
  u32(48, { width: 'whole' }),
  u32(52),
  { offset: 56, bytes: 16, width: 'narrow', unit: 4 },
  u32(72),
  u32(76),
];

/**
 * What may be read through socket pointers: struct bpf_sock and struct bpf_tcp_sock (bpf_sock_common_is_valid_access and
 * its siblings, net/core/filter.c).
 */
export const SOCKETS = {
  sock_common: { fields: SOCK_COMMON },
  sock: { fields: [...SOCK_COMMON, u32(8), u32(12), u32(16, { width: 'whole' }), u32(20, { width: 'whole' })] },
  tcp_sock: {
    fields: [
      { offset: 0, bytes: 80, width: 'whole', unit: 4 },
      { offset: 80, bytes: 16, width: 'whole', unit: 8 },
      { offset: 96, bytes: 16, width: 'whole', unit: 4 },
    ],
  },
} as const satisfies Record<string, Pick<ContextRow, 'fields'>>;
export type SocketType = keyof typeof SOCKETS;

/** The field that an access reads or writes, undefined when the context forbids it. */
export function contextField(
  row: Pick<ContextRow, 'fields'>,
  offset: number,
  size: number,
  write: boolean,
): ContextField | undefined {
  if (offset < 0 || offset % size !== 0) return undefined;
  const fields: readonly ContextField[] = row.fields;
  const inside = fields.filter((f) => offset >= f.offset && offset + size <= f.offset + f.bytes);
  return inside.find((f) => allows(f, offset, size, write));
}

function allows(field: ContextField, offset: number, size: number, write: boolean): boolean {
  if (write && field.write !== true) return false;
  const unit = field.unit ?? size;
  switch (field.width) {
    case 'any':
      return true;
    case 'whole':
      return size === unit;
    case 'narrow':
      return write ? size === unit : size <= unit && (offset % unit) + size <= unit;
  }
}
