import type { HelperFunctions } from '../../abi/helpers.ts';
import type { Arena } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import type { KernelMemory } from '../kernel.ts';
import { returnSigned, SCRATCH_SIZE, type HelperHost } from './helper-host.ts';
import { PAGE_SIZE } from '../../abi/linux.ts';

type ReadHelpers = Pick<
  HelperFunctions,
  | 'probe_read'
  | 'probe_read_str'
  | 'probe_read_kernel'
  | 'probe_read_kernel_str'
  | 'probe_read_user'
  | 'probe_read_user_str'
  | 'probe_write_user'
  | 'copy_from_user'
  | 'd_path'
>;
type Read = KernelMemory['readKernel'];

/** Pages of the machine: a range that crosses no such boundary is readable as a whole or faults at its first byte. */

export function readHelpers(host: HelperHost): ReadHelpers {
  const { memory } = host.arena;
  const kernel: Read = (to, size, low, high) => memory.readKernel(to, size, low, high);
  const user: Read = (to, size, low, high) => memory.readUser(to, size, low, high);
  /** On x86-64 the two address spaces do not overlap, so the old helpers try the one that the address lies in. */
  const either: Read = (to, size, low, high) => (high < 0 ? kernel : user)(to, size, low, high);

  const bytes =
    (read: Read): HelperFunctions['probe_read_kernel'] =>
    (to, size, low, high) => {
      const error = size === 0 ? 0 : read(to, size, low, high);
      // Never leave what the program's buffer held before (kernel/trace/bpf_trace.c, bpf_probe_read_kernel_common).
      if (error !== 0) host.arena.bytes.fill(0, to, to + size);
      return returnSigned(host, error);
    };
  const string =
    (read: Read): HelperFunctions['probe_read_kernel_str'] =>
    (to, size, low, high) =>
      returnSigned(host, readString(host.arena, host.scratch, read, to, size, low, high));

  return {
    probe_read: bytes(either),
    probe_read_str: string(either),
    probe_read_kernel: bytes(kernel),
    probe_read_kernel_str: string(kernel),
    probe_read_user: bytes(user),
    probe_read_user_str: string(user),
    probe_write_user: (low, high, from, size) => returnSigned(host, memory.writeUser(from, size, low, high)),
    // A program that may sleep would wait for the page; the machine's pages are always there.
    copy_from_user: bytes(user),
    // The path goes to the front of the buffer; one that does not fit leaves it as it was (bpf_d_path).
    d_path(low, high, to, size) {
      if (size === 0) return returnSigned(host, 0);
      const path = host.kernel.pathName?.(low, high);
      if (path === undefined) return returnSigned(host, -ERRNO.EFAULT);
      const text = new TextEncoder().encode(`${path}\0`);
      if (text.length > size) return returnSigned(host, -ERRNO.ENAMETOOLONG);
      host.arena.bytes.set(text, to);
      return returnSigned(host, text.length);
    },
  };
}

/**
 * strncpy_from_{kernel,user}_nofault: copies up to and with the NUL, ends the string in its last byte if it does not fit,
 * and returns the length with the NUL; on a fault the whole buffer is zeroed and the result is -EFAULT.
 */
function readString(
  arena: Arena,
  scratch: number,
  read: Read,
  to: number,
  size: number,
  low: number,
  high: number,
): number {
  if (size === 0) return 0;
  const { bytes } = arena;
  let done = 0;
  while (done < size) {
    const at = (low + done) | 0;
    const addressHigh = high + (at >>> 0 < low >>> 0 ? 1 : 0);
    let chunk = Math.min(size - done, SCRATCH_SIZE, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
    if (read(scratch, chunk, at, addressHigh) !== 0) {
      // An object may end inside of a page where memory is not paged.
      chunk = 1;
      if (read(scratch, 1, at, addressHigh) !== 0) {
        bytes.fill(0, to, to + size);
        return -ERRNO.EFAULT;
      }
    }
    const nul = bytes.subarray(scratch, scratch + chunk).indexOf(0);
    const taken = nul < 0 ? chunk : nul + 1;
    bytes.copyWithin(to + done, scratch, scratch + taken);
    done += taken;
    if (nul >= 0) return done;
  }
  bytes[to + size - 1] = 0;
  return size;
}
