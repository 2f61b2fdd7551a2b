import type { ArgKind, HelperFunction, ReturnKind } from './helper-types.ts';

export interface HelperRow {
  /** Number in include/uapi/linux/bpf.h. */
  readonly id: number;
  readonly args: readonly ArgKind[];
  readonly ret: ReturnKind;
}

/** The one declaration of each helper: code generation reads `id`, the verifier `args` and `ret`, the runtime owes a function. */
export const HELPERS = {
  map_lookup_elem: { id: 1, args: ['const_map_ptr', 'map_key'], ret: 'map_value_or_null' },
  map_update_elem: { id: 2, args: ['const_map_ptr', 'map_key', 'map_value', 'anything'], ret: 'integer' },
  map_delete_elem: { id: 3, args: ['const_map_ptr', 'map_key'], ret: 'integer' },
  probe_read: { id: 4, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  ktime_get_ns: { id: 5, args: [], ret: 'integer' },
  get_prandom_u32: { id: 7, args: [], ret: 'integer' },
  get_smp_processor_id: { id: 8, args: [], ret: 'integer' },
  get_current_pid_tgid: { id: 14, args: [], ret: 'integer' },
  get_current_uid_gid: { id: 15, args: [], ret: 'integer' },
  get_current_comm: { id: 16, args: ['uninit_mem', 'const_size'], ret: 'integer' },
  get_stackid: { id: 27, args: ['ctx', 'const_map_ptr', 'anything'], ret: 'integer' },
  get_current_task: { id: 35, args: [], ret: 'integer' },
  get_numa_node_id: { id: 42, args: [], ret: 'integer' },
  probe_read_str: { id: 45, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_write_user: { id: 36, args: ['anything', 'mem', 'const_size'], ret: 'integer' },
  override_return: { id: 58, args: ['ctx', 'anything'], ret: 'integer' },
  get_stack: { id: 67, args: ['ctx', 'uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  get_current_cgroup_id: { id: 80, args: [], ret: 'integer' },
  send_signal: { id: 109, args: ['anything'], ret: 'integer' },
  probe_read_user: { id: 112, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_kernel: { id: 113, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_user_str: { id: 114, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  probe_read_kernel_str: { id: 115, args: ['uninit_mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  send_signal_thread: { id: 117, args: ['anything'], ret: 'integer' },
  ktime_get_boot_ns: { id: 125, args: [], ret: 'integer' },
  ringbuf_output: { id: 130, args: ['const_map_ptr', 'mem', 'const_size_or_zero', 'anything'], ret: 'integer' },
  ringbuf_reserve: {
    id: 131,
    args: ['const_map_ptr', 'const_alloc_size_or_zero', 'anything'],
    ret: 'ringbuf_mem_or_null',
  },
  ringbuf_submit: { id: 132, args: ['ringbuf_mem', 'anything'], ret: 'void' },
  ringbuf_discard: { id: 133, args: ['ringbuf_mem', 'anything'], ret: 'void' },
  d_path: { id: 147, args: ['btf_id', 'uninit_mem', 'const_size_or_zero'], ret: 'integer' },
  for_each_map_elem: { id: 164, args: ['const_map_ptr', 'func', 'stack_or_null', 'anything'], ret: 'integer' },
  get_func_ip: { id: 173, args: ['ctx'], ret: 'integer' },
  loop: { id: 181, args: ['anything', 'func', 'stack_or_null', 'anything'], ret: 'integer' },
  strncmp: { id: 182, args: ['mem', 'const_size', 'const_str'], ret: 'integer' },
  map_lookup_percpu_elem: { id: 195, args: ['const_map_ptr', 'map_key', 'anything'], ret: 'map_value_or_null' },
  ktime_get_tai_ns: { id: 208, args: [], ret: 'integer' },
} as const satisfies Record<string, HelperRow>;
export type HelperName = keyof typeof HELPERS;

/** The runtime owes one function per helper, of the arity that its row gives. */
export type HelperFunctions = { readonly [K in HelperName]: HelperFunction<(typeof HELPERS)[K]['args']> };
