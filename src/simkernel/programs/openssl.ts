import { receive, send } from './sockets.ts';
import type { Image } from './image.ts';
import type { UserContext } from './user.ts';
import { userFunction } from './user-function.ts';

/**
 * OpenSSL as far as a connection goes: who calls what, and how long the arithmetic takes. Nothing is encrypted.
 */

/** Lengths of a handshake's flights: hello; hello, certificate and finished; finished. */
export const CLIENT_HELLO = 517;
export const SERVER_FLIGHT = 3_842;
export const CLIENT_FINISHED = 80;
/** A record's header and authentication tag. */
const RECORD_OVERHEAD = 22;
const NS_PER_BYTE = 0.8;
const SSL_SIZE = 64;
const RECORD_BUFFER = 16_384;

const crypto = (prototype: string, medianNs: number, result: number) =>
  userFunction(prototype, function* (u, ..._args: number[]) {
    yield u.work(u.random.logNormal(medianNs, 0.15));
    return result;
  });
const ecdhComputeKey = crypto(
  'int ossl_ecdh_compute_key(void **psec, void *pseclen, const void *pub_key, const void *ecdh)',
  95_000,
  1,
);
const ecdsaVerify = crypto(
  'int ossl_ecdsa_verify(int type, const void *dgst, int dgst_len, const void *sigbuf, int sig_len, void *eckey)',
  160_000,
  1,
);
const ecdsaSign = crypto(
  'int ossl_ecdsa_sign(int type, const void *dgst, int dlen, void *sig, void *siglen, const void *kinv, const void *r, void *eckey)',
  48_000,
  1,
);
const rsaPublicDecrypt = crypto(
  'int rsa_ossl_public_decrypt(int flen, const void *from, void *to, void *rsa, int padding)',
  38_000,
  256,
);
const rsaPrivateEncrypt = crypto(
  'int rsa_ossl_private_encrypt(int flen, const void *from, void *to, void *rsa, int padding)',
  640_000,
  256,
);

/** The descriptor behind an SSL object. */
const descriptor = (u: UserContext, ssl: number): number => u.view(ssl, 4).getInt32(0, true);
const buffer = (u: UserContext, ssl: number): number =>
  u.view(ssl, 16).getUint32(8, true) + u.view(ssl, 16).getUint32(12, true) * 4294967296;

export const sslDoHandshake = userFunction('int SSL_do_handshake(void *s)', function* (u, ssl: number) {
  const fd = descriptor(u, ssl);
  const records = buffer(u, ssl);
  yield u.work(u.random.logNormal(60_000, 0.2));
  if ((yield send(u, fd, records, CLIENT_HELLO)) < 0) return -1;
  let got = 0;
  while (got < SERVER_FLIGHT) {
    const size = yield receive(u, fd, records, RECORD_BUFFER);
    if (size <= 0) return -1;
    got += size;
  }
  yield* ecdhComputeKey(u, 0, 0, 0, 0);
  yield* rsaPublicDecrypt(u, 256, records, records, 0, 1);
  yield* ecdsaVerify(u, 0, records, 32, records, 72, 0);
  yield send(u, fd, records, CLIENT_FINISHED);
  return 1;
});
export const sslWrite = userFunction(
  'int SSL_write(void *s, const void *buf, int num)',
  function* (u, ssl: number, from: number, count: number) {
    yield u.work(4_000 + count * NS_PER_BYTE);
    const records = buffer(u, ssl);
    u.bytes(records, count).set(u.bytes(from, count));
    const sent = yield send(u, descriptor(u, ssl), records, count + RECORD_OVERHEAD);
    return sent < 0 ? -1 : count;
  },
);
export const sslRead = userFunction(
  'int SSL_read(void *s, void *buf, int num)',
  function* (u, ssl: number, to: number, count: number) {
    const records = buffer(u, ssl);
    const size = yield receive(u, descriptor(u, ssl), records, Math.min(count + RECORD_OVERHEAD, RECORD_BUFFER));
    if (size <= 0) return size < 0 ? -1 : 0;
    yield u.work(3_000 + size * NS_PER_BYTE);
    const plain = Math.max(0, size - RECORD_OVERHEAD);
    u.bytes(to, plain).set(u.bytes(records, plain));
    return plain;
  },
);

/** SSL_new() and SSL_set_fd(). */
export function newSsl(u: UserContext, fd: number): number {
  const ssl = u.buffer(SSL_SIZE);
  const records = u.buffer(RECORD_BUFFER);
  u.view(ssl, SSL_SIZE).setInt32(0, fd, true);
  u.view(ssl, SSL_SIZE).setUint32(8, records % 4294967296, true);
  u.view(ssl, SSL_SIZE).setUint32(12, Math.floor(records / 4294967296), true);
  return ssl;
}

const path = (name: string): string => `/usr/lib/x86_64-linux-gnu/${name}`;
export const LIBSSL: Image = {
  path: path('libssl.so.3'),
  symbols: ['SSL_new', sslRead, sslWrite, sslDoHandshake, 'SSL_shutdown'],
  main: null,
};
export const LIBCRYPTO: Image = {
  path: path('libcrypto.so.3'),
  symbols: [
    'RSA_sign',
    'RSA_verify',
    'ecdh_simple_compute_key',
    ecdhComputeKey,
    ecdsaSign,
    ecdsaVerify,
    'rsa_ossl_private_decrypt',
    rsaPrivateEncrypt,
    rsaPublicDecrypt,
    'rsa_ossl_public_encrypt',
  ],
  main: null,
};
