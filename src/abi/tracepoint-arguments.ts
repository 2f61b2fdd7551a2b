/** What an argument of a raw tracepoint may be instead of a valid pointer. */
export type TracepointArgument = 'null' | 'error';

/** Arguments that may be null, by their places; the kernel found them by looking (raw_tp_null_args in kernel/bpf/btf.c, Linux 7.2). */
const MAY_BE_NULL: Readonly<Record<string, readonly number[]>> = {
  break_lease_block: [1],
  break_lease_noblock: [1],
  break_lease_unblock: [1],
  device_pm_callback_start: [1],
  ext4_mballoc_discard: [1],
  ext4_mballoc_free: [1],
  fcntl_setlk: [1],
  fib_table_lookup: [2],
  flock_lock_inode: [1],
  folio_wait_writeback: [1],
  generic_delete_lease: [1],
  hugetlbfs_alloc_inode: [1],
  kfree_skb: [3],
  locks_remove_posix: [1],
  mm_collapse_huge_page_isolate: [0],
  mm_khugepaged_collapse_file: [1],
  mm_khugepaged_scan_file: [1],
  mm_khugepaged_scan_pmd: [1],
  mm_page_alloc: [0],
  mm_page_alloc_zone_locked: [0],
  mm_page_pcpu_drain: [0],
  neigh_update: [1],
  posix_lock_inode: [1],
  qdisc_dequeue: [3],
  sched_pi_setprio: [1],
  sched_process_wait: [0],
  sched_stick_numa: [2],
  sched_swap_numa: [2],
  tcp_send_reset: [0, 1],
  tcp_sendmsg_locked: [2],
  time_out_leases: [1],
  tmigr_update_events: [0],
  writeback_dirty_folio: [1],
};
/** Arguments that may be error numbers. */
const MAY_BE_ERROR: Readonly<Record<string, readonly number[]>> = {
  signal_deliver: [1],
  signal_generate: [1],
};

/** What else than a valid pointer the argument may be; undefined: nothing else. */
export function tracepointArgument(tracepoint: string, index: number): TracepointArgument | undefined {
  if (MAY_BE_ERROR[tracepoint]?.includes(index) === true) return 'error';
  return MAY_BE_NULL[tracepoint]?.includes(index) === true ? 'null' : undefined;
}
