import type { ArgKind, HelperFunction, ReturnKind } from './helper-types.ts';

export interface HelperRow {
  /** Number in include/uapi/linux/bpf.h. */
  readonly id: number;
  readonly args: readonly ArgKind[];
  readonly ret: ReturnKind;
  readonly sleeps?: true;
  /** Of iterators alone: other programs have no file to write to (tracing_prog_func_proto in kernel/trace/bpf_trace.c). */
  readonly iterators?: true;
  /** A function of the kernel's own (kfunc): `id` is its number in the BTF of Linux 7.2.13. */
  readonly kfunc?: KernelFunctionRow;
}

/** Flags that the kernel keeps of a kfunc (include/linux/btf.h). */
export interface KernelFunctionRow {
  /** KF_ACQUIRE: its result must be given to a function that releases it. */
  readonly acquires?: true;
  /** KF_RELEASE */
  readonly releases?: true;
  /** Arguments that may be pointers of any kind, or none. */
  readonly anyPointer?: readonly number[];
  /** Only session programs may call it (bpf_kprobe_multi_filter in kernel/trace/bpf_trace.c). */
  readonly sessions?: true;
  /** Struct that BTF arguments and results point to. */
  readonly struct?: string;
}

/** The one declaration of each helper and kernel function that programs may call: code generation reads `id`, the verifier `args` and `ret`, the runtime owes a function. */
export const HELPERS = {
  map_lookup_elem: { id: 1, args: ['const_map_ptr', 'map_key'], ret: 'map_value_or_null' },
  map_update_elem: { id: 2, args: ['const_map_ptr', 'map_key', 'map_value', 'anything'], ret: 'integer' },
  map_delete_elem: { id: 3, args: ['const_map_ptr', 'map_key'], ret: 'integer' },
  probe_read: { id: 4, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  ktime_get_ns: { id: 5, args: [], ret: 'integer' },
  trace_printk: { id: 6, args: ['mem', 'const_size', 'unchecked', 'unchecked', 'unchecked'], ret: 'integer' },
  get_prandom_u32: { id: 7, args: [], ret: 'integer' },
  get_smp_processor_id: { id: 8, args: [], ret: 'integer' },
  tail_call: { id: 12, args: ['ctx', 'const_map_ptr', 'anything'], ret: 'void' },
  get_current_pid_tgid: { id: 14, args: [], ret: 'integer' },
  get_current_uid_gid: { id: 15, args: [], ret: 'integer' },
  get_current_comm: { id: 16, args: ['uninit_mem', 'const_size'], ret: 'integer' },
  perf_event_read: { id: 22, args: ['const_map_ptr', 'anything'], ret: 'integer' },
  perf_event_output: {
    id: 25,
    args: ['ctx', 'const_map_ptr', 'anything', 'mem', 'const_size_or_zero'],
    ret: 'integer',
  },
  get_stackid: { id: 27, args: ['ctx', 'const_map_ptr', 'anything'], ret: 'integer' },
  get_current_task: { id: 35, args: [], ret: 'integer' },
  probe_write_user: { id: 36, args: ['anything', 'mem', 'const_size'], ret: 'integer' },
  get_numa_node_id: { id: 42, args: [], ret: 'integer' },
  probe_read_str: { id: 45, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  current_task_under_cgroup: { id: 37, args: ['const_map_ptr', 'anything'], ret: 'integer' },
  perf_event_read_value: {
    id: 55,
    args: ['const_map_ptr', 'anything', 'uninit_mem', 'const_size'],
    ret: 'integer',
  },
  override_return: { id: 58, args: ['ctx', 'anything'], ret: 'integer' },
  get_stack: { id: 67, args: ['ctx', 'uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  /** Of tracing programs; programs of packets have another function of this number. */
  get_socket_ptr_cookie: { id: 46, args: ['btf_sock_or_null'], ret: 'integer' },
  get_current_cgroup_id: { id: 80, args: [], ret: 'integer' },
  map_push_elem: { id: 87, args: ['const_map_ptr', 'map_value', 'anything'], ret: 'integer' },
  map_pop_elem: { id: 88, args: ['const_map_ptr', 'uninit_map_value'], ret: 'integer' },
  map_peek_elem: { id: 89, args: ['const_map_ptr', 'uninit_map_value'], ret: 'integer' },
  strtol: { id: 105, args: ['mem', 'const_size', 'anything', 'long'], ret: 'integer' },
  strtoul: { id: 106, args: ['mem', 'const_size', 'anything', 'long'], ret: 'integer' },
  send_signal: { id: 109, args: ['anything'], ret: 'integer' },
  skb_output: {
    id: 111,
    args: ['btf_id', 'const_map_ptr', 'anything', 'mem', 'const_size_or_zero'],
    ret: 'integer',
  },
  probe_read_user: { id: 112, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_kernel: { id: 113, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_user_str: { id: 114, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_kernel_str: { id: 115, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  send_signal_thread: { id: 117, args: ['anything'], ret: 'integer' },
  jiffies64: { id: 118, args: [], ret: 'integer' },
  read_branch_records: {
    id: 119,
    args: ['ctx', 'written_mem_or_null', 'const_size_or_zero', 'anything'],
    ret: 'integer',
  },
  get_ns_current_pid_tgid: { id: 120, args: ['anything', 'anything', 'uninit_mem', 'const_size'], ret: 'integer' },
  get_current_ancestor_cgroup_id: { id: 123, args: ['anything'], ret: 'integer' },
  ktime_get_boot_ns: { id: 125, args: [], ret: 'integer' },
  seq_printf: {
    id: 126,
    args: ['btf_id', 'mem', 'const_size', 'mem_or_null', 'const_size_or_zero'],
    ret: 'integer',
    iterators: true,
  },
  seq_write: { id: 127, args: ['btf_id', 'mem', 'const_size_or_zero'], ret: 'integer', iterators: true },
  ringbuf_output: { id: 130, args: ['const_map_ptr', 'mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  ringbuf_reserve: {
    id: 131,
    args: ['const_map_ptr', 'const_alloc_size_or_zero', 'anything'],
    ret: 'ringbuf_mem_or_null',
  },
  ringbuf_submit: { id: 132, args: ['ringbuf_mem', 'anything'], ret: 'void' },
  ringbuf_discard: { id: 133, args: ['ringbuf_mem', 'anything'], ret: 'void' },
  ringbuf_query: { id: 134, args: ['const_map_ptr', 'anything'], ret: 'integer' },
  get_task_stack: { id: 141, args: ['btf_id', 'uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  d_path: { id: 147, args: ['btf_id', 'written_mem', 'const_size_or_zero'], ret: 'integer' },
  copy_from_user: { id: 148, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer', sleeps: true },
  per_cpu_ptr: { id: 153, args: ['percpu_btf_id', 'anything'], ret: 'mem_or_btf_id_or_null' },
  this_cpu_ptr: { id: 154, args: ['percpu_btf_id'], ret: 'mem_or_btf_id' },
  task_storage_get: {
    id: 156,
    args: ['const_map_ptr', 'btf_id_or_null', 'map_value_or_null', 'anything'],
    ret: 'map_value_or_null',
  },
  task_storage_delete: { id: 157, args: ['const_map_ptr', 'btf_id_or_null'], ret: 'integer' },
  get_current_task_btf: { id: 158, args: [], ret: 'btf_id' },
  ktime_get_coarse_ns: { id: 160, args: [], ret: 'integer' },
  for_each_map_elem: { id: 164, args: ['const_map_ptr', 'func', 'stack_or_null', 'anything'], ret: 'integer' },
  snprintf: {
    id: 165,
    args: ['written_mem_or_null', 'const_size_or_zero', 'const_str', 'mem_or_null', 'const_size_or_zero'],
    ret: 'integer',
  },
  get_func_ip: { id: 173, args: ['ctx'], ret: 'integer' },
  get_attach_cookie: { id: 174, args: ['ctx'], ret: 'integer' },
  get_branch_snapshot: { id: 176, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  trace_vprintk: { id: 177, args: ['mem', 'const_size', 'mem_or_null', 'const_size_or_zero'], ret: 'integer' },
  loop: { id: 181, args: ['scalar', 'func', 'stack_or_null', 'anything'], ret: 'integer' },
  strncmp: { id: 182, args: ['mem', 'const_size', 'const_str'], ret: 'integer' },
  get_func_arg: { id: 183, args: ['ctx', 'anything', 'long'], ret: 'integer' },
  get_func_ret: { id: 184, args: ['ctx', 'long'], ret: 'integer' },
  get_func_arg_cnt: { id: 185, args: ['ctx'], ret: 'integer' },
  map_lookup_percpu_elem: { id: 195, args: ['const_map_ptr', 'map_key', 'anything'], ret: 'map_value_or_null' },
  ktime_get_tai_ns: { id: 208, args: [], ret: 'integer' },
  /** Whether a session program (kprobe.session) runs at the function's return. */
  session_is_return: { id: 66_736, args: ['ctx'], ret: 'integer', kfunc: { sessions: true } },
  /** Where text of at most so many bytes contains another, or -errno; both may be any memory (the kernel's `__ign`). */
  strnstr: {
    id: 66_924,
    args: ['anything', 'anything', 'anything'],
    ret: 'integer',
    kfunc: { anyPointer: [0, 1] },
  },
  task_from_pid: {
    id: 66_993,
    args: ['anything'],
    ret: 'btf_id_or_null',
    kfunc: { acquires: true, struct: 'task_struct' },
  },
  task_release: { id: 66_997, args: ['btf_id'], ret: 'void', kfunc: { releases: true, struct: 'task_struct' } },
} as const satisfies Record<string, HelperRow>;
export type HelperName = keyof typeof HELPERS;

/** A kernel function that programs may call, by the kernel's name for it. */
export function kernelFunctionNamed(name: string): HelperRow | undefined {
  const key = name.replace(/^bpf_/, '');
  const row: HelperRow | undefined = Object.hasOwn(HELPERS, key) ? HELPERS[key as HelperName] : undefined;
  return key === name || row?.kfunc === undefined ? undefined : row;
}

/** The runtime owes one function per helper, of the arity that its row gives. */
export type HelperFunctions = { readonly [K in HelperName]: HelperFunction<(typeof HELPERS)[K]['args']> };
