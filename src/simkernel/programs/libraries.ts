import type { Image } from './image.ts';

const library = (name: string, ...symbols: readonly string[]): Image => ({
  path: `/usr/lib/x86_64-linux-gnu/${name}`,
  symbols,
  main: null,
});

/** Libraries that lie on the disk and that no program of the machine loads: probes attach to them and never fire. */
export const LIBRARIES: readonly Image[] = [
  // Since glibc 2.34 an empty shell: its functions are in libc.
  library('libpthread.so.0', '__libpthread_version_placeholder'),
  library('libreadline.so.8', 'readline', 'add_history', 'rl_initialize'),
  library('libssl.so.3', 'SSL_new', 'SSL_read', 'SSL_write', 'SSL_do_handshake', 'SSL_shutdown'),
  library(
    'libcrypto.so.3',
    'RSA_sign',
    'RSA_verify',
    'ecdh_simple_compute_key',
    'ossl_ecdh_compute_key',
    'ossl_ecdsa_sign',
    'ossl_ecdsa_verify',
    'rsa_ossl_private_decrypt',
    'rsa_ossl_private_encrypt',
    'rsa_ossl_public_decrypt',
    'rsa_ossl_public_encrypt',
  ),
];
