/** What of a real kernel's facts the simulated machine carries. Everything here is a name; the facts come from the input files. */

/** Structs kept with all members, and what they hold by value; what they point to follows to POINTER_DEPTH. */
export const SEED_STRUCTS = words(`
  __kernel_timespec address_space bio blkcg blkcg_gq block_device bpf_iter__task bpf_iter__task_file bpf_iter__task_vma
  bpf_perf_event_data cacheinfo cfs_rq cgroup cgroup_subsys_state cpu_cacheinfo cred dentry elevator_queue elevator_type fdtable
  file file_system_type files_struct fs_struct gendisk hrtimer icmp6hdr icmphdr icmpv6_echo in6_addr in_addr inet_connection_sock
  inet_sock inode iov_iter iphdr ipv6_pinfo ipv6hdr irq_desc irqaction kernfs_node kiocb kmem_cache linux_binprm mem_cgroup
  mm_struct module mount msghdr nameidata napi_struct net_device nf_conn nf_conntrack_man nf_conntrack_tuple nf_conntrack_tuple_hash
  ns_common nsproxy oom_control open_how path pid_namespace proto pt_regs qstr request request_queue rq sched_entity
  seq_file signal_struct sk_buff sk_buff_head sock sock_common sockaddr sockaddr_in sockaddr_in6 sockaddr_un socket softirq_action
  super_block task_struct tasklet_struct tcp_options_received tcp_sack_block tcp_skb_cb tcp_sock tcphdr timer_list timespec64
  timezone udp_sock udphdr unix_sock uts_namespace vfsmount vm_area_struct vm_fault work_struct
  nf_conntrack_man_proto nf_inet_addr new_utsname bio_vec blk_mq_hw_ctx css_set net pid task_group tty_struct user_namespace mnt_namespace
  folio page pid_namespace sighand_struct sigpending workqueue_struct io_context kernel_siginfo trace_entry neighbour neigh_table arphdr cgroup_root
`);
export const POINTER_DEPTH = 1;

/** What per-CPU variables hold that the machine or scripts look at. */
export const PER_CPU_STRUCTS = words(`
  cpuinfo_x86 hrtimer_cpu_base irq_cpustat_t kernel_cpustat kernel_stat softnet_data tick_sched vm_event_state
`);

/** Enums that scripts use members of, each by one of its members. */
export const ENUMERATORS = words(`
  TCP_ESTABLISHED TCPF_ESTABLISHED IPPROTO_TCP SOCK_STREAM PIDTYPE_PID REQ_OP_READ __REQ_SYNC CPUTIME_USER HI_SOFTIRQ HRTIMER_RESTART
  HRTIMER_MODE_ABS MIGRATE_UNMOVABLE FAULT_FLAG_WRITE SKB_DROP_REASON_NOT_SPECIFIED PERF_COUNT_SW_CPU_CLOCK PERF_COUNT_HW_CPU_CYCLES
  BPF_ANY BPF_F_USER_STACK BPF_MAP_TYPE_HASH BPF_PROG_TYPE_KPROBE ZONE_DMA WB_REASON_BACKGROUND NR_FREE_PAGES PGPGIN
  NF_INET_PRE_ROUTING NVME_REQ_CANCELLED nvme_cmd_read IRQ_NONE IRQCHIP_SET_TYPE_MASKED IRQD_TRIGGER_MASK TASKLET_STATE_SCHED
  WORK_STRUCT_PENDING_BIT CGRP_NOTIFY_ON_RELEASE CSS_ONLINE MM_FILEPAGES BH_Uptodate PG_locked DL_DEV_NO_DRIVER
  SYSTEM_BOOTING CONSTRAINT_NONE COMPACT_SUCCESS
`);

/** Functions whose prototypes are kept: those that the machine declares or may come to declare, and that scripts ask for. */
export const FUNCTION_PATTERNS: readonly RegExp[] = [
  // System calls, from the entry stub to the part that other kernel code calls.
  /^__x64_sys_/,
  /^ksys_/,
  /^do_sys_/,
  /^__sys_/,
  /^do_(nanosleep|exit|group_exit|execveat_common|mmap|munmap|brk_flags|wait|wait4|fcntl|pipe2|dup2|futex|epoll_\w+|poll|select)$/,
  /^(kernel_clone|copy_process|wake_up_new_task|begin_new_exec|bprm_execve|load_elf_binary|release_task|exit_\w+|mmput|do_exit)$/,
  /^(alloc_bprm|do_open_execat|open_exec|setup_arg_pages|setup_new_exec|finalize_exec|would_dump|ptep_clear_flush|folio_move_anon_rmap|kernel_read|security_bprm_check)$/,
  /^(do_init_module|load_module|__module_get|module_put|cap_capable)$/,
  // Files.
  /^vfs_/,
  /^do_(sys_)?(filp_open|open\w*|unlinkat|mkdirat|rmdir|renameat2|linkat|symlinkat|truncate|fsync|iter_readv_writev|dentry_open)$/,
  /^(lookup_fast|lookup_slow|link_path_walk|walk_component|path_openat|path_lookupat|filename_lookup|d_lookup|__d_lookup|__d_lookup_rcu|d_alloc|dput|iput|find_inode_fast|new_inode|fput|__fput|fget|alloc_empty_file|getname\w*|putname|user_path_at\w*)$/,
  /^(new_sync_read|new_sync_write|rw_verify_area|generic_file_read_iter|generic_file_write_iter|generic_perform_write|tty_write|tty_read|n_tty_write|n_tty_read|pipe_read|pipe_write|iterate_dir)$/,
  /^ext4_(file_|sync_|sync_file|read|write|da_|mkdir|create|unlink|rename|lookup|getattr|setattr|map_blocks|readpage|readahead|get_block|buffered_write|dio)/,
  /^xfs_file_/,
  /^ovl_(read|write)_iter$/,
  /^(filemap|__filemap)_/,
  /^(page_cache_|force_page_cache|readahead|ondemand_readahead|mark_page_accessed|folio_mark_|folio_wait|add_to_page_cache|balance_dirty_pages|wb_|writeback_|do_writepages|__writeback)/,
  /^(iomap_file_|iomap_dio_rw|bh_submit|mpage_)/,
  // Interrupts, bottom halves, timers.
  /^(common_interrupt|__common_interrupt|handle_irq\w*|__handle_irq\w*|generic_handle_\w+|handle_(edge|level|fasteoi|simple)_irq|irq_(enter|exit)(_rcu)?|note_interrupt)$/,
  /^(request_threaded_irq|free_irq|disable_irq(_nosync)?|enable_irq|synchronize_irq|__setup_irq|irq_thread|irq_thread_fn|irq_wake_thread)$/,
  /^(__do_softirq|handle_softirqs|do_softirq|raise_softirq\w*|__raise_softirq_irqoff|run_ksoftirqd|wakeup_softirqd|tasklet_\w+|__tasklet_\w+|net_rx_action|net_tx_action|run_timer_softirq|__run_timers|call_timer_fn|expire_timers|blk_done_softirq|rcu_core_si|rcu_core|sched_balance_softirq)$/,
  /^(__queue_work|queue_work_on|queue_delayed_work_on|process_one_work|worker_thread|kthread|schedule_work|flush_work|insert_work|delayed_work_timer_fn)$/,
  /^(add_timer\w*|mod_timer\w*|timer_delete\w*|del_timer\w*|schedule_timeout\w*|msleep\w*|usleep_range_state)$/,
  /^(hrtimer_\w+|__hrtimer_\w+|clock_nanosleep\w*|common_nsleep|tick_\w+|update_process_times|sched_tick|scheduler_tick|timekeeping_\w+|ktime_get\w*|clockevents_\w+|run_local_timers)$/,
  /sysvec_|^(asm_)?exc_(page_fault|divide_error|general_protection|int3|debug|nmi|double_fault)$/,
  /^(local_touch_nmi|default_do_nmi|nmi_handle)$/,
  /^(kvm|xen)_steal_clock$/,
  // Scheduling and locking.
  /^(schedule|__schedule|preempt_schedule\w*|schedule_idle|do_task_dead|try_to_wake_up|ttwu_\w+|wake_up_process|wake_up_state|finish_task_switch|pick_next_task\w*|(en|de)queue_task\w*|update_curr|select_task_rq_\w+|sched_(fork|exec|setaffinity|setscheduler\w*|ttwu_pending)|set_user_nice|wake_up_q|yield|io_schedule\w*|do_sched_yield|check_preempt_\w+|resched_curr|migration_cpu_stop|migrate_\w+|sched_balance_\w+|load_balance|set_next_\w+|put_prev_\w+|put_prev_task_\w+|update_load_avg|update_rq_clock|calc_global_load\w*|do_idle|cpu_startup_entry|default_idle\w*|cpuidle_\w+|context_switch)$/,
  /^(__)?(mutex_(lock|unlock|trylock)|down|up|down_(read|write)|up_(read|write)|_raw_spin_(lock|unlock))(_\w+)?$/,
  /^(futex_\w+|rwsem_\w+|complete|wait_for_completion\w*|__wake_up\w*|prepare_to_wait\w*|finish_wait|autoremove_wake_function)$/,
  /^(native_smp_send_reschedule|smp_call_function_\w+|native_send_call_func_\w+|generic_smp_call_function_\w+|flush_smp_call_function_queue)$/,
  // Block layer and disks.
  /^(__)?submit_bio\w*$/,
  /^(blk_mq_|__blk_mq_)(start_request|end_request\w*|complete_request\w*|submit_bio|dispatch_\w+|get_\w*request\w*|alloc_request|free_request|run_hw_queue\w*|sched_\w+|requeue_\w+|try_issue_\w+|insert_\w+|issue_\w+|timeout_work|plug_issue_direct|flush_plug_list)/,
  /^(blk_(account_io_\w+|update_request|finish_plug|start_plug|throtl_bio|execute_rq\w*|insert_\w+|attempt_\w+)|__blk_\w+|bio_(endio|add_\w+|alloc\w*|put|split\w*)|__blk_throtl_bio|elv_\w+|dd_\w+|md_flush_request|disk_start_io_acct|bdev_start_io_acct|bdev_end_io_acct)$/,
  /^nvme_(setup_cmd|complete_rq|queue_rq|irq|poll\w*|pci_complete_\w+|process_cq|prep_rq|timeout|submit_cmds?|end_req|queue_rqs|complete_batch_req|alloc_request|start_request)$/,
  /^(scsi_(done|queue_rq|init_command|complete|io_completion|end_request|finish_command|alloc_sgtables|dispatch_cmd|timeout)|sd_(init_command|done|open)|ata_(qc_issue|scsi_queuecmd|qc_complete\w*))$/,
  // Memory.
  /^(do_user_addr_fault|do_kern_addr_fault|handle_mm_fault|__handle_mm_fault|do_(anonymous_page|fault|wp_page|swap_page|cow_fault|read_fault|shared_fault|numa_page)|hugetlb_fault|migrate_misplaced_(page|folio)|wp_page_copy|finish_fault|fault_in_\w+)$/,
  /^(kmem_cache_(alloc|free)\w*|__kmalloc\w*|kfree|kvfree|vmalloc\w*|vfree|__alloc_pages\w*|alloc_pages\w*|free_pages|__free_pages|free_unref_\w+|get_page_from_freelist|rmqueue\w*|__slab_alloc\w*|__slab_free)$/,
  /^(shrink_\w+|kswapd\w*|balance_pgdat|try_to_free_\w+|wakeup_kswapd|do_swap_page|swap_(read|write)\w*|__swap_\w+|out_of_memory|oom_kill_process|__oom_kill_process|oom_reap_\w+|select_bad_process|mem_cgroup_\w*charge\w*|try_charge_memcg|mem_cgroup_out_of_memory)$/,
  /^(mmap_region|__mmap_region|do_vmi_\w+|unmap_\w+|vm_area_\w+|vma_\w+|exit_mmap|dup_mm\w*|expand_stack\w*|find_vma\w*|vm_mmap_pgoff|lru_\w+|folio_(add_lru|batch_\w+))$/,
  // Network.
  /^(sock_(sendmsg|recvmsg|write_iter|read_iter|alloc\w*|release|close|def_\w+|queue_rcv_skb\w*|wfree|rfree)|__sock_\w+|sk_(alloc|free|stream_\w+|wait_data|filter_\w+|clone\w*)|__sk_\w+)$/,
  /^tcp_/,
  /^__tcp_/,
  /^(inet6?|inet_csk|inet_\w+)_(accept|bind|connect|listen|sendmsg|recvmsg|release|shutdown|create|stream_connect|csk_accept|csk_\w+|hash_connect|put_port|lookup_\w+|dgram_connect)$/,
  /^(ip|ip6|ipv6)_(rcv|rcv_\w+|local_deliver\w*|local_out|output|finish_output\w*|queue_xmit|send_skb|append_data|make_skb|forward\w*|route_\w+|datagram_connect|build_and_send_pkt|fragment|xmit|input|mc_\w+)$/,
  /^(ip4|ip6)_datagram_(connect|release_cb)$/,
  /^__ip_(queue_xmit|local_out|append_data)$/,
  /^(__)?udp(v6|lite)?_/,
  /^(icmp|icmpv6)_(rcv|send|reply|echo|unreach|push_reply)$/,
  /^__icmp_send$/,
  /^unix_(stream|dgram)_/,
  /^(__)?(dev_queue_xmit|dev_hard_start_xmit|netif_receive_skb\w*|netif_rx\w*|napi_\w+|sch_direct_xmit|qdisc_\w+|dev_\w+_skb\w*)$/,
  /^(fq|fq_codel|codel_qdisc|codel|red|tbf|cbs|pfifo_fast|sfq|htb)_(enqueue|dequeue)$/,
  /^(kfree_skb\w*|consume_skb|sk_skb_reason_drop|skb_(copy_datagram\w*|clone|copy|put|push|pull|release\w*|segment|recv_datagram|free_head)|__alloc_skb|alloc_skb\w*|__kfree_skb|__skb_\w*datagram)$/,
  /^(nf_hook_slow|nf_ct_delete|nf_conntrack_in|nf_conntrack_\w+_in)$/,
  /^ieee80211_(request_scan|get_channel|scan_completed)/,
  // Security, signals, cgroups, the rest of what scripts name.
  /^security_(file_\w+|inode_\w+|socket_\w+|task_\w+|bprm_\w+|capable|path_\w+|mmap_\w+|sb_\w+|bpf\w*|kernel_\w+)$/,
  /^(send_signal_locked|__send_signal_locked|do_send_sig_info|do_send_specific|get_signal|do_notify_parent|complete_signal|kill_pid_info\w*|group_send_sig_info|force_sig\w*|dequeue_signal|do_tkill|arch_do_signal_or_restart|signal_wake_up_state)$/,
  /^(cgroup_(attach_task|mkdir|rmdir|procs_write\w*|migrate\w*|post_fork|can_fork|exit)|ptrace_(attach|request|traceme|stop)|ns_capable|capable|commit_creds|prepare_creds|override_creds|revert_creds|create_new_namespaces|copy_namespaces|unshare_nsproxy_namespaces|path_mount|do_new_mount|path_umount|do_umount|printk|_printk|vprintk\w*|panic|oops_\w+|register_kprobe|unregister_kprobe|kprobe_exceptions_notify)$/,
  /^(do_file_open|path_init|terminate_walk|pick_link|step_into_slowpath|fput_close(_sync)?|do_dup2)$/,
  /^(readlink_copy|simple_get_link|page_get_link|page_symlink|do_readlinkat|filename_symlinkat|ext4_(symlink|get_link))$/,
  /^(init_module_from_file|idempotent_init_module|free_module|try_module_get)$/,
  /^(kernfs_fop_(open|write_iter|read_iter|release)|kernfs_iop_(lookup|mkdir|rmdir|permission)|cgroup_(path_ns_locked|file_write|procs_show|kn_unlock)|proc_cgroup_show)$/,
  /^(arp_(create|xmit|xmit_finish|send|send_dst|rcv|process|solicit|constructor|error_report)|neigh_(resolve_output|connected_output|update|timer_handler|probe|add_timer|lookup|invalidate)|__neigh_(create|event_send|update))$/,
  /^(kmalloc_reserve|kfree_skbmem|skb_free_head|skb_attempt_defer_free|napi_skb_cache_put)$/,
  /^(__netif_schedule|netif_schedule_queue|__qdisc_run)$/,
  /^(input_event|kbd_event|kbd_keycode|atkbd_(receive_byte|event)|serio_interrupt|i8042_interrupt|serial8250_(interrupt|handle_irq|rx_chars|tx_chars)|uart_(write|insert_char)|tty_insert_\w+|tty_flip_\w+|flush_to_ldisc|n_tty_receive_\w+)$/,
  /^rcu_(gp_\w+|sched_clock_irq|note_context_switch|do_batch)$/,
];

/** Kept although nothing can be traced by that name on this kernel. */
/** Inlined here, yet what many scripts name. */
export const TRACED_ALL_THE_SAME: readonly RegExp[] = [/^(blk_account_io_start|blk_account_io_done)$/];
export const UNTRACEABLE_PATTERNS: readonly RegExp[] = [
  ...TRACED_ALL_THE_SAME,
  // Iterator programs attach to these; their parameters are the iterator's context.
  /^bpf_iter_(task|task_file|task_vma)$/,
  // Tracepoints without an event name: raw tracepoints only.
  /^__probestub_.*_tp$/,
];

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
