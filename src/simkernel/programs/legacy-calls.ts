import type { SyscallName } from './syscall-numbers.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR } from '../fs/fcntl.ts';

/** A call that can do what an older one does, and how the older one's arguments become its own. */
export interface ReplacedCall {
  readonly name: string;
  /** `timespec` puts a time in memory. */
  readonly args: (args: readonly number[], timespec: (ms: number) => number) => readonly number[];
}

/** O_CREAT | O_WRONLY | O_TRUNC */
const CREATE_FLAGS = 0x241;
const SIGSET_BYTES = 8;

const here =
  (...more: readonly number[]) =>
  (args: readonly number[]): readonly number[] => [AT_FDCWD, args[0]!, ...more];
const hereToo = (args: readonly number[]): readonly number[] => [AT_FDCWD, ...args.slice(0, 3)];
/** A timeout in milliseconds; a negative one is none. */
const timeout = (ms: number, timespec: (ms: number) => number): number => (ms < 0 ? 0 : timespec(ms));

/** Calls that architectures without a past do not have (include/uapi/asm-generic/unistd.h), as the C library makes them there. */
export const LEGACY_CALLS: { readonly [K in SyscallName]?: ReplacedCall } = {
  open: { name: 'openat', args: hereToo },
  creat: { name: 'openat', args: ([path, mode]) => [AT_FDCWD, path!, CREATE_FLAGS, mode!] },
  access: { name: 'faccessat', args: hereToo },
  stat: { name: 'newfstatat', args: ([path, buffer]) => [AT_FDCWD, path!, buffer!, 0] },
  lstat: { name: 'newfstatat', args: ([path, buffer]) => [AT_FDCWD, path!, buffer!, AT_SYMLINK_NOFOLLOW] },
  unlink: { name: 'unlinkat', args: here(0) },
  rmdir: { name: 'unlinkat', args: here(AT_REMOVEDIR) },
  mkdir: { name: 'mkdirat', args: hereToo },
  rename: { name: 'renameat', args: ([from, to]) => [AT_FDCWD, from!, AT_FDCWD, to!] },
  link: { name: 'linkat', args: ([from, to]) => [AT_FDCWD, from!, AT_FDCWD, to!, 0] },
  symlink: { name: 'symlinkat', args: ([target, path]) => [target!, AT_FDCWD, path!] },
  pipe: { name: 'pipe2', args: ([fds]) => [fds!, 0] },
  dup2: { name: 'dup3', args: ([from, to]) => [from!, to!, 0] },
  poll: {
    name: 'ppoll',
    args: ([fds, count, ms], timespec) => [fds!, count!, timeout(ms!, timespec), 0, SIGSET_BYTES],
  },
  epoll_wait: {
    name: 'epoll_pwait',
    args: ([epoll, events, count, ms]) => [epoll!, events!, count!, ms!, 0, SIGSET_BYTES],
  },
  pause: { name: 'ppoll', args: () => [0, 0, 0, 0, 0] },
};
