import { expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import type { ScenarioName } from '../../src/simkernel/scenarios/index.ts';
import { fieldOffset, runFor, SECOND, u64At } from './support.ts';

const LENGTH = 0.4 * SECOND;
/** Bios of mirrored disks become others for their members. */
const MD_MAJOR = 9;
const LOADED = ['disk', 'memory', 'build'] as const satisfies readonly ScenarioName[];

function onTracepoint(m: Machine, event: string, handler: (record: number) => void): void {
  const [category, name] = event.split(':');
  m.attach({ kind: 'tracepoint', category: category!, name: name! }, handler);
}

test.each(LOADED)(
  '%s: every byte that is issued completes or is still under way, and every bio has its request',
  (name) => {
    const m = createMachine({ scenario: SCENARIOS[name] });
    const sum = { queued: 0, stacked: 0, merged: 0, requests: 0, issued: 0, completed: 0 };
    const under = new Map<string, number>();
    const key = (record: number, event: string): string =>
      `${m.words[(record + fieldOffset(event, 'dev')) >> 2]}/${u64At(m, record + fieldOffset(event, 'sector'))}`;
    onTracepoint(m, 'block:block_bio_queue', (record) => {
      const major = m.words[(record + fieldOffset('block:block_bio_queue', 'dev')) >> 2]! >> 20;
      if (major === MD_MAJOR) sum.stacked += 1;
      else sum.queued += 1;
    });
    onTracepoint(m, 'block:block_bio_backmerge', () => (sum.merged += 1));
    onTracepoint(m, 'block:block_getrq', () => (sum.requests += 1));
    onTracepoint(m, 'block:block_rq_issue', (record) => {
      const bytes = m.words[(record + fieldOffset('block:block_rq_issue', 'bytes')) >> 2]!;
      if (bytes > 0) under.set(key(record, 'block:block_rq_issue'), bytes);
      sum.issued += bytes;
    });
    onTracepoint(m, 'block:block_rq_complete', (record) => {
      const bytes = 512 * m.words[(record + fieldOffset('block:block_rq_complete', 'nr_sector')) >> 2]!;
      if (bytes > 0) under.delete(key(record, 'block:block_rq_complete'));
      sum.completed += bytes;
    });
    runFor(m, LENGTH);
    expect(sum.queued).toBe(sum.merged + sum.requests);
    expect(sum.completed + [...under.values()].reduce((a, b) => a + b, 0)).toBe(sum.issued);
  },
);

/** Long enough for swapping and for somebody to be killed. */
const UNTIL_KILLED = 4.5 * SECOND;

test.each(LOADED)('%s: page frames are never used twice, and counters never go below nothing', (name) => {
  const m = createMachine({ scenario: SCENARIOS[name] });
  for (let step = 0; step < 9; step += 1) {
    runFor(m, (name === 'memory' ? UNTIL_KILLED : LENGTH) / 9);
    const { zone } = m;
    const files = [...m.fileSystem.cached].reduce((total, inode) => total + (inode.cache?.cachedPages ?? 0), 0);
    expect(zone.filePages).toBe(files);
    const spaces = new Set([...m.tasks.values()].flatMap(({ process }) => (process === null ? [] : [process.mm])));
    const resident = [...spaces].reduce((total, mm) => total + mm.residentAnonymous, 0);
    expect(zone.anonymousPages).toBe(resident + m.reclaim.swapWrites);
    expect(zone.swapUsed).toBe([...spaces].reduce((total, mm) => total + mm.swapped, 0));
    expect(Math.min(zone.dirtyPages, zone.writebackPages, zone.swapUsed, zone.anonymousPages)).toBeGreaterThanOrEqual(
      0,
    );
    expect(zone.free).toBeGreaterThan(0);
  }
  expect(m.reclaim.oomKills).toBe(name === 'memory' ? 1 : 0);
});

test.each(LOADED)('%s: time never runs backwards on a CPU, and the same seed gives the same events', (name) => {
  const events = (): string[] => {
    const m = createMachine({ scenario: SCENARIOS[name] });
    const last = m.cpuList.map(() => 0);
    const seen: string[] = [];
    const note = (what: string) => (): void => {
      const at = m.cpu.time;
      expect(at).toBeGreaterThanOrEqual(last[m.cpu.id]!);
      last[m.cpu.id] = at;
      seen.push(`${at} ${m.cpu.id} ${m.cpu.current.pid} ${what}`);
    };
    onTracepoint(m, 'raw_syscalls:sys_exit', note('exit'));
    onTracepoint(m, 'block:block_rq_issue', note('issue'));
    onTracepoint(m, 'sched:sched_switch', note('switch'));
    runFor(m, LENGTH / 4);
    return seen;
  };
  const first = events();
  expect(first.length).toBeGreaterThan(20);
  expect(events()).toEqual(first);
});
