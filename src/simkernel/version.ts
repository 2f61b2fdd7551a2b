/** What uname and the kernel log call this kernel: the release whose types and tables it uses. */
export const KERNEL_RELEASE = '7.2.13-simulated';
export const KERNEL_VERSION = '#1 SMP PREEMPT_DYNAMIC';
export const HOST_NAME = 'tsbpftrace';

/** What `uname` tells, in the order of `uname -a`, by option letter. */
export const unameParts = (machine: string) =>
  [
    ['s', 'Linux'],
    ['n', HOST_NAME],
    ['r', KERNEL_RELEASE],
    ['v', KERNEL_VERSION],
    ['m', machine],
    ['o', 'GNU/Linux'],
  ] as const;
