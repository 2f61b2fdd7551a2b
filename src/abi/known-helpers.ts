import type { ArgKind, ReturnKind } from './helper-types.ts';
import { HELPERS, type HelperRow, type KernelFunctionRow } from './helpers.ts';
import type { ProgramType } from './program-image.ts';

/**
 * Helpers beyond HELPERS: prototypes that the verifier checks although our runtime has no function for them, so that
 * programs written for Linux are judged by their own mistakes. A program that reaches one is refused at load.
 */

/** Argument kinds of helpers that need BTF of the map's value, which our maps do not carry, and sockets. */
export type SpecialArgKind = 'spin_lock' | 'timer' | 'kptr' | 'sock_common' | 'sock' | 'ctx_or_null';

export interface Prototype {
  readonly id: number;
  readonly args: readonly (ArgKind | SpecialArgKind)[];
  readonly ret: ReturnKind;
  /** It may move or free packet data: packet pointers are void afterwards. */
  readonly changesPacket?: true;
  readonly sleeps?: true;
  readonly iterators?: true;
  readonly kfunc?: KernelFunctionRow;
  /** It may be given pointers into the packet. */
  readonly packetAccess?: true;
}

/** The only functions whose tracing programs may call a helper: its `btf_allowlist` (kernel/trace/bpf_trace.c). */
export const HELPER_FUNCTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'd_path',
    [
      ...['security_file_permission', 'security_inode_getattr', 'security_file_open', 'security_path_truncate'],
      ...['vfs_truncate', 'vfs_fallocate', 'dentry_open', 'vfs_getattr', 'filp_close'],
    ],
  ],
]);

/** What the kernel type is called to which a helper's BTF argument must lead. */
export const HELPER_STRUCTS: Readonly<Record<string, string>> = {
  d_path: 'path',
  get_task_stack: 'task_struct',
  task_storage_get: 'task_struct',
  task_storage_delete: 'task_struct',
  skb_output: 'sk_buff',
  get_socket_cookie: 'sock_common',
  seq_printf: 'seq_file',
  seq_write: 'seq_file',
};

const DECLARED = {
  l3_csum_replace: {
    id: 10,
    args: ['ctx', 'anything', 'anything', 'anything', 'anything'],
    ret: 'integer',
    changesPacket: true,
  },
  l4_csum_replace: {
    id: 11,
    args: ['ctx', 'anything', 'anything', 'anything', 'anything'],
    ret: 'integer',
    changesPacket: true,
  },
  clone_redirect: { id: 13, args: ['ctx', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  get_cgroup_classid: { id: 17, args: ['ctx'], ret: 'integer' },
  get_own_cgroup_classid: { id: 17, args: [], ret: 'integer' },
  get_netns_cookie: { id: 122, args: ['ctx_or_null'], ret: 'integer' },
  snprintf_btf: { id: 149, args: ['written_mem', 'const_size', 'mem', 'const_size', 'anything'], ret: 'integer' },
  skb_vlan_push: { id: 18, args: ['ctx', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  skb_vlan_pop: { id: 19, args: ['ctx'], ret: 'integer', changesPacket: true },
  skb_get_tunnel_key: { id: 20, args: ['ctx', 'uninit_mem', 'const_size', 'anything'], ret: 'integer' },
  skb_set_tunnel_key: { id: 21, args: ['ctx', 'mem', 'const_size', 'anything'], ret: 'integer' },
  get_route_realm: { id: 24, args: ['ctx'], ret: 'integer' },
  csum_diff: {
    id: 28,
    args: ['mem_or_null', 'const_size_or_zero', 'mem_or_null', 'const_size_or_zero', 'anything'],
    ret: 'integer',
  },
  skb_get_tunnel_opt: { id: 29, args: ['ctx', 'uninit_mem', 'const_size'], ret: 'integer' },
  skb_set_tunnel_opt: { id: 30, args: ['ctx', 'mem', 'const_size'], ret: 'integer' },
  skb_change_proto: { id: 31, args: ['ctx', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  skb_change_type: { id: 32, args: ['ctx', 'anything'], ret: 'integer' },
  skb_under_cgroup: { id: 33, args: ['ctx', 'const_map_ptr', 'anything'], ret: 'integer' },
  get_hash_recalc: { id: 34, args: ['ctx'], ret: 'integer' },
  skb_change_tail: { id: 38, args: ['ctx', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  csum_update: { id: 40, args: ['ctx', 'anything'], ret: 'integer' },
  set_hash_invalid: { id: 41, args: ['ctx'], ret: 'integer' },
  skb_change_head: { id: 43, args: ['ctx', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  set_hash: { id: 48, args: ['ctx', 'anything'], ret: 'integer' },
  skb_adjust_room: { id: 50, args: ['ctx', 'anything', 'anything', 'anything'], ret: 'integer', changesPacket: true },
  redirect_map: { id: 51, args: ['const_map_ptr', 'anything', 'anything'], ret: 'integer' },
  skb_get_xfrm_state: { id: 66, args: ['ctx', 'anything', 'uninit_mem', 'const_size', 'anything'], ret: 'integer' },
  skb_load_bytes_relative: {
    id: 68,
    args: ['ctx', 'anything', 'uninit_mem', 'const_size', 'anything'],
    ret: 'integer',
  },
  fib_lookup: { id: 69, args: ['ctx', 'written_mem', 'const_size', 'anything'], ret: 'integer' },
  skb_cgroup_id: { id: 79, args: ['ctx'], ret: 'integer' },
  skb_ancestor_cgroup_id: { id: 83, args: ['ctx', 'anything'], ret: 'integer' },
  skb_ecn_set_ce: { id: 97, args: ['ctx'], ret: 'integer' },
  csum_level: { id: 135, args: ['ctx', 'anything'], ret: 'integer' },
  skb_cgroup_classid: { id: 151, args: ['ctx'], ret: 'integer' },
  redirect_neigh: { id: 152, args: ['anything', 'mem_or_null', 'const_size_or_zero', 'anything'], ret: 'integer' },
  redirect_peer: { id: 155, args: ['anything', 'anything'], ret: 'integer' },
  check_mtu: { id: 163, args: ['ctx', 'anything', 'int', 'anything', 'anything'], ret: 'integer' },
  xdp_get_buff_len: { id: 188, args: ['ctx'], ret: 'integer' },
  xdp_load_bytes: { id: 189, args: ['ctx', 'anything', 'uninit_mem', 'const_size'], ret: 'integer' },
  xdp_store_bytes: { id: 190, args: ['ctx', 'anything', 'mem', 'const_size'], ret: 'integer' },
  skb_set_tstamp: { id: 192, args: ['ctx', 'anything', 'anything'], ret: 'integer' },
  skb_store_bytes: {
    id: 9,
    args: ['ctx', 'anything', 'mem', 'const_size', 'anything'],
    ret: 'integer',
    changesPacket: true,
  },
  redirect: { id: 23, args: ['anything', 'anything'], ret: 'integer' },
  skb_load_bytes: { id: 26, args: ['ctx', 'anything', 'uninit_mem', 'const_size'], ret: 'integer' },
  skb_pull_data: { id: 39, args: ['ctx', 'anything'], ret: 'integer', changesPacket: true },
  xdp_adjust_head: { id: 44, args: ['ctx', 'anything'], ret: 'integer', changesPacket: true },
  get_socket_cookie: { id: 46, args: ['ctx'], ret: 'integer' },
  get_socket_uid: { id: 47, args: ['ctx'], ret: 'integer' },
  xdp_adjust_meta: { id: 54, args: ['ctx', 'anything'], ret: 'integer', changesPacket: true },
  perf_prog_read_value: { id: 56, args: ['ctx', 'uninit_mem', 'const_size'], ret: 'integer' },
  xdp_adjust_tail: { id: 65, args: ['ctx', 'anything'], ret: 'integer', changesPacket: true },
  spin_lock: { id: 93, args: ['spin_lock'], ret: 'void' },
  spin_unlock: { id: 94, args: ['spin_lock'], ret: 'void' },
  sk_fullsock: { id: 95, args: ['sock_common'], ret: 'sock_or_null' },
  tcp_sock: { id: 96, args: ['sock_common'], ret: 'tcp_sock_or_null' },
  get_listener_sock: { id: 98, args: ['sock_common'], ret: 'sock_or_null' },
  tcp_check_syncookie: { id: 100, args: ['sock', 'mem', 'const_size', 'mem', 'const_size'], ret: 'integer' },
  tcp_gen_syncookie: { id: 110, args: ['sock', 'mem', 'const_size', 'mem', 'const_size'], ret: 'integer' },
  timer_set_callback: { id: 170, args: ['timer', 'func'], ret: 'integer' },
  timer_start: { id: 171, args: ['timer', 'anything', 'anything'], ret: 'integer' },
  timer_cancel: { id: 172, args: ['timer'], ret: 'integer' },
  timer_init: { id: 169, args: ['timer', 'const_map_ptr', 'anything'], ret: 'integer' },
  kptr_xchg: { id: 194, args: ['kptr', 'anything'], ret: 'integer' },
} as const satisfies Record<string, Prototype>;

/** Helpers into which pointers to packet data may go. */
const PACKET_READERS: ReadonlySet<string> = new Set([
  'map_lookup_elem',
  'map_update_elem',
  'map_delete_elem',
  'map_push_elem',
  'csum_diff',
]);

/** Names by number (enum bpf_func_id), for messages and for the disassembler. */
const HELPER_NAMES: readonly string[] = (
  'unspec map_lookup_elem map_update_elem map_delete_elem probe_read ktime_get_ns trace_printk get_prandom_u32 ' +
  'get_smp_processor_id skb_store_bytes l3_csum_replace l4_csum_replace tail_call clone_redirect get_current_pid_tgid ' +
  'get_current_uid_gid get_current_comm get_cgroup_classid skb_vlan_push skb_vlan_pop skb_get_tunnel_key ' +
  'skb_set_tunnel_key perf_event_read redirect get_route_realm perf_event_output skb_load_bytes get_stackid csum_diff ' +
  'skb_get_tunnel_opt skb_set_tunnel_opt skb_change_proto skb_change_type skb_under_cgroup get_hash_recalc ' +
  'get_current_task probe_write_user current_task_under_cgroup skb_change_tail skb_pull_data csum_update ' +
  'set_hash_invalid get_numa_node_id skb_change_head xdp_adjust_head probe_read_str get_socket_cookie get_socket_uid ' +
  'set_hash setsockopt skb_adjust_room redirect_map sk_redirect_map sock_map_update xdp_adjust_meta ' +
  'perf_event_read_value perf_prog_read_value getsockopt override_return sock_ops_cb_flags_set msg_redirect_map ' +
  'msg_apply_bytes msg_cork_bytes msg_pull_data bind xdp_adjust_tail skb_get_xfrm_state get_stack ' +
  'skb_load_bytes_relative fib_lookup sock_hash_update msg_redirect_hash sk_redirect_hash lwt_push_encap ' +
  'lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action rc_repeat rc_keydown skb_cgroup_id get_current_cgroup_id ' +
  'get_local_storage sk_select_reuseport skb_ancestor_cgroup_id sk_lookup_tcp sk_lookup_udp sk_release map_push_elem ' +
  'map_pop_elem map_peek_elem msg_push_data msg_pop_data rc_pointer_rel spin_lock spin_unlock sk_fullsock tcp_sock ' +
  'skb_ecn_set_ce get_listener_sock skc_lookup_tcp tcp_check_syncookie sysctl_get_name sysctl_get_current_value ' +
  'sysctl_get_new_value sysctl_set_new_value strtol strtoul sk_storage_get sk_storage_delete send_signal ' +
  'tcp_gen_syncookie skb_output probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str ' +
  'tcp_send_ack send_signal_thread jiffies64 read_branch_records get_ns_current_pid_tgid xdp_output get_netns_cookie ' +
  'get_current_ancestor_cgroup_id sk_assign ktime_get_boot_ns seq_printf seq_write sk_cgroup_id sk_ancestor_cgroup_id ' +
  'ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query csum_level skc_to_tcp6_sock ' +
  'skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock get_task_stack load_hdr_opt ' +
  'store_hdr_opt reserve_hdr_opt inode_storage_get inode_storage_delete d_path copy_from_user snprintf_btf ' +
  'seq_printf_btf skb_cgroup_classid redirect_neigh per_cpu_ptr this_cpu_ptr redirect_peer task_storage_get ' +
  'task_storage_delete get_current_task_btf bprm_opts_set ktime_get_coarse_ns ima_inode_hash sock_from_file check_mtu ' +
  'for_each_map_elem snprintf sys_bpf btf_find_by_name_kind sys_close timer_init timer_set_callback timer_start ' +
  'timer_cancel get_func_ip get_attach_cookie task_pt_regs get_branch_snapshot trace_vprintk skc_to_unix_sock ' +
  'kallsyms_lookup_name find_vma loop strncmp get_func_arg get_func_ret get_func_arg_cnt get_retval set_retval ' +
  'xdp_get_buff_len xdp_load_bytes xdp_store_bytes copy_from_user_task skb_set_tstamp ima_file_hash kptr_xchg ' +
  'map_lookup_percpu_elem skc_to_mptcp_sock dynptr_from_mem ringbuf_reserve_dynptr ringbuf_submit_dynptr ' +
  'ringbuf_discard_dynptr dynptr_read dynptr_write dynptr_data tcp_raw_gen_syncookie_ipv4 ' +
  'tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6 ktime_get_tai_ns ' +
  'user_ringbuf_drain cgrp_storage_get cgrp_storage_delete'
).split(' ');

const TRACING: readonly ProgramType[] = ['kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint', 'tracing'];
const SKB: readonly ProgramType[] = ['socket_filter', 'sched_cls'];
/** generic_kfunc_set of kernel/bpf/helpers.c; tracepoints and perf events share the set of tracing programs. */
const GENERIC_KERNEL_FUNCTIONS: readonly ProgramType[] = ['tracing', 'tracepoint', 'perf_event', 'sched_cls', 'xdp'];

/** Program types that may call a helper; a helper without a row may be called from all (kernel/trace, net/core/filter.c). */
const ALLOWED: Readonly<Record<string, readonly ProgramType[]>> = {
  get_stackid: TRACING,
  get_stack: TRACING,
  probe_read: TRACING,
  probe_read_str: TRACING,
  probe_write_user: TRACING,
  d_path: ['tracing'],
  seq_printf: ['tracing'],
  seq_write: ['tracing'],
  // The machine's kernel has CONFIG_BPF_KPROBE_OVERRIDE, for bpftrace's override(); Debian's is built without.
  override_return: ['kprobe'],
  ktime_get_coarse_ns: [...SKB, 'xdp'],
  perf_event_output: [...TRACING, 'socket_filter', 'sched_cls', 'xdp'],
  perf_prog_read_value: ['perf_event'],
  read_branch_records: ['perf_event'],
  get_func_ip: TRACING,
  get_attach_cookie: TRACING,
  get_func_arg: ['tracing'],
  get_func_ret: ['tracing'],
  get_func_arg_cnt: ['tracing'],
  skb_load_bytes: SKB,
  skb_store_bytes: ['sched_cls'],
  skb_pull_data: ['sched_cls'],
  get_socket_cookie: SKB,
  get_socket_ptr_cookie: ['tracing'],
  skb_output: ['tracing'],
  get_socket_uid: SKB,
  redirect: ['sched_cls', 'xdp'],
  l3_csum_replace: ['sched_cls'],
  l4_csum_replace: ['sched_cls'],
  clone_redirect: ['sched_cls'],
  get_cgroup_classid: ['sched_cls'],
  get_own_cgroup_classid: [...TRACING, 'socket_filter', 'xdp'],
  get_netns_cookie: SKB,
  skb_vlan_push: ['sched_cls'],
  skb_vlan_pop: ['sched_cls'],
  skb_get_tunnel_key: ['sched_cls'],
  skb_set_tunnel_key: ['sched_cls'],
  get_route_realm: ['sched_cls'],
  csum_diff: ['sched_cls', 'xdp'],
  skb_get_tunnel_opt: ['sched_cls'],
  skb_set_tunnel_opt: ['sched_cls'],
  skb_change_proto: ['sched_cls'],
  skb_change_type: ['sched_cls'],
  skb_under_cgroup: ['sched_cls'],
  get_hash_recalc: ['sched_cls'],
  skb_change_tail: ['sched_cls'],
  csum_update: ['sched_cls'],
  set_hash_invalid: ['sched_cls'],
  skb_change_head: ['sched_cls'],
  set_hash: ['sched_cls'],
  skb_adjust_room: ['sched_cls'],
  redirect_map: ['xdp'],
  skb_get_xfrm_state: ['sched_cls'],
  skb_load_bytes_relative: SKB,
  fib_lookup: ['sched_cls', 'xdp'],
  skb_cgroup_id: ['sched_cls'],
  skb_ancestor_cgroup_id: ['sched_cls'],
  skb_ecn_set_ce: ['sched_cls'],
  csum_level: ['sched_cls'],
  skb_cgroup_classid: ['sched_cls'],
  redirect_neigh: ['sched_cls'],
  redirect_peer: ['sched_cls'],
  check_mtu: ['sched_cls', 'xdp'],
  xdp_get_buff_len: ['xdp'],
  xdp_load_bytes: ['xdp'],
  xdp_store_bytes: ['xdp'],
  skb_set_tstamp: ['sched_cls'],
  tcp_check_syncookie: ['sched_cls', 'xdp'],
  tcp_gen_syncookie: ['sched_cls', 'xdp'],
  sk_fullsock: ['sched_cls'],
  tcp_sock: ['sched_cls'],
  get_listener_sock: ['sched_cls'],
  xdp_adjust_head: ['xdp'],
  xdp_adjust_meta: ['xdp'],
  xdp_adjust_tail: ['xdp'],
  session_is_return: ['kprobe'],
  task_from_pid: GENERIC_KERNEL_FUNCTIONS,
  task_release: GENERIC_KERNEL_FUNCTIONS,
};

interface NamedPrototype extends Prototype {
  readonly name: string;
  /** Types of programs that may call it; undefined: all. */
  readonly types: readonly ProgramType[] | undefined;
  /** How many of r1 to r5 the verifier takes it to read. */
  readonly read: number;
}
/** By number; some numbers are different functions in programs of different types. */
const PROTOTYPES = new Map<number, NamedPrototype[]>();
for (const [name, row] of [...Object.entries<HelperRow>(HELPERS), ...Object.entries<Prototype>(DECLARED)]) {
  const prototype = {
    ...row,
    name,
    types: ALLOWED[name],
    read: row.args.filter((kind) => kind !== 'unchecked').length,
    ...(PACKET_READERS.has(name) ? { packetAccess: true as const } : {}),
  };
  PROTOTYPES.set(row.id, [...(PROTOTYPES.get(row.id) ?? []), prototype]);
}

function prototypeFor(id: number, type: ProgramType): NamedPrototype | undefined {
  return PROTOTYPES.get(id)?.find(({ types }) => types === undefined || types.includes(type));
}

/** Whether the kernel has a helper with this number. */
export const isHelperNumber = (id: number): boolean => id >= 0 && id < HELPER_NAMES.length;

/** Whether this is the BTF number of a kernel function that programs may call. */
export const isKernelFunction = (id: number): boolean => PROTOTYPES.get(id)?.[0]?.kfunc !== undefined;

/** `bpf_map_lookup_elem`, as the kernel's log says it. */
export function helperName(id: number): string {
  const name = helperKey(id);
  return name === undefined ? 'unknown' : `bpf_${name}`;
}

/** `map_lookup_elem`, as tables name it. */
export function helperKey(id: number): string | undefined {
  return HELPER_NAMES[id] ?? PROTOTYPES.get(id)?.[0]?.name;
}

/** The prototype of a helper, if programs of this type may call it. */
export function helperPrototype(id: number, type: ProgramType): Prototype | undefined {
  return prototypeFor(id, type);
}

/** How many of r1 to r5 the verifier takes a helper to read. */
export function argumentCount(id: number, type: ProgramType): number {
  return prototypeFor(id, type)?.read ?? 5;
}

/** Whether our runtime implements the helper, so that a program that calls it can run here. */
export function isImplemented(id: number, type: ProgramType): boolean {
  const found = prototypeFor(id, type);
  return found !== undefined && Object.hasOwn(HELPERS, found.name);
}
