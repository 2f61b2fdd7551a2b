/** The system calls that simulated programs make, by the kernel's number (arch/x86/entry/syscalls/syscall_64.tbl). */
export const SYSCALL_NUMBERS = {
  read: 0,
  write: 1,
  close: 3,
  lseek: 8,
  pread64: 17,
  sched_yield: 24,
  getpid: 39,
  clone: 56,
  execve: 59,
  wait4: 61,
  fdatasync: 75,
  getuid: 102,
  getppid: 110,
  clock_nanosleep: 230,
  exit_group: 231,
  openat: 257,
} as const satisfies Record<string, number>;
