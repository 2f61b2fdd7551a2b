import type { Image } from './image.ts';
import { LIBCRYPTO, LIBSSL } from './openssl.ts';

const library = (name: string, ...symbols: readonly string[]): Image => ({
  path: `/usr/lib/x86_64-linux-gnu/${name}`,
  symbols,
  main: null,
});

/** Libraries that lie on the disk, whether programs of the machine load them or not: probes attach to them. */
export const LIBRARIES: readonly Image[] = [
  // Since glibc 2.34 an empty shell: its functions are in libc.
  library('libpthread.so.0', '__libpthread_version_placeholder'),
  library('libreadline.so.8', 'readline', 'add_history', 'rl_initialize'),
  LIBSSL,
  LIBCRYPTO,
];
