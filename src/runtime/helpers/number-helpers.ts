import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { bytesToText } from '../output/byte-text.ts';
import { returnSigned, type HelperHost } from './helper-host.ts';

type NumberHelpers = Pick<HelperFunctions, 'strtol' | 'strtoul'>;

const BASES: ReadonlySet<number> = new Set([0, 8, 10, 16]);
/** The low bits of the flags are the base; others are refused (BPF_STRTOX_BASE_MASK). */
const BASE_MASK = 0x1f;
/** The kernel parses a copy of the rest of the buffer of this size. */
const MAX_DIGITS = 63;
/** As the kernel's isspace has it: also the no-break space. */
const SPACES: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0xa0]);
const MINUS = 0x2d;
const MAX_U64 = (1n << 64n) - 1n;
const MAX_S64 = (1n << 63n) - 1n;

/** Numbers from text (kernel/bpf/helpers.c, __bpf_strtoull): how many characters they took, or -errno. */
export function numberHelpers(host: HelperHost): NumberHelpers {
  const { bytes, view } = host.arena;

  function parse(at: number, size: number, flags: number, flagsHigh: number): [taken: number, value: bigint] | number {
    if (flagsHigh !== 0 || (flags & ~BASE_MASK) !== 0 || !BASES.has(flags)) return -ERRNO.EINVAL;
    let start = at;
    while (start < at + size && SPACES.has(bytes[start]!)) start++;
    const isNegative = start < at + size && bytes[start] === MINUS;
    if (isNegative) start++;
    const rest = bytesToText(bytes.subarray(start, Math.min(at + size, start + MAX_DIGITS)));
    const hasPrefix = /^0[xX][0-9a-fA-F]/.test(rest);
    const base = flags !== 0 ? flags : hasPrefix ? 16 : rest.startsWith('0') ? 8 : 10;
    const prefix = base === 16 && hasPrefix ? 2 : 0;
    const digits = DIGITS[base]!.exec(rest.slice(prefix))![0];
    if (digits === '') return -ERRNO.EINVAL;
    let value = 0n;
    for (const digit of digits) value = value * BigInt(base) + BigInt(parseInt(digit, base));
    if (value > MAX_U64) return -ERRNO.ERANGE;
    return [start - at + prefix + digits.length, isNegative ? -value : value];
  }

  const convert =
    (lowest: bigint, highest: bigint, negativeError: number): HelperFunctions['strtol'] =>
    (text, size, flags, flagsHigh, result) => {
      const parsed = parse(text, size, flags, flagsHigh);
      if (typeof parsed === 'number') return returnSigned(host, parsed);
      const [taken, value] = parsed;
      if (value < lowest) return returnSigned(host, negativeError);
      if (value > highest) return returnSigned(host, -ERRNO.ERANGE);
      view.setBigInt64(result, BigInt.asIntN(64, value), true);
      return returnSigned(host, taken);
    };

  return {
    strtol: convert(-MAX_S64 - 1n, MAX_S64, -ERRNO.ERANGE),
    strtoul: convert(0n, MAX_U64, -ERRNO.EINVAL),
  };
}

const DIGITS: Readonly<Record<number, RegExp>> = { 8: /^[0-7]*/, 10: /^[0-9]*/, 16: /^[0-9a-fA-F]*/ };
