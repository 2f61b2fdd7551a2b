import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { MAP_OBJECT } from '../maps/bpf-map.ts';
import { STACK_FLAGS, type StackTraceMap } from '../maps/stack-trace-map.ts';
import { returnSigned, SCRATCH_SIZE, type HelperHost } from './helper-host.ts';

type StackHelpers = Pick<HelperFunctions, 'get_stackid' | 'get_stack' | 'get_task_stack'>;

/** struct bpf_stack_build_id: s32 status, u8 build_id[20], and a u64: the offset in the file, or the address if only that is known. */
const BUILD_ID_FRAME_SIZE = 32;
const BUILD_ID_SIZE = 20;
const BUILD_ID_STATUS_VALID = 1;
const BUILD_ID_STATUS_IP = 2;

export function stackHelpers(host: HelperHost): StackHelpers {
  const { kernel, arena } = host;
  const { bytes, words } = arena;

  function walk(out: number, limit: number, flags: number): number {
    const skip = flags & STACK_FLAGS.skip;
    return flags & STACK_FLAGS.user ? kernel.userStack(out, limit, skip) : kernel.kernelStack(out, limit, skip);
  }

  function isShorterThanSkip(flags: number): boolean {
    const skip = flags & STACK_FLAGS.skip;
    return skip > 0 && walk(host.scratch, skip, flags & ~STACK_FLAGS.skip) < skip;
  }

  function copyStack(to: number, size: number, flags: number, flagsHigh: number): number {
    const buildIds = (flags & STACK_FLAGS.buildId) !== 0;
    const elementSize = buildIds ? BUILD_ID_FRAME_SIZE : 8;
    if (flagsHigh !== 0 || size % elementSize !== 0 || (buildIds && !(flags & STACK_FLAGS.user))) {
      bytes.fill(0, to, to + size);
      return returnSigned(host, -ERRNO.EINVAL);
    }
    const limit = Math.min(Math.trunc(size / elementSize), SCRATCH_SIZE >> 3);
    const count = walk(host.scratch, limit, flags);
    bytes.fill(0, to, to + size);
    // A stack that is empty, like the kernel's while a process runs in user mode, is no error; skipping more than there is, is one.
    if (count === 0 && isShorterThanSkip(flags)) return returnSigned(host, -ERRNO.EFAULT);
    if (!buildIds) bytes.copyWithin(to, host.scratch, host.scratch + count * 8);
    else for (let i = 0; i < count; i++) storeBuildId(to + i * BUILD_ID_FRAME_SIZE, host.scratch + i * 8);
    return returnSigned(host, count * elementSize);
  }

  function storeBuildId(entry: number, address: number): void {
    const place = kernel.userFilePlace?.(words[address >> 2]!, words[(address >> 2) + 1]!);
    if (place === undefined) {
      words[entry >> 2] = BUILD_ID_STATUS_IP;
      bytes.copyWithin(entry + 24, address, address + 8);
      return;
    }
    words[entry >> 2] = BUILD_ID_STATUS_VALID;
    for (let i = 0; i < BUILD_ID_SIZE; i++) bytes[entry + 4 + i] = parseInt(place.buildId.slice(2 * i, 2 * i + 2), 16);
    arena.view.setBigUint64(entry + 24, BigInt(place.offset), true);
  }

  return {
    get_stackid(_context, object, flags, flagsHigh) {
      const map = host.maps[words[(object + MAP_OBJECT.index) >> 2]!] as StackTraceMap;
      if (flagsHigh !== 0 || flags >>> 0 >= STACK_FLAGS.buildId) return returnSigned(host, -ERRNO.EINVAL);
      const count = walk(host.scratch, Math.min(map.depth, SCRATCH_SIZE >> 3), flags);
      return returnSigned(host, count === 0 ? -ERRNO.EFAULT : map.idOf(host.scratch, count, flags));
    },

    get_stack: (_context, to, size, flags, flagsHigh) => copyStack(to, size, flags, flagsHigh),
    // Of a task that sleeps the machine would have to keep its registers; the kernel refuses its user stack, too.
    get_task_stack(low, high, to, size, flags, flagsHigh) {
      const { task } = kernel.current;
      if (words[task >> 2] === low && words[(task >> 2) + 1] === high) return copyStack(to, size, flags, flagsHigh);
      bytes.fill(0, to, to + size);
      return returnSigned(host, -ERRNO.EOPNOTSUPP);
    },
  };
}
