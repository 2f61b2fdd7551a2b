/** Scripts to begin with, each for a question that somebody may have. */
export const EXAMPLES: readonly { readonly question: string; readonly script: string }[] = [
  { question: 'Who reads files?', script: 'kprobe:vfs_read { @[comm] = count(); }' },
  { question: 'How large are disk requests?', script: 'tracepoint:block:block_rq_issue { @ = hist(args.bytes); }' },
  {
    question: 'How long do reads take?',
    script:
      'kprobe:vfs_read {\n  @start[tid] = nsecs;\n}\nkretprobe:vfs_read /@start[tid]/ {\n  @ns[comm] = hist(nsecs - @start[tid]);\n  delete(@start, tid);\n}',
  },
  {
    question: 'Which files are opened?',
    script: 'tracepoint:syscalls:sys_enter_openat {\n  printf("%-12s %s\\n", comm, str(args.filename));\n}',
  },
  { question: 'Where do the CPUs spend their time?', script: 'profile:hz:99 { @[kstack] = count(); }' },
  {
    question: 'Which system calls are made?',
    script: 'tracepoint:raw_syscalls:sys_enter { @[syscall_name(args.id)] = count(); }',
  },
  {
    question: 'Who runs after whom?',
    script: 'tracepoint:sched:sched_switch { @[args.prev_comm, args.next_comm] = count(); }',
  },
];
