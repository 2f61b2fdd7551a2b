import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { printk } from '../../printk.ts';
import type { Task } from '../../tasks/task.ts';
import { markVictim } from '../../tracepoints/oom.ts';
import { doSendSigInfo } from '../kernel/signal.ts';
import { SIGKILL } from '../../tasks/signals.ts';
import { KIB_PER_PAGE } from '../../memory/sizes.ts';

const OOM_CONTROL = structFields('oom_control', {
  memcg: 'memcg',
  gfp: 'gfp_mask',
  order: 'order',
  totalPages: 'totalpages',
  chosen: 'chosen',
});

/** struct oom_control */
interface OomControl extends KernelObject {
  chosen: Task | null;
}

/** oom_badness: resident and swapped pages; what has most of them must go. */
function badness(task: Task): number {
  const mm = task.process?.mm;
  if (mm === undefined || task.pid === 1 || task.pid !== task.tgid || task.exitState !== 0) return -1;
  return mm.residentAnonymous + mm.residentFile + mm.swapped;
}
const selectBadProcess = inlined(120, (m, oc: OomControl): void => {
  let worst = 0;
  for (const task of m.tasks.values()) {
    m.spend(30);
    const points = badness(task);
    if (points <= worst) continue;
    worst = points;
    oc.chosen = task;
  }
  storeWord(m.words, oc.address + OOM_CONTROL.chosen, oc.chosen);
});
const innerOomKillProcess = kernelFunction(
  '__oom_kill_process',
  200,
  (m, victim: Task, _message: KernelObject): void => {
    const mm = victim.process?.mm;
    markVictim(m, victim, victim.uid);
    const kib = (pages: number): string => `${pages * KIB_PER_PAGE}kB`;
    printk(
      m,
      `Out of memory: Killed process ${victim.pid} (${victim.comm}) total-vm:${kib(mm?.totalPages ?? 0)}, ` +
        `anon-rss:${kib(mm?.residentAnonymous ?? 0)}, file-rss:${kib(mm?.residentFile ?? 0)}, shmem-rss:0kB, ` +
        `UID:${victim.uid} pgtables:${kib(Math.ceil((mm?.totalPages ?? 0) / 512))} oom_score_adj:0`,
    );
    m.reclaim.victim = victim;
    m.reclaim.oomKills += 1;
    doSendSigInfo(m, SIGKILL, null, victim, 1);
  },
);
const oomKillProcess = kernelFunction('oom_kill_process', 150, (m, oc: OomControl, message: KernelObject): void => {
  if (oc.chosen !== null) innerOomKillProcess(m, oc.chosen, message);
});
/** Nothing can be freed: somebody is killed, unless somebody is dying already. Whether there is hope. */
const outOfMemory = kernelFunction('out_of_memory', 90, (m, oc: OomControl): boolean => {
  const { victim } = m.reclaim;
  if (victim !== null && victim.exitState === 0) return true;
  const { current } = m.cpu;
  printk(
    m,
    `${current.comm} invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP), order=0, oom_score_adj=0`,
  );
  selectBadProcess(m, oc);
  if (oc.chosen === null) return false;
  const message = m.arena.allocate(MESSAGE.length + 1);
  storeText(m.arena.bytes, message, MESSAGE, MESSAGE.length + 1);
  oomKillProcess(m, oc, { address: message });
  m.arena.free(message, MESSAGE.length + 1);
  return true;
});
const MESSAGE = 'Out of memory';

/** Reclaim did not help. */
export function invokeOomKiller(m: Machine, gfp: number): boolean {
  const { arena, words, zone } = m;
  const address = arena.allocate(OOM_CONTROL.size);
  words[(address + OOM_CONTROL.gfp) >> 2] = gfp;
  storeNumber(words, address + OOM_CONTROL.totalPages, zone.managed + zone.swapSlots);
  const hope = outOfMemory(m, { address, chosen: null });
  arena.free(address, OOM_CONTROL.size);
  return hope;
}
