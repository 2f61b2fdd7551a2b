export const KERNEL_CS = 0x10;
export const KERNEL_DS = 0x18;
export const USER_CS = 0x33;
export const USER_DS = 0x2b;
/** RFLAGS (Intel SDM vol. 1, 3.4.3). */
export const FLAGS = { trap: 0x100, interrupt: 0x200, resume: 0x10000 } as const;
/** Bit 1 is always set; zero and parity are as good as any other outcome of the last comparison. */
const FLAGS_BASE = 0x46;
export const FLAGS_IF = FLAGS_BASE | FLAGS.interrupt;
export const FLAGS_NO_IF = FLAGS_BASE;
