/** What uname and the kernel log call this kernel: the release whose types and tables it uses. */
export const KERNEL_RELEASE = '7.2.13-simulated';
export const KERNEL_VERSION = '#1 SMP PREEMPT_DYNAMIC';
export const HOST_NAME = 'tsbpftrace';
