import { addressOfBytes, AF_INET, AF_INET6, AF_UNIX } from './ip-address.ts';
import type { SocketAddress } from './sock.ts';

/** Sizes of struct sockaddr_in, sockaddr_in6 and sockaddr_un. */
const LENGTHS = { [AF_INET]: 16, [AF_INET6]: 28, [AF_UNIX]: 110 } as const;
const NAME_OFFSET = 2;

/** Reads a sockaddr; undefined for families that nobody knows and addresses that are too short. */
export function parseSocketAddress(bytes: Uint8Array): SocketAddress | undefined {
  if (bytes.length < NAME_OFFSET) return undefined;
  const family = bytes[0]! | (bytes[1]! << 8);
  const port = (bytes[2]! << 8) | bytes[3]!;
  if (family === AF_INET && bytes.length >= LENGTHS[AF_INET])
    return { family, ip: addressOfBytes(bytes.subarray(4, 8)), port };
  if (family === AF_INET6 && bytes.length >= 24) return { family, ip: addressOfBytes(bytes.subarray(8, 24)), port };
  if (family !== AF_UNIX) return undefined;
  const name = bytes.subarray(NAME_OFFSET);
  // A leading NUL makes it an abstract name, which is no file; shown with @ as everybody does.
  const isAbstract = name[0] === 0;
  const end = isAbstract ? name.length : name.indexOf(0);
  const text = String.fromCharCode(...name.subarray(isAbstract ? 1 : 0, end < 0 ? name.length : end));
  return { family, path: isAbstract ? `@${text}` : text };
}

/** A sockaddr as user space gets or gives it. */
export function socketAddressBytes(address: SocketAddress): Uint8Array {
  if (address.family === AF_UNIX) {
    const { path } = address;
    const bytes = new Uint8Array(NAME_OFFSET + path.length + (path.startsWith('@') ? 0 : 1));
    bytes[0] = AF_UNIX;
    for (let i = 0; i < path.length; i += 1) bytes[NAME_OFFSET + i] = path.charCodeAt(i);
    if (path.startsWith('@')) bytes[NAME_OFFSET] = 0;
    return bytes;
  }
  const bytes = new Uint8Array(LENGTHS[address.family]);
  bytes[0] = address.family;
  bytes[2] = address.port >> 8;
  bytes[3] = address.port & 0xff;
  bytes.set(address.ip.bytes, address.family === AF_INET ? 4 : 8);
  return bytes;
}
