/*
 * Names of the constants that system calls are told (include/uapi of Linux): strace writes them with their prefix, perf trace
 * without.
 */
export interface ConstantSet {
  readonly prefix: string;
  /** Values of the bits in `mask`; without bits, of the whole argument. */
  readonly values?: Readonly<Record<number, string>>;
  readonly mask?: number;
  readonly bits?: Readonly<Record<string, number>>;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  4: 'ILL',
  5: 'TRAP',
  6: 'ABRT',
  7: 'BUS',
  8: 'FPE',
  9: 'KILL',
  10: 'USR1',
  11: 'SEGV',
  12: 'USR2',
  13: 'PIPE',
  14: 'ALRM',
  15: 'TERM',
  17: 'CHLD',
  18: 'CONT',
  19: 'STOP',
  20: 'TSTP',
  28: 'WINCH',
};

const CONSTANTS = {
  open: {
    prefix: 'O_',
    mask: 3,
    values: { 0: 'RDONLY', 1: 'WRONLY', 2: 'RDWR' },
    bits: {
      CREAT: 0o100,
      EXCL: 0o200,
      NOCTTY: 0o400,
      TRUNC: 0o1000,
      APPEND: 0o2000,
      NONBLOCK: 0o4000,
      DSYNC: 0o10000,
      DIRECT: 0o40000,
      DIRECTORY: 0o200000,
      NOFOLLOW: 0o400000,
      CLOEXEC: 0o2000000,
      PATH: 0o10000000,
    },
  },
  closeOnExec: { prefix: 'O_', bits: { NONBLOCK: 0o4000, DIRECT: 0o40000, CLOEXEC: 0o2000000 } },
  protection: { prefix: 'PROT_', mask: -1, values: { 0: 'NONE' }, bits: { READ: 1, WRITE: 2, EXEC: 4 } },
  map: {
    prefix: 'MAP_',
    bits: {
      SHARED: 1,
      PRIVATE: 2,
      FIXED: 0x10,
      ANONYMOUS: 0x20,
      DENYWRITE: 0x800,
      NORESERVE: 0x4000,
      POPULATE: 0x8000,
      STACK: 0x20000,
    },
  },
  access: { prefix: '', mask: -1, values: { 0: 'F_OK' }, bits: { R_OK: 4, W_OK: 2, X_OK: 1 } },
  at: {
    prefix: 'AT_',
    bits: { SYMLINK_NOFOLLOW: 0x100, REMOVEDIR: 0x200, SYMLINK_FOLLOW: 0x400, EMPTY_PATH: 0x1000 },
  },
  whence: { prefix: 'SEEK_', values: { 0: 'SET', 1: 'CUR', 2: 'END', 3: 'DATA', 4: 'HOLE' } },
  signal: { prefix: 'SIG', values: SIGNALS },
  family: {
    prefix: 'AF_',
    values: { 0: 'UNSPEC', 1: 'UNIX', 2: 'INET', 10: 'INET6', 16: 'NETLINK', 17: 'PACKET' },
  },
  socketType: {
    prefix: 'SOCK_',
    mask: 0xf,
    values: { 1: 'STREAM', 2: 'DGRAM', 3: 'RAW', 5: 'SEQPACKET' },
    bits: { NONBLOCK: 0o4000, CLOEXEC: 0o2000000 },
  },
  message: {
    prefix: 'MSG_',
    bits: { PEEK: 2, DONTWAIT: 0x40, WAITALL: 0x100, NOSIGNAL: 0x4000, MORE: 0x8000, CMSG_CLOEXEC: 0x40000000 },
  },
  epollOp: { prefix: 'EPOLL_CTL_', values: { 1: 'ADD', 2: 'DEL', 3: 'MOD' } },
  futexOp: {
    prefix: 'FUTEX_',
    mask: 0x7f,
    values: { 0: 'WAIT', 1: 'WAKE', 3: 'REQUEUE', 4: 'CMP_REQUEUE', 9: 'WAIT_BITSET', 10: 'WAKE_BITSET' },
    bits: { PRIVATE_FLAG: 0x80, CLOCK_REALTIME: 0x100 },
  },
  clock: { prefix: 'CLOCK_', values: { 0: 'REALTIME', 1: 'MONOTONIC', 4: 'MONOTONIC_RAW', 7: 'BOOTTIME' } },
  timerFlags: { prefix: 'TIMER_', bits: { ABSTIME: 1 } },
  wait: { prefix: '', bits: { WNOHANG: 1, WUNTRACED: 2, WCONTINUED: 8 } },
  clone: {
    prefix: '',
    mask: 0xff,
    values: { 0: '', 17: 'SIGCHLD' },
    bits: {
      CLONE_VM: 0x100,
      CLONE_FS: 0x200,
      CLONE_FILES: 0x400,
      CLONE_SIGHAND: 0x800,
      CLONE_VFORK: 0x4000,
      CLONE_THREAD: 0x10000,
      CLONE_SYSVSEM: 0x40000,
      CLONE_SETTLS: 0x80000,
      CLONE_PARENT_SETTID: 0x100000,
      CLONE_CHILD_CLEARTID: 0x200000,
      CLONE_CHILD_SETTID: 0x1000000,
    },
  },
  sigmask: { prefix: 'SIG_', values: { 0: 'BLOCK', 1: 'UNBLOCK', 2: 'SETMASK' } },
  fcntl: {
    prefix: 'F_',
    values: { 0: 'DUPFD', 1: 'GETFD', 2: 'SETFD', 3: 'GETFL', 4: 'SETFL', 1030: 'DUPFD_CLOEXEC' },
  },
  advice: { prefix: 'MADV_', values: { 0: 'NORMAL', 3: 'WILLNEED', 4: 'DONTNEED', 8: 'FREE' } },
  resource: { prefix: 'RLIMIT_', values: { 0: 'CPU', 2: 'DATA', 3: 'STACK', 4: 'CORE', 7: 'NOFILE', 9: 'AS' } },
  archCode: { prefix: 'ARCH_', values: { 0x1001: 'SET_GS', 0x1002: 'SET_FS', 0x1003: 'GET_FS', 0x1004: 'GET_GS' } },
  random: { prefix: 'GRND_', bits: { NONBLOCK: 1, RANDOM: 2 } },
} as const satisfies Record<string, ConstantSet>;
export type ConstantName = keyof typeof CONSTANTS;

/** `O_RDONLY|O_CLOEXEC`; what no name is known of is a hexadecimal number behind the names. */
export function constantText(name: ConstantName, value: number, withPrefix: boolean): string {
  const set: ConstantSet = CONSTANTS[name];
  const named = (text: string): string => (withPrefix ? set.prefix + text : text);
  if (set.bits === undefined) return set.values?.[value] === undefined ? String(value) : named(set.values[value]);
  const words: string[] = [];
  let rest = value;
  const { mask } = set;
  const plain = mask === undefined ? undefined : set.values?.[value & mask];
  if (mask !== undefined && plain !== undefined) {
    if (plain !== '') words.push(named(plain));
    rest &= ~mask;
  }
  for (const [bit, bits] of Object.entries(set.bits)) {
    if ((rest & bits) !== bits) continue;
    words.push(named(bit));
    rest &= ~bits;
  }
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  return words.length === 0 ? '0' : words.join('|');
}
