import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { returnNumber, returnPair, returnSigned, returnWord64, type HelperHost } from './helper-host.ts';

type PlainHelpers = Pick<
  HelperFunctions,
  | 'ktime_get_ns'
  | 'ktime_get_boot_ns'
  | 'ktime_get_tai_ns'
  | 'ktime_get_coarse_ns'
  | 'jiffies64'
  | 'per_cpu_ptr'
  | 'this_cpu_ptr'
  | 'get_socket_ptr_cookie'
  | 'get_prandom_u32'
  | 'strncmp'
  | 'strnstr'
  | 'loop'
>;

/** bpf_loop refuses more (kernel/bpf/bpf_iter.c, BPF_MAX_LOOPS). */
const MAX_LOOPS = 8 * 1024 * 1024;

/** CONFIG_HZ=250; jiffies start five minutes before 32 bits of them run over (INITIAL_JIFFIES). */
const JIFFY_NS = 4_000_000;
const INITIAL_JIFFIES = 2 ** 32 - 300 * 250;

/** Helpers that need neither a map nor the current task. */
export function plainHelpers(host: HelperHost): PlainHelpers {
  const { kernel, arena } = host;
  const { bytes, words } = arena;
  const { time } = kernel.current;
  const boot = BigInt(kernel.bootTimeNs);
  const bootLow = Number(BigInt.asIntN(32, boot));
  const bootHigh = Number(BigInt.asIntN(32, boot >> 32n));

  const now = (): number => (words[time >> 2]! >>> 0) + words[(time >> 2) + 1]! * 2 ** 32;

  /** Up to its NUL or so many bytes; undefined where it cannot be read. */
  function textAt(low: number, high: number, limit: number): Uint8Array | undefined {
    const start = kernel.memory.kernelAddress(low, high, 1);
    if (start < 0) return undefined;
    let size = 0;
    while (size < limit && kernel.memory.kernelAddress(low + size, high, 1) >= 0 && bytes[start + size] !== 0) size++;
    return bytes.subarray(start, start + size);
  }

  return {
    strnstr: (low, high, needleLow, needleHigh, length) =>
      returnSigned(host, findText(textAt(low, high, length), textAt(needleLow, needleHigh, MAX_TEXT))),
    per_cpu_ptr: (low, high, cpu) => kernel.perCpuCopy?.(low, high, cpu) ?? 0,
    this_cpu_ptr: (low, high) => kernel.perCpuCopy?.(low, high, words[kernel.current.cpu >> 2]!) ?? 0,
    get_socket_ptr_cookie: (low, high) =>
      returnNumber(host, (low | high) === 0 ? 0 : (kernel.socketCookie?.(low, high) ?? 0)),
    ktime_get_ns: () => returnWord64(host, time),
    // The machine never suspends.
    ktime_get_boot_ns: () => returnWord64(host, time),
    // The kernel's TAI offset is 0 until a time daemon sets it.
    ktime_get_tai_ns() {
      const low = (words[time >> 2]! + bootLow) | 0;
      const carry = low >>> 0 < bootLow >>> 0 ? 1 : 0;
      return returnPair(host, low, (words[(time >> 2) + 1]! + bootHigh + carry) | 0);
    },
    // The time of the last tick.
    ktime_get_coarse_ns: () => returnNumber(host, Math.floor(now() / JIFFY_NS) * JIFFY_NS),
    jiffies64: () => returnNumber(host, Math.floor(now() / JIFFY_NS) + INITIAL_JIFFIES),
    get_prandom_u32: () => returnPair(host, host.random(), 0),

    strncmp(a, size, b) {
      for (let i = 0; i < size; i++) {
        const difference = bytes[a + i]! - bytes[b + i]!;
        if (difference !== 0) return returnSigned(host, difference < 0 ? -1 : 1);
        if (bytes[a + i] === 0) break;
      }
      return returnSigned(host, 0);
    },

    // The kernel's count is a u32: its high half does not matter.
    loop(count, _countHigh, func, context, contextHigh, flags, flagsHigh) {
      if (flags !== 0 || flagsHigh !== 0) return returnSigned(host, -ERRNO.EINVAL);
      if (count >>> 0 > MAX_LOOPS) return returnSigned(host, -ERRNO.E2BIG);
      const callback = host.callback();
      const args = new Int32Array(10);
      let i = 0;
      while (i < count) {
        args.fill(0);
        args[0] = i++;
        args[2] = context;
        args[3] = contextHigh;
        if (callback(func, args) !== 0) break;
      }
      return returnPair(host, i, 0);
    },
  };
}

/** XATTR_SIZE_MAX: the kernel's functions of text look no further. */
const MAX_TEXT = 65_536;

/** bpf_strnstr: the first place, -ENOENT where there is none. */
function findText(text: Uint8Array | undefined, needle: Uint8Array | undefined): number {
  if (text === undefined || needle === undefined) return -ERRNO.EFAULT;
  for (let at = 0; at + needle.length <= text.length; at++)
    if (needle.every((byte, index) => text[at + index] === byte)) return at;
  return -ERRNO.ENOENT;
}
