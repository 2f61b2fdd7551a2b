import { describe, expect, test } from 'vitest';
import { currentPid, fieldOffset, machineRunning, MILLISECOND, runFor, u64At } from './support.ts';
import type { Machine } from '../../src/simkernel/machine.ts';

const PROT_RW = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;
const PAGES = 8;

interface Fault {
  readonly pid: number;
  readonly address: number;
  readonly code: number;
}
function watchFaults(m: Machine): { faults: Fault[]; copied: number[]; reused: number[] } {
  const seen = { faults: [] as Fault[], copied: [] as number[], reused: [] as number[] };
  const event = 'exceptions:page_fault_user';
  m.attach({ kind: 'tracepoint', category: 'exceptions', name: 'page_fault_user' }, (record) =>
    seen.faults.push({
      pid: currentPid(m),
      address: u64At(m, record + fieldOffset(event, 'address')),
      code: u64At(m, record + fieldOffset(event, 'error_code')),
    }),
  );
  m.attach({ kind: 'kprobe', function: 'ptep_clear_flush', offset: 0 }, () => seen.copied.push(currentPid(m)));
  m.attach({ kind: 'kprobe', function: 'folio_move_anon_rmap', offset: 0 }, () => seen.reused.push(currentPid(m)));
  return seen;
}

describe('after a fork', () => {
  test('pages are shared until one side writes: the first writer copies, the last user keeps the frame', () => {
    let area = 0;
    const m = machineRunning([
      function* (u) {
        area = yield u.mmap(PAGES * PAGE, PROT_RW, MAP_PRIVATE_ANONYMOUS);
        for (let page = 0; page < PAGES; page += 1) yield* u.access(area + page * PAGE);
        const child = yield u.fork(function* (v) {
          // Reads do not fault, writes do: three of the eight.
          for (let page = 0; page < PAGES; page += 1) yield* v.access(area + page * PAGE, false);
          for (let page = 0; page < 3; page += 1) yield* v.access(area + page * PAGE);
          for (let page = 0; page < 3; page += 1) yield* v.access(area + page * PAGE);
        });
        yield u.wait4(child);
        for (let page = 0; page < PAGES; page += 1) yield* u.access(area + page * PAGE);
      },
    ]);
    const seen = watchFaults(m);
    runFor(m, 20 * MILLISECOND);
    const inArea = seen.faults.filter(({ address }) => address >= area && address < area + PAGES * PAGE);
    const child = inArea.filter(({ pid }) => pid !== 1000);
    const parent = inArea.filter(({ pid }) => pid === 1000);
    // User, write, not present: the first touch of each page. Then user, write, protection.
    expect(parent.map(({ code }) => code)).toEqual([...Array<number>(PAGES).fill(6), ...Array<number>(PAGES).fill(7)]);
    expect(child.map(({ code, address }) => [code, (address - area) / PAGE])).toEqual([
      [7, 0],
      [7, 1],
      [7, 2],
    ]);
    // That of the stack is the parent's, who goes on first.
    expect(seen.copied.filter((pid) => pid !== 1000).length).toBe(3);
    expect(seen.copied.filter((pid) => pid === 1000).length).toBe(1);
    // The child is gone by then: nothing of the area is copied for the parent.
    expect(seen.reused.filter((pid) => pid === 1000).length).toBeGreaterThanOrEqual(PAGES);
  });
  test('both sides push on their stacks: two faults, one copy', () => {
    const m = machineRunning([
      function* (u) {
        yield u.fork(function* (v) {
          for (;;) yield v.nanosleep(50_000);
        });
        for (;;) yield u.nanosleep(50_000);
      },
    ]);
    const seen = watchFaults(m);
    runFor(m, 5 * MILLISECOND);
    const stack = seen.faults.filter(({ address }) => address > 0x7fff_fff0_0000);
    expect(stack.map(({ code }) => code)).toEqual([7, 7]);
    expect(new Set(stack.map(({ pid }) => pid)).size).toBe(2);
    expect([seen.copied.length, seen.reused.length]).toEqual([1, 1]);
  });
  test('each side sees its own writes only, and what was there before', () => {
    const seen: string[] = [];
    const m = machineRunning([
      function* (u) {
        const at = u.buffer(64);
        u.store(at, 8, 41);
        const child = yield u.fork(function* (v) {
          seen.push(`child finds ${v.load(at, 8)}`);
          v.store(at, 8, 99);
          yield v.nanosleep(200_000);
          seen.push(`child has ${v.load(at, 8)}`);
        });
        u.store(at, 8, 42);
        yield u.wait4(child);
        seen.push(`parent has ${u.load(at, 8)}`);
      },
    ]);
    runFor(m, 5 * MILLISECOND);
    expect(seen).toEqual(['child finds 41', 'child has 99', 'parent has 42']);
  });
  test('frames are counted once while they are shared, and all of them come back', () => {
    let peak = 0;
    const m = machineRunning([
      function* (u) {
        for (let round = 0; round < 5; round += 1) {
          const area = yield u.mmap(64 * PAGE, PROT_RW, MAP_PRIVATE_ANONYMOUS);
          for (let page = 0; page < 64; page += 1) yield* u.access(area + page * PAGE);
          const child = yield u.fork(function* (v) {
            for (let page = 0; page < 16; page += 1) yield* v.access(area + page * PAGE);
            peak = Math.max(peak, m.zone.anonymousPages);
            yield v.call('munmap', area, 32 * PAGE);
          });
          yield u.wait4(child);
          yield u.call('munmap', area, 64 * PAGE);
        }
        for (;;) yield u.nanosleep(1_000_000);
      },
    ]);
    runFor(m, 30 * MILLISECOND);
    expect(peak).toBe(64 + 16);
    expect(m.zone.anonymousPages).toBe(0);
    expect(m.tasks.get(1000)!.process!.mm.residentAnonymous).toBe(0);
  });
});

test('a page that a thread copies is forgotten by the CPUs of the other threads first', () => {
  const threads = 3;
  const m = machineRunning(
    [
      function* (u) {
        const area = yield u.mmap(PAGE, PROT_RW, MAP_PRIVATE_ANONYMOUS);
        yield* u.access(area);
        for (let i = 1; i < threads; i += 1) {
          yield u.thread(function* (v) {
            for (;;) yield v.work(1_000_000);
          });
        }
        yield u.nanosleep(3_000_000);
        yield u.fork(function* (v) {
          for (;;) yield v.nanosleep(1_000_000);
        });
        yield* u.access(area);
        for (;;) yield u.nanosleep(1_000_000);
      },
    ],
    { cpus: 4 },
  );
  const reasons: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'tlb', name: 'tlb_flush' }, (record) =>
    reasons.push(m.words[(record + fieldOffset('tlb:tlb_flush', 'reason')) >> 2]!),
  );
  runFor(m, 10 * MILLISECOND);
  const count = (reason: number): number => reasons.filter((seen) => seen === reason).length;
  // By each IPI the one or two CPUs that run another thread at the moment; the child has no other thread.
  expect(count(4)).toBeGreaterThan(0);
  expect(count(1)).toBeGreaterThan(count(4));
  expect(count(1)).toBeLessThanOrEqual(2 * count(4));
  // Each of them locally too.
  expect(count(2)).toBeGreaterThanOrEqual(count(4));
  expect(m.interruptCounts.tlb.reduce((a, b) => a + b)).toBe(count(1));
  expect(m.shell('cat /proc/interrupts')).toMatch(/ TLB: .* TLB shootdowns\n/);
});
