import type { Folio } from '../fs/folios.ts';
import { frameOf } from '../fs/folios.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const mmVmscanKswapdSleep: Tracepoint<[nid: number]> = tracepoint('vmscan:mm_vmscan_kswapd_sleep', 1, (f) => {
  const nid = f.number('nid');
  return (node) => nid(node);
});
export const mmVmscanKswapdWake: Tracepoint<[nid: number, zid: number, order: number]> = tracepoint(
  'vmscan:mm_vmscan_kswapd_wake',
  3,
  (f) => {
    const nid = f.number('nid');
    const zid = f.number('zid');
    const order = f.number('order');
    return (node, zone, pageOrder) => {
      nid(node);
      zid(zone);
      order(pageOrder);
    };
  },
);
export const mmVmscanWakeupKswapd: Tracepoint<[nid: number, zid: number, order: number, gfp: number]> = tracepoint(
  'vmscan:mm_vmscan_wakeup_kswapd',
  4,
  (f) => {
    const nid = f.number('nid');
    const zid = f.number('zid');
    const order = f.number('order');
    const gfp = f.number('gfp_flags');
    return (node, zone, pageOrder, flags) => {
      nid(node);
      zid(zone);
      order(pageOrder);
      gfp(flags);
    };
  },
);
export const mmVmscanDirectReclaimBegin: Tracepoint<[gfp: number, order: number, memcg: null]> = tracepoint(
  'vmscan:mm_vmscan_direct_reclaim_begin',
  3,
  (f) => {
    const gfp = f.number('gfp_flags');
    const order = f.number('order');
    const memcg = f.number('memcg_id');
    return (flags, pageOrder, _memcg) => {
      gfp(flags);
      order(pageOrder);
      memcg(0);
    };
  },
);
export const mmVmscanDirectReclaimEnd: Tracepoint<[reclaimed: number, memcg: null]> = tracepoint(
  'vmscan:mm_vmscan_direct_reclaim_end',
  2,
  (f) => {
    const pages = f.number('nr_reclaimed');
    const memcg = f.number('memcg_id');
    return (reclaimed, _memcg) => {
      pages(reclaimed);
      memcg(0);
    };
  },
);
/** struct reclaim_stat, as far as the record shows it. */
export interface ReclaimStat extends KernelObject {
  readonly dirty: number;
  readonly writeback: number;
  readonly activated: number;
}
/** What the machine's reclaim does not tell apart. */
const NOT_COUNTED = ['nr_congested', 'nr_immediate', 'nr_activate0', 'nr_activate1', 'nr_ref_keep', 'nr_unmap_fail'];
export const mmVmscanLruShrinkInactive: Tracepoint<
  [nid: number, scanned: number, reclaimed: number, stat: ReclaimStat, priority: number, file: number]
> = tracepoint('vmscan:mm_vmscan_lru_shrink_inactive', 6, (f) => {
  const nid = f.number('nid');
  const scannedField = f.number('nr_scanned');
  const reclaimedField = f.number('nr_reclaimed');
  const dirty = f.number('nr_dirty');
  const writeback = f.number('nr_writeback');
  const priorityField = f.number('priority');
  const flags = f.number('reclaim_flags');
  const zeros = NOT_COUNTED.map((name) => f.number(name));
  return (node, scanned, reclaimed, stat, priority, file) => {
    for (const zero of zeros) zero(0);
    flags(file === 0 ? 1 : 2);
    nid(node);
    scannedField(scanned);
    reclaimedField(reclaimed);
    dirty(stat.dirty);
    writeback(stat.writeback);
    priorityField(priority);
  };
});
export const mmVmscanWriteFolio: Tracepoint<[folio: Folio]> = tracepoint('vmscan:mm_vmscan_write_folio', 1, (f) => {
  const pfn = f.number('pfn');
  const flags = f.number('reclaim_flags');
  return (folio) => {
    pfn(frameOf(folio));
    flags(1);
  };
});
/** A shrinker of a slab cache, by what it is called. */
export interface Shrinker extends KernelObject {
  readonly objects: number;
}
export const mmShrinkSlabStart: Tracepoint<
  [
    shrinker: Shrinker,
    control: KernelObject,
    toShrink: number,
    items: number,
    delta: number,
    scan: number,
    priority: number,
    memcg: null,
  ]
> = tracepoint('vmscan:mm_shrink_slab_start', 8, (f) => {
  const shr = f.pointer('shr');
  const shrink = f.pointer('shrink');
  const toShrinkField = f.number('nr_objects_to_shrink');
  const items = f.number('cache_items');
  const deltaField = f.number('delta');
  const total = f.number('total_scan');
  const priorityField = f.number('priority');
  const gfp = f.number('gfp_flags');
  const nid = f.number('nid');
  const memcg = f.number('memcg_id');
  return (shrinker, _control, toShrink, cacheItems, delta, scan, priority, _memcg) => {
    shr(shrinker);
    shrink(shrinker);
    gfp(0);
    nid(0);
    memcg(0);
    toShrinkField(toShrink);
    items(cacheItems);
    deltaField(delta);
    total(scan);
    priorityField(priority);
  };
});
export const mmShrinkSlabEnd: Tracepoint<
  [shrinker: Shrinker, nid: number, freed: number, unused: number, fresh: number, total: number, memcg: null]
> = tracepoint('vmscan:mm_shrink_slab_end', 7, (f) => {
  const shr = f.pointer('shr');
  const shrink = f.pointer('shrink');
  const unusedField = f.number('unused_scan');
  const freshField = f.number('new_scan');
  const totalField = f.number('total_scan');
  const nid = f.number('nid');
  const retval = f.number('retval');
  const memcg = f.number('memcg_id');
  return (shrinker, node, freed, unused, fresh, total, _memcg) => {
    shr(shrinker);
    shrink(shrinker);
    memcg(0);
    unusedField(unused);
    freshField(fresh);
    totalField(total);
    nid(node);
    retval(freed);
  };
});
