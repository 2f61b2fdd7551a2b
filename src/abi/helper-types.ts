/**
 * Argument and result kinds of helpers, named after the kernel's enum bpf_arg_type and bpf_return_type
 * (include/linux/bpf.h), and how each passes between generated code and the JavaScript function that implements a helper.
 *
 * Registers are pairs of int32 in the engines. A pointer into the arena passes as one int32, its arena offset (0 = null);
 * a size as one int32; any other 64-bit value as two int32, low half first.
 */
export const ARG_WORDS = {
  const_map_ptr: 1,
  map_key: 1,
  map_value: 1,
  map_value_or_null: 1,
  /** ARG_PTR_TO_UNINIT_MAP_VALUE */
  uninit_map_value: 1,
  mem: 1,
  mem_or_null: 1,
  /** Memory that the helper fills. */
  uninit_mem: 1,
  /** Memory that the helper may change but need not fill (MEM_WRITE without MEM_UNINIT). */
  written_mem: 1,
  written_mem_or_null: 1,
  /** Like mem, of a fixed size that the row states (`int *` results and such). */
  fixed_size_mem: 1,
  const_size: 1,
  const_size_or_zero: 1,
  /** A constant number of bytes to reserve. */
  const_alloc_size_or_zero: 2,
  ctx: 1,
  /** Any scalar or pointer; also unsafe addresses. */
  anything: 2,
  /** A number, no pointer. */
  scalar: 2,
  /** What a variadic helper may look at; the verifier does not (ARG_DONTCARE). */
  unchecked: 2,
  ringbuf_mem: 1,
  /** A callback: slot index of its function. */
  func: 1,
  /** The context handed to a callback. */
  stack_or_null: 2,
  const_str: 1,
  btf_id: 2,
  btf_id_or_null: 2,
  /** A kernel pointer to a socket of any kind, or null. */
  btf_sock_or_null: 2,
  /** The address of a per-CPU variable, which is nobody's copy of it. */
  percpu_btf_id: 2,
  long: 1,
  int: 1,
} as const satisfies Record<string, 1 | 2>;
export type ArgKind = keyof typeof ARG_WORDS;

export const RETURN_KINDS = {
  integer: 'number',
  void: 'none',
  map_value_or_null: 'pointer',
  ringbuf_mem_or_null: 'pointer',
  mem_or_null: 'pointer',
  /** A BTF pointer (current task): full 64-bit value. */
  btf_id: 'number',
  btf_id_or_null: 'number',
  /** A variable of the kernel: memory that may be read, or for a struct a BTF pointer. */
  mem_or_btf_id: 'pointer',
  mem_or_btf_id_or_null: 'pointer',
  sock_or_null: 'pointer',
  tcp_sock_or_null: 'pointer',
} as const satisfies Record<string, 'number' | 'pointer' | 'none'>;
export type ReturnKind = keyof typeof RETURN_KINDS;

type Words<K extends ArgKind> = (typeof ARG_WORDS)[K] extends 1 ? [number] : [number, number];
type Flatten<Args extends readonly ArgKind[]> = Args extends readonly [
  infer Head extends ArgKind,
  ...infer Tail extends readonly ArgKind[],
]
  ? [...Words<Head>, ...Flatten<Tail>]
  : [];

/**
 * The JavaScript signature of a helper. An `integer` or BTF result returns its low half and leaves the high half in the
 * environment's result slot (ExecutionEnvironment.resultHigh); a pointer result is an arena offset or 0.
 */
export type HelperFunction<Args extends readonly ArgKind[]> = (...words: Flatten<Args>) => number;
