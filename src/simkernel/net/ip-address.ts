export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** An IPv4 or IPv6 address; the same text always gives the same object. */
export interface IpAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly text: string;
  /** In network order. */
  readonly bytes: Uint8Array;
  /** Small and unique: part of the keys of socket tables. */
  readonly id: number;
  readonly isLoopback: boolean;
  readonly isAny: boolean;
}

const byText = new Map<string, IpAddress>();
const byBytes = new Map<string, IpAddress>();

/** The address that a dotted quad or a colon-separated text names. */
export function ipAddress(text: string): IpAddress {
  const known = byText.get(text);
  if (known !== undefined) return known;
  const address = addressOfBytes(text.includes(':') ? parseV6(text) : Uint8Array.from(text.split('.'), Number));
  byText.set(text, address);
  return address;
}

/** An IPv4 address as a word of the machine holds it: a `__be32`. */
export function be32({ bytes }: IpAddress): number {
  return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
}
export function fromBe32(word: number): IpAddress {
  return addressOfBytes(Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24));
}

/** The address of 4 or 16 bytes in network order. */
export function addressOfBytes(bytes: Uint8Array): IpAddress {
  const key = bytes.join('.');
  let address = byBytes.get(key);
  if (address === undefined) {
    const isV4 = bytes.length === 4;
    const text = isV4 ? key : printV6(bytes);
    address = {
      family: isV4 ? AF_INET : AF_INET6,
      text,
      bytes: bytes.slice(),
      id: byBytes.size,
      isLoopback: isV4 ? bytes[0] === 127 : text === '::1',
      isAny: bytes.every((byte) => byte === 0),
    };
    byBytes.set(key, address);
  }
  return address;
}

function parseV6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
/** RFC 5952: the longest run of zero groups is left out. */
function printV6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  if (run === undefined) return text;
  const before = text.slice(0, run.index);
  const after = text.slice(run.index + run[0].length);
  return `${before}:${after === '' ? ':' : after}`;
}

export const ANY_V4 = ipAddress('0.0.0.0');
export const ANY_V6 = ipAddress('::');
export const LOOPBACK_V4 = ipAddress('127.0.0.1');
export const LOOPBACK_V6 = ipAddress('::1');
