/** Error numbers of Linux on x86-64 (include/uapi/asm-generic/errno-base.h and errno.h), those that helpers and maps return. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  EILSEQ: 84,
  EOPNOTSUPP: 95,
} as const satisfies Record<string, number>;
export type ErrnoName = keyof typeof ERRNO;
