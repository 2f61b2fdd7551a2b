import { inlined, kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { Zone } from '../../memory/zone.ts';
import { PTE_ACCESSED, PTE_PRESENT } from '../../tasks/address-space.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import {
  mmShrinkSlabEnd,
  mmShrinkSlabStart,
  mmVmscanDirectReclaimBegin,
  mmVmscanDirectReclaimEnd,
  mmVmscanKswapdSleep,
  mmVmscanKswapdWake,
  mmVmscanLruShrinkInactive,
  mmVmscanWakeupKswapd,
} from '../../tracepoints/vmscan.ts';
import { createKthread } from '../kernel/kthread.ts';
import { ioSchedule } from '../block/block.ts';
import { schedule, setTaskState, wakeUpProcess } from '../kernel/sched.ts';
import { swapWriteout } from './swap.ts';
import { WB_REASON_VMSCAN, wakeupFlusherThreads } from './writeback.ts';
import { ZONE_NORMAL } from '../../memory/zone.ts';

/** Pages that are taken off a list at once, and the priority at which reclaim begins: it looks at 1/4096 of each list. */
const SWAP_CLUSTER_MAX = 32;
const DEF_PRIORITY = 12;
const SCAN_NS = 90;
const KSWAPD_PID = 97;
const DENTRY_BYTES = 192;
/** vm.swappiness = 60: how eagerly anonymous pages go compared with pages of files. */
const SWAPPINESS = 60;

/** struct scan_control */
interface ScanControl extends KernelObject {
  readonly wanted: number;
  readonly priority: number;
  readonly gfp: number;
  reclaimed: number;
  scanned: number;
}

/** Clean pages of files that nobody used lately. */
function shrinkFileList(m: Machine, sc: ScanControl, scan: number): void {
  let left = scan;
  let freed = 0;
  let scanned = 0;
  for (const inode of m.fileSystem.cached) {
    if (left <= 0) break;
    if (inode.cache === null || inode.cache.cachedPages === 0) continue;
    const turn = inode.cache.shrink(left, left);
    left -= turn.scanned;
    scanned += turn.scanned;
    freed += turn.freed;
  }
  m.spend(scanned * SCAN_NS);
  sc.reclaimed += freed;
  sc.scanned += scanned;
  const stat = { address: m.scratch, dirty: 0, writeback: 0, activated: scanned - freed };
  mmVmscanLruShrinkInactive(m, 0, scanned, freed, stat, sc.priority, 1);
}

/** Anonymous pages go to the swap area; those used since the last turn get another one. */
const shrinkFolioList = kernelFunction(
  'shrink_folio_list',
  60,
  (
    m,
    list: KernelObject & { readonly pages: number },
    _pgdat: Zone,
    sc: ScanControl,
    _stat: null,
    _ignore: number,
    _memcg: null,
  ): number => {
    const { reclaim, zone } = m;
    let written = 0;
    for (let left = list.pages; left > 0; left -= 1) {
      const candidate = reclaim.take();
      if (candidate === undefined) break;
      sc.scanned += 1;
      const { mapping, page } = candidate;
      const ptes = mapping.ptes;
      const pte = ptes?.[page] ?? 0;
      if (ptes === null || (pte & PTE_PRESENT) === 0) continue;
      // Since a fork another process has it too; only this one's entry is known here.
      if (mapping.shared.users(page) > 1) {
        reclaim.add(candidate);
        continue;
      }
      if ((pte & PTE_ACCESSED) !== 0 && sc.priority > 2) {
        ptes[page] = pte & ~PTE_ACCESSED;
        reclaim.add(candidate);
        continue;
      }
      if (zone.swapUsed >= zone.swapSlots) {
        reclaim.add(candidate);
        break;
      }
      swapWriteout(m, candidate);
      written += 1;
    }
    m.spend(list.pages * SCAN_NS);
    return written;
  },
);
const shrinkInactiveList = inlined(50, (m, pages: number, lruvec: Zone, sc: ScanControl, file: number): number => {
  if (file !== 0) {
    shrinkFileList(m, sc, pages);
    return sc.reclaimed;
  }
  const written = shrinkFolioList(m, { address: m.scratch, pages }, lruvec, sc, null, 0, null);
  sc.reclaimed += written;
  const stat = { address: m.scratch, dirty: written, writeback: written, activated: 0 };
  mmVmscanLruShrinkInactive(m, 0, pages, written, stat, sc.priority, 0);
  return written;
});
/** get_scan_count: how much of each list is looked at, by priority and swappiness. */
const shrinkLruvec = kernelFunction('shrink_lruvec', 60, (m, lruvec: Zone, sc: ScanControl): void => {
  const { reclaim, zone } = m;
  const share = 2 ** sc.priority;
  const file = Math.max(SWAP_CLUSTER_MAX, Math.floor((zone.filePages / share) * (200 - SWAPPINESS) * 0.01));
  const canSwap = zone.swapUsed < zone.swapSlots;
  const anonymous = canSwap ? Math.max(SWAP_CLUSTER_MAX, Math.floor((reclaim.length / share) * SWAPPINESS * 0.01)) : 0;
  if (zone.filePages > 0) shrinkInactiveList(m, Math.min(file, 4096), lruvec, sc, 1);
  if (anonymous > 0 && sc.reclaimed < sc.wanted) shrinkInactiveList(m, Math.min(anonymous, 1024), lruvec, sc, 0);
});
/** Dentries and inodes that nobody holds could go as well; there are too few of them here to matter. */
const shrinkSlab = kernelFunction(
  'shrink_slab',
  80,
  (m, _gfp: number, nid: number, _memcg: null, priority: number): number => {
    const items = m.arena.heapBytes() / DENTRY_BYTES / 64;
    const shrinker = { address: m.scratch, objects: items };
    const scan = Math.floor(items / 2 ** priority);
    mmShrinkSlabStart(m, shrinker, shrinker, 0, items, scan, scan, priority, null);
    m.spend(scan * 12);
    mmShrinkSlabEnd(m, shrinker, nid, 0, 0, scan, scan, null);
    return 0;
  },
);
const shrinkNode = kernelFunction('shrink_node', 60, (m, pgdat: Zone, sc: ScanControl): void => {
  shrinkLruvec(m, pgdat, sc);
  shrinkSlab(m, sc.gfp, 0, null, sc.priority);
});

/** Raises the priority until enough is free; returns how many pages were freed or are on their way out. */
function reclaimPages(m: Machine, zone: Zone, wanted: number, gfp: number): number {
  let total = 0;
  for (let priority = DEF_PRIORITY; priority > 0 && total < wanted; priority -= 1) {
    const sc: ScanControl = { address: m.scratch, wanted: wanted - total, priority, gfp, reclaimed: 0, scanned: 0 };
    shrinkNode(m, zone, sc);
    total += sc.reclaimed;
    if (priority === DEF_PRIORITY - 2 && zone.dirtyPages > 0) wakeupFlusherThreads(m, WB_REASON_VMSCAN);
  }
  return total;
}

const doTryToFreePages = kernelFunction('do_try_to_free_pages', 40, (m, zone: Zone, gfp: number): number =>
  reclaimPages(m, zone, SWAP_CLUSTER_MAX, gfp),
);
/** Direct reclaim: whoever wants a page frees some first. */
export const tryToFreePages = kernelFunction(
  'try_to_free_pages',
  50,
  (m, zonelist: Zone, order: number, gfp: number, _nodes: null): number => {
    mmVmscanDirectReclaimBegin(m, gfp, order, null);
    const freed = doTryToFreePages(m, zonelist, gfp);
    mmVmscanDirectReclaimEnd(m, freed, null);
    return freed;
  },
);

const balancePgdat = kernelFunction('balance_pgdat', 60, (m, pgdat: Zone, _order: number, _zone: number): number => {
  const missing = pgdat.watermarks.high - pgdat.free;
  return missing <= 0 ? 0 : reclaimPages(m, pgdat, Math.max(missing, SWAP_CLUSTER_MAX), 0);
});
/** The thread that keeps some pages free. */
const kswapd = sleepingFunction('kswapd', 40, function* (m, pgdat: Zone) {
  for (;;) {
    const { reclaim } = m;
    if (reclaim.wanted) {
      mmVmscanKswapdWake(m, 0, ZONE_NORMAL, 0);
      for (let rounds = 0; rounds < 64 && pgdat.free < pgdat.watermarks.high; rounds += 1) {
        const freed = balancePgdat(m, pgdat, 0, ZONE_NORMAL);
        if (freed === 0) break;
        // What goes to the swap area is free when it has arrived there.
        if (reclaim.swapWrites > SWAP_CLUSTER_MAX * 4) {
          const waited = reclaimThrottle(m, pgdat, 0);
          if (waited instanceof Pending) yield waited;
        }
      }
      reclaim.wanted = false;
      mmVmscanKswapdSleep(m, 0);
    }
    setTaskState(m, m.cpu.current, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, m.cpu.current, TASK_RUNNING);
  }
});
export function createKswapd(m: Machine): void {
  m.reclaim.kswapd = createKthread(m, 'kswapd0', KSWAPD_PID, null, () => kswapd(m, m.zone));
  m.reclaim.kswapd.state = TASK_INTERRUPTIBLE;
}
export const wakeupKswapd = kernelFunction(
  'wakeup_kswapd',
  20,
  (m, _zone: Zone, gfp: number, order: number, _highest: number): void => {
    const { reclaim } = m;
    if (reclaim.wanted || reclaim.kswapd === null) return;
    reclaim.wanted = true;
    mmVmscanWakeupKswapd(m, 0, ZONE_NORMAL, order, gfp);
    wakeUpProcess(m, reclaim.kswapd);
  },
);

/** Sleeps until some page has reached the swap area. */
export const reclaimThrottle = kernelFunction('reclaim_throttle', 40, (m, _pgdat: Zone, _reason: number): Result => {
  if (m.reclaim.swapWrites === 0) return 0;
  const task = m.cpu.current;
  m.reclaim.waiters.push(task);
  setTaskState(m, task, TASK_UNINTERRUPTIBLE);
  const slept = ioSchedule(m);
  const after = (): number => {
    setTaskState(m, task, TASK_RUNNING);
    return 0;
  };
  return slept instanceof Pending ? slept.then(after) : after();
});
