import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { bytesToText, textToBytes } from '../output/byte-text.ts';
import { returnSigned, type HelperHost } from './helper-host.ts';
import { formatLikeKernel, type FormatArgument } from './kernel-format.ts';

type PrintHelpers = Pick<HelperFunctions, 'trace_printk' | 'trace_vprintk' | 'seq_printf' | 'seq_write' | 'snprintf'>;

/** Arguments come as an array of u64; more than these are refused (MAX_BPRINTF_VARARGS). */
const MAX_ARGUMENT_BYTES = 12 * 8;
/** MAX_TRACE_PRINTK_VARARGS: r3 to r5 of trace_printk. */
const TRACE_PRINTK_ARGUMENTS = 3;
/** What trace_printk writes at most, with its NUL (MAX_BPRINTF_BUF). */
const MAX_TRACE_TEXT = 1024;

/** A file that is read in one go grows as long as that takes (seq_read_iter). */
const MAX_SEQUENCE_TEXT = 1 << 20;

/** Helpers that format text as the kernel does (kernel/bpf/helpers.c, bpf_bprintf_prepare; lib/vsprintf.c, bstr_printf). */
export function printHelpers(host: HelperHost): PrintHelpers {
  const { kernel, arena } = host;
  const { bytes, view } = arena;

  /** The string that ends within `size` bytes, if one does. */
  function stringIn(at: number, size: number): string | undefined {
    const end = bytes.subarray(at, at + size).indexOf(0);
    return end < 0 ? undefined : bytesToText(bytes.subarray(at, at + end));
  }

  function argumentsAt(at: number, size: number): FormatArgument[] | undefined {
    if (size % 8 !== 0 || size > MAX_ARGUMENT_BYTES || (size !== 0 && at === 0)) return undefined;
    return Array.from({ length: size / 8 }, (_, index): FormatArgument => {
      const word = at + 8 * index;
      return [view.getInt32(word, true), view.getInt32(word + 4, true)];
    });
  }

  function trace(format: string | undefined, args: readonly FormatArgument[] | undefined, exact: boolean): number {
    if (format === undefined || args === undefined) return returnSigned(host, -ERRNO.EINVAL);
    const formatted = formatLikeKernel(host, format, args, exact, MAX_TRACE_TEXT);
    if (typeof formatted === 'number') return returnSigned(host, formatted);
    kernel.tracePrintk?.(formatted.text);
    return returnSigned(host, formatted.length);
  }

  return {
    trace_printk(format, size, a, aHigh, b, bHigh, c, cHigh) {
      const args: FormatArgument[] = [
        [a, aHigh],
        [b, bHigh],
        [c, cHigh],
      ];
      return trace(stringIn(format, size), args.slice(0, TRACE_PRINTK_ARGUMENTS), false);
    },
    trace_vprintk: (format, size, data, dataSize) => trace(stringIn(format, size), argumentsAt(data, dataSize), true),
    seq_printf(low, high, format, size, data, dataSize) {
      const args = argumentsAt(data, dataSize);
      const template = stringIn(format, size);
      if (args === undefined || template === undefined) return returnSigned(host, -ERRNO.EINVAL);
      const formatted = formatLikeKernel(host, template, args, true, MAX_SEQUENCE_TEXT);
      if (typeof formatted === 'number') return returnSigned(host, formatted);
      return returnSigned(host, kernel.writeSequence?.(low, high, textToBytes(formatted.text)) ?? -ERRNO.EINVAL);
    },
    seq_write: (low, high, data, size) =>
      returnSigned(host, kernel.writeSequence?.(low, high, bytes.slice(data, data + size)) ?? -ERRNO.EINVAL),
    snprintf(to, size, format, data, dataSize) {
      const args = argumentsAt(data, dataSize);
      const template = stringIn(format, bytes.length - format);
      if (args === undefined || template === undefined) return returnSigned(host, -ERRNO.EINVAL);
      const formatted = formatLikeKernel(host, template, args, true, size);
      if (typeof formatted === 'number') return returnSigned(host, formatted);
      bytes.set(textToBytes(formatted.text), to);
      if (size > 0) bytes[to + formatted.text.length] = 0;
      // With its NUL, and as long as it would have been in a larger buffer.
      return returnSigned(host, formatted.length + 1);
    },
  };
}
