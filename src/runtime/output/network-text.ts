import { AF_INET, AF_INET6 } from '../../abi/linux.ts';

/** inet_ntop() of a family and up to 16 bytes of address; an unknown family has no text. */
export function addressText(family: number, address: Uint8Array): string {
  if (family === AF_INET) return address.subarray(0, 4).join('.');
  return family === AF_INET6 ? ipv6Text(address) : '';
}

/** The longest run of two or more zero groups becomes `::`; addresses that embed IPv4 end in dots, as glibc prints them. */
function ipv6Text(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (address[i * 2]! << 8) | address[i * 2 + 1]!);
  const run = longestZeroRun(groups);
  const embedsIpv4 =
    run.start === 0 &&
    (run.length === 6 || (run.length === 7 && groups[7] !== 1) || (run.length === 5 && groups[5] === 0xffff));
  let result = '';
  for (let i = 0; i < 8; i++) {
    if (i >= run.start && i < run.start + run.length) {
      if (i === run.start) result += ':';
      continue;
    }
    if (i > 0) result += ':';
    if (i === 6 && embedsIpv4) return result + address.subarray(12, 16).join('.');
    result += groups[i]!.toString(16);
  }
  return run.length > 0 && run.start + run.length === 8 ? `${result}:` : result;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > best.length && end - i >= 2) best = { start: i, length: end - i };
    i = Math.max(i, end);
  }
  return best;
}

const MAC_TEXT_LENGTH = 17;

/**
 * bpftrace 0.27 prints the bytes of a MAC address as signed chars into a buffer of 18: a byte from 0x80 on comes out as
 * eight digits, and the text is cut.
 */
export function macText(address: Uint8Array): string {
  const parts = Array.from(address.subarray(0, 6), (byte) =>
    (byte < 0x80 ? byte.toString(16).padStart(2, '0') : `ffffff${byte.toString(16)}`).toUpperCase(),
  );
  return parts.join(':').slice(0, MAC_TEXT_LENGTH);
}
