import { describe, expect, test } from 'vitest';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { fieldOffset, machineRunning, MILLISECOND, runFor, u64At } from './support.ts';

const PROT_READ = 1;
const PROT_RW = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;
const LOCAL = 2;
const REMOTE = 1;
const SEND_IPI = 4;

interface Flush {
  readonly cpu: number;
  readonly reason: number;
  readonly pages: number;
}
function watchFlushes(m: Machine): Flush[] {
  const flushes: Flush[] = [];
  m.attach({ kind: 'tracepoint', category: 'tlb', name: 'tlb_flush' }, (record) =>
    flushes.push({
      cpu: m.cpu.id,
      reason: m.arena.view.getInt32(record + fieldOffset('tlb:tlb_flush', 'reason'), true),
      pages: u64At(m, record + fieldOffset('tlb:tlb_flush', 'pages')),
    }),
  );
  return flushes;
}
/** A process whose second thread keeps another CPU busy while the first changes its mappings. */
function* withThread(u: UserContext, change: (u: UserContext, area: number) => UserBody, pages: number): UserBody {
  yield u.thread(function* (v) {
    for (;;) yield v.work(MILLISECOND);
  });
  yield u.work(MILLISECOND);
  const area = yield u.mmap(pages * PAGE, PROT_RW, MAP_PRIVATE_ANONYMOUS);
  for (let page = 0; page < pages; page += 1) yield* u.access(area + page * PAGE);
  yield* change(u, area);
  yield u.work(100 * MILLISECOND);
  return 0;
}

describe('when page table entries go away', () => {
  test('munmap has the CPU of the other thread forget them too, and waits for it', () => {
    const m = machineRunning([
      (u) =>
        withThread(
          u,
          function* (v, area) {
            yield v.call('munmap', area, 4 * PAGE);
          },
          4,
        ),
    ]);
    const flushes = watchFlushes(m);
    runFor(m, 10 * MILLISECOND);
    expect(flushes.map(({ reason, pages }) => [reason, pages])).toEqual([
      [LOCAL, 4],
      [SEND_IPI, 4],
      [REMOTE, 4],
    ]);
    expect(flushes[0]!.cpu).toBe(flushes[1]!.cpu);
    expect(flushes[2]!.cpu).not.toBe(flushes[0]!.cpu);
    expect(m.interruptCounts.tlb[flushes[2]!.cpu]).toBe(1);
  });
  test('mprotect flushes when it takes a permission away, not when it gives one', () => {
    const m = machineRunning([
      (u) =>
        withThread(
          u,
          function* (v, area) {
            yield v.call('mprotect', area, 2 * PAGE, PROT_READ);
            yield v.call('mprotect', area, 2 * PAGE, PROT_RW);
          },
          2,
        ),
    ]);
    const flushes = watchFlushes(m);
    runFor(m, 10 * MILLISECOND);
    expect(flushes.map(({ reason }) => reason)).toEqual([LOCAL, SEND_IPI, REMOTE]);
  });
  test('more than 33 pages are not forgotten one by one', () => {
    const m = machineRunning([
      (u) =>
        withThread(
          u,
          function* (v, area) {
            yield v.call('munmap', area, 40 * PAGE);
          },
          40,
        ),
    ]);
    const flushes = watchFlushes(m);
    runFor(m, 10 * MILLISECOND);
    expect(flushes.map(({ pages }) => BigInt.asIntN(64, BigInt(pages)))).toEqual([-1n, -1n, -1n]);
  });
});
