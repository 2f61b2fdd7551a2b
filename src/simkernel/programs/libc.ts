import type { Image } from './image.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';

/** The C library: one wrapper per system call, and what runs before main. */
export const LIBC: Image = {
  path: '/usr/lib/x86_64-linux-gnu/libc.so.6',
  symbols: ['__libc_start_call_main', ...Object.keys(SYSCALL_NUMBERS)],
  main: null,
};
