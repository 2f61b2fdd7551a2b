import type { CacheName } from './functions/mm/slab.ts';
import type { Machine } from './machine.ts';
import type { Handler } from './probes/handler.ts';
import type { StructMembers } from './module-types.ts';
import { offsetInProfile } from './profile-types.ts';

/** An argument of an old function that today lies in what an argument points to. */
export interface ArgumentField {
  readonly of: number;
  readonly struct: string;
  readonly field: string;
}

/** A name that an older kernel had for a function of this one. */
export interface FunctionAlias {
  readonly function: string;
  /**
   * Which of the machine's arguments the old function's first, second, ... was, or where it lies now; in the same order when
   * absent. What the machine's function has not got, or null, reads as 0.
   */
  readonly arguments?: readonly (number | ArgumentField | null)[];
}
/** Names under which a script may look for the machine's functions and tracepoints. */
export interface KernelProfile {
  readonly summary: string;
  readonly functions: Readonly<Record<string, FunctionAlias>>;
  /** Global variables that pointed to caches of the slab allocator. */
  readonly caches: Readonly<Record<string, CacheName>>;
  /** `category:name`; the fields that scripts read are the same. */
  readonly tracepoints: Readonly<Record<string, string>>;
  /** Members that structures had (profile-types.ts). */
  readonly structs: StructMembers;
  /** Programs and libraries that lay elsewhere: today's path by the old one. */
  readonly files: Readonly<Record<string, string>>;
}

const LIBJVM = '/usr/lib/jvm/java-21-openjdk-amd64/lib/server/libjvm.so';

/** The profiles that may be chosen. An alias stands only where arguments agree, if need be in another order. */
export const KERNEL_PROFILES = {
  '7.2': { summary: "the machine's own names", functions: {}, caches: {}, tracepoints: {}, structs: {}, files: {} },
  '5.0-book': {
    summary: 'names of Linux 5.0 beside them, as books of that time use them',
    functions: {
      __blk_account_io_start: { function: 'blk_account_io_start' },
      __blk_account_io_done: { function: 'blk_account_io_done' },
      finish_task_switch: { function: 'finish_task_switch.isra.0' },
      do_execveat_common: { function: 'do_execveat_common.isra.0' },
      submit_bh: { function: 'bh_submit', arguments: [1, 0] },
      blk_start_request: { function: 'blk_mq_start_request' },
      __elv_add_request: { function: 'blk_mq_insert_request', arguments: [1, 0] },
      new_sync_read: { function: 'vfs_read' },
      new_sync_write: { function: 'vfs_write' },
      // Since 5.12 the functions of the VFS take the mount's map of user ids first.
      vfs_unlink: { function: 'vfs_unlink', arguments: [1, 2, 3] },
      vfs_rmdir: { function: 'vfs_rmdir', arguments: [1, 2] },
      vfs_mkdir: { function: 'vfs_mkdir', arguments: [1, 2, 3] },
      vfs_create: { function: 'security_inode_create' },
      add_to_page_cache_lru: { function: 'filemap_add_folio', arguments: [1, 0, 2, 3] },
      // Took mapping, file, offset and number apart, which are in one structure today.
      __do_page_cache_readahead: { function: 'page_cache_ra_unbounded', arguments: [] },
      mark_page_accessed: { function: 'folio_mark_accessed' },
      account_page_dirtied: { function: 'filemap_dirty_folio', arguments: [1, 0] },
      __set_page_dirty_buffers: { function: 'filemap_dirty_folio', arguments: [1] },
      __page_cache_alloc: { function: '__alloc_frozen_pages_noprof' },
      swap_readpage: { function: 'swap_read_folio' },
      swap_writepage: { function: 'swap_writeout' },
      kmem_cache_alloc: { function: 'kmem_cache_alloc_noprof' },
      kmem_cache_alloc_node: { function: 'kmem_cache_alloc_node_noprof' },
      __kmalloc: { function: '__kmalloc_noprof' },
      __alloc_pages_nodemask: { function: '__alloc_frozen_pages_noprof' },
      // `wait` is the lowest of today's flags.
      smp_call_function_many: { function: 'smp_call_function_many_cond' },
      // Took the queue and the group, which the bio has by itself today.
      blk_throtl_bio: {
        function: '__blk_throtl_bio',
        arguments: [null, { of: 0, struct: 'bio', field: 'bi_blkg' }, 0],
      },
      scsi_mq_done: { function: 'scsi_done' },
      scsi_init_io: { function: 'scsi_alloc_sgtables' },
      // The caller had the command; today it is found through the request.
      nvme_setup_cmd: {
        function: 'nvme_setup_cmd',
        arguments: [0, 1, { of: 1, struct: 'request', field: 'special' }],
      },
      tty_write: {
        function: 'tty_write',
        arguments: [
          { of: 0, struct: 'kiocb', field: 'ki_filp' },
          { of: 1, struct: 'iov_iter', field: 'ubuf' },
          { of: 1, struct: 'iov_iter', field: 'count' },
        ],
      },
      do_filp_open: { function: 'do_file_open' },
      _do_fork: { function: 'kernel_clone' },
    },
    caches: { skbuff_head_cache: 'skbuff_head_cache', skbuff_fclone_cache: 'skbuff_fclone_cache' },
    tracepoints: { 'vmscan:mm_vmscan_writepage': 'vmscan:mm_vmscan_write_folio' },
    structs: {
      request: ['struct gendisk *rq_disk', 'void *special'],
      bio: ['struct gendisk *bi_disk'],
      cfs_rq: ['nr_running = nr_queued'],
      // The command stood in front, with a pointer to its bytes.
      scsi_request: ['unsigned char *cmd'],
      scsi_cmnd: ['struct scsi_request req'],
    },
    files: {
      // Since glibc 2.34 its functions are in libc.
      '/lib/x86_64-linux-gnu/libpthread.so.0': '/usr/lib/x86_64-linux-gnu/libc.so.6',
      // As the books' authors had them.
      '/home/bgregg/Build/bash-4.4.18/bash': '/usr/bin/bash',
      '/usr/lib/jvm/java-11-openjdk-amd64/lib/server/libjvm.so': LIBJVM,
      '/.../libjvm.so': LIBJVM,
    },
  },
} as const satisfies Readonly<Record<string, KernelProfile>>;
export type KernelProfileName = keyof typeof KERNEL_PROFILES;

/** Shows a handler the registers as the old function would have had them; afterwards they are as before. */
export function reordered(m: Machine, handler: Handler, order: readonly (number | ArgumentField | null)[]): Handler {
  const { words } = m;
  const sources = order.map((from) =>
    from === null
      ? undefined
      : typeof from === 'number'
        ? { from, at: null }
        : { from: from.of, at: offsetInProfile(m.profile.structs, from.struct, from.field) },
  );
  return (context) => {
    const places = m.abi.arguments.map((offset) => (context + offset) >> 2);
    const before = places.flatMap((at) => [words[at]!, words[at + 1]!]);
    places.forEach((place, to) => {
      const source = sources[to];
      const low = source === undefined ? 0 : before[2 * source.from]!;
      const high = source === undefined ? 0 : before[2 * source.from + 1]!;
      const field = source === undefined || source.at === null ? -1 : m.memory.kernelAddress(low + source.at, high, 8);
      words[place] = field < 0 ? low : words[field >> 2]!;
      words[place + 1] = field < 0 ? high : words[(field >> 2) + 1]!;
    });
    handler(context);
    places.forEach((at, i) => {
      words[at] = before[2 * i]!;
      words[at + 1] = before[2 * i + 1]!;
    });
  };
}
