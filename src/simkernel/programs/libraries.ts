import type { Image } from './image.ts';
import { LIBCRYPTO, LIBSSL } from './openssl.ts';

const library = (name: string, ...symbols: readonly string[]): Image => ({
  path: `/usr/lib/x86_64-linux-gnu/${name}`,
  symbols,
  main: null,
});

/** The dynamic linker, as executables name it; on the disk a link leads to it. */
export const PROGRAM_INTERPRETER = '/lib64/ld-linux-x86-64.so.2';

/** Libraries that lie on the disk, whether programs of the machine load them or not: probes attach to them. */
export const LIBRARIES: readonly Image[] = [
  // Since glibc 2.34 an empty shell: its functions are in libc.
  library('libpthread.so.0', '__libpthread_version_placeholder'),
  library('libreadline.so.8', 'readline', 'add_history', 'rl_initialize'),
  library('ld-linux-x86-64.so.2', '_dl_start_user', '_dl_runtime_resolve_xsavec', '__tls_get_addr'),
  LIBSSL,
  LIBCRYPTO,
];
