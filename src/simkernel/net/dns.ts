/** Messages of the domain name system (RFC 1035), as far as questions for addresses and their answers go. */

export const DNS_PORT = 53;
export const TYPE_A = 1;
const CLASS_IN = 1;
const HEADER = 12;
const FLAG_RECURSION_DESIRED = 0x0100;
const FLAGS_ANSWER = 0x8180;
const NAME_ERROR = 3;
/** A name that points back to the question's. */
const POINTER_TO_QUESTION = 0xc00c;

export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  readonly type: number;
}

function encodeName(name: string): number[] {
  const labels = name.split('.').filter((label) => label !== '');
  return [...labels.flatMap((label) => [label.length, ...Array.from(label, (c) => c.charCodeAt(0))]), 0];
}
const word = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const question = ({ name, type }: DnsQuestion): number[] => [...encodeName(name), ...word(type), ...word(CLASS_IN)];

export function encodeQuestion(asked: DnsQuestion): Uint8Array {
  return Uint8Array.from([
    ...word(asked.id),
    ...word(FLAG_RECURSION_DESIRED),
    ...[1, 0, 0, 0].flatMap(word),
    ...question(asked),
  ]);
}
/** The answer with these addresses; without any the name does not exist. */
export function encodeAnswer(asked: DnsQuestion, addresses: readonly Uint8Array[], ttlSeconds: number): Uint8Array {
  const records = addresses.flatMap((bytes) => [
    ...word(POINTER_TO_QUESTION),
    ...word(asked.type),
    ...word(CLASS_IN),
    ...word(ttlSeconds >> 16),
    ...word(ttlSeconds),
    ...word(bytes.length),
    ...bytes,
  ]);
  const flags = addresses.length === 0 ? FLAGS_ANSWER | NAME_ERROR : FLAGS_ANSWER;
  return Uint8Array.from([
    ...word(asked.id),
    ...word(flags),
    ...[1, addresses.length, 0, 0].flatMap(word),
    ...question(asked),
    ...records,
  ]);
}

/** Reads what a message asks; undefined when it is none. */
export function parseQuestion(bytes: Uint8Array): DnsQuestion | undefined {
  if (bytes.length < HEADER + 5) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (let length = bytes[at]!; length > 0; length = bytes[at]!) {
    labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
    if (at + 4 >= bytes.length) return undefined;
  }
  return { id: (bytes[0]! << 8) | bytes[1]!, name: labels.join('.'), type: (bytes[at + 1]! << 8) | bytes[at + 2]! };
}
/** The first address of an answer; undefined when there is none. */
export function parseAnswer(bytes: Uint8Array, addressLength: number): Uint8Array | undefined {
  const asked = parseQuestion(bytes);
  if (asked === undefined || bytes[7] === 0) return undefined;
  const record = HEADER + encodeName(asked.name).length + 4;
  const data = record + 12;
  return bytes.length < data + addressLength ? undefined : bytes.slice(data, data + addressLength);
}
