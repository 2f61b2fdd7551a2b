import type { Machine } from './machine.ts';
import type { Handler } from './probes/handler.ts';

/** A name that an older kernel had for a function of this one. */
export interface FunctionAlias {
  readonly function: string;
  /**
   * Which of the machine's arguments the old function's first, second, ... was; in the same order when absent. What the
   * machine's function has not got reads as 0.
   */
  readonly arguments?: readonly number[];
}
/** Names under which a script may look for the machine's functions and tracepoints. */
export interface KernelProfile {
  readonly summary: string;
  readonly functions: Readonly<Record<string, FunctionAlias>>;
  /** `category:name`; the fields that scripts read are the same. */
  readonly tracepoints: Readonly<Record<string, string>>;
}

/** The profiles that may be chosen. An alias stands only where arguments agree, if need be in another order. */
export const KERNEL_PROFILES = {
  '7.2': { summary: "the machine's own names", functions: {}, tracepoints: {} },
  '5.0-book': {
    summary: 'names of Linux 5.0 beside them, as books of that time use them',
    functions: {
      __blk_account_io_start: { function: 'blk_account_io_start' },
      __blk_account_io_done: { function: 'blk_account_io_done' },
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
      __kmalloc: { function: '__kmalloc_noprof' },
      __alloc_pages_nodemask: { function: '__alloc_frozen_pages_noprof' },
      scsi_mq_done: { function: 'scsi_done' },
      _do_fork: { function: 'kernel_clone' },
    },
    tracepoints: { 'vmscan:mm_vmscan_writepage': 'vmscan:mm_vmscan_write_folio' },
  },
} as const satisfies Readonly<Record<string, KernelProfile>>;
export type KernelProfileName = keyof typeof KERNEL_PROFILES;

/** Shows a handler the registers as the old function would have had them; afterwards they are as before. */
export function reordered(m: Machine, handler: Handler, order: readonly number[]): Handler {
  return (context) => {
    const { words, abi } = m;
    const places = abi.arguments.map((offset) => (context + offset) >> 2);
    const before = places.flatMap((at) => [words[at]!, words[at + 1]!]);
    places.forEach((at, to) => {
      const from = order[to];
      words[at] = from === undefined ? 0 : before[2 * from]!;
      words[at + 1] = from === undefined ? 0 : before[2 * from + 1]!;
    });
    handler(context);
    places.forEach((at, i) => {
      words[at] = before[2 * i]!;
      words[at + 1] = before[2 * i + 1]!;
    });
  };
}
