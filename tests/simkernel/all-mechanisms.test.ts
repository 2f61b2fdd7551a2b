import fc from 'fast-check';
import { expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { machineRunning, MILLISECOND, runFor } from './support.ts';
import { imageAt } from '../../src/simkernel/listing.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { textSymbol } from '../../src/simkernel/execution/text.ts';
import type { AttachTarget } from '../../src/simkernel/probes/attach.ts';
import { registeredKprobes } from '../../src/simkernel/probes/register-kprobe.ts';
import { layoutOf } from '../../src/simkernel/programs/image-layout.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { probeCommand, removeAll } from '../../src/simkernel/tracefs/probe-events.ts';
import { createFunctionFilters } from '../../src/simkernel/tracefs/function-filter.ts';
import { TRACERS } from '../../src/simkernel/tracefs/tracers.ts';
import { recordsOf } from '../../src/simkernel/tracefs/ring-buffer.ts';
import { traceArray } from '../../src/simkernel/tracefs/trace-array.ts';

const LIBC = '/usr/lib/x86_64-linux-gnu/libc.so.6';
/** Reads a cached file by its C library; several do so on two CPUs. */
function* reader(u: UserContext): UserBody {
  const buffer = u.buffer(512);
  for (;;) {
    const fd = yield u.openat('/etc/motd');
    for (let i = 0; i < 3; i += 1) yield u.read(fd, buffer, 512);
    yield u.close(fd);
    yield u.nanosleep(MILLISECOND / 5);
  }
}
const FUNCTION = 'vfs_read';
const SYMBOL = textSymbol(FUNCTION)!;

/** Watches calls of vfs_read, or of close() in the C library, by one mechanism. */
type Watch = (m: Machine) => { seen(): number; stop(): void };
const attached =
  (target: (m: Machine) => AttachTarget): Watch =>
  (m) => {
    let seen = 0;
    const result = m.attach(target(m), () => {
      seen += 1;
    });
    if (!result.ok) throw new Error(result.reason);
    return { seen: () => seen, stop: () => result.detach() };
  };
/** An event of kprobe_events, by what is left in the buffers. */
const event =
  (definition: string, name: string): Watch =>
  (m) => {
    const array = traceArray(m);
    // The same line twice is an error: others may watch in this way, too.
    const unique = `${name}_${array.shared.nextId}`;
    expect(probeCommand(array, 'kprobe', definition.replace('NAME', unique))).toBe(0);
    const traced = array.event('kprobes', unique)!;
    expect(array.file(traced).enable(true)).toBe(0);
    return {
      seen: () => recordsOf(array.rings).filter((entry) => entry.event === traced).length,
      stop() {
        expect(array.file(traced).enable(false)).toBe(0);
        expect(probeCommand(array, 'kprobe', `-:${unique}`)).toBe(0);
      },
    };
  };
const functionTracer: Watch = (m) => {
  const array = traceArray(m);
  const filters = createFunctionFilters(m);
  filters.only.add(FUNCTION);
  const running = TRACERS.function(array, filters);
  return {
    seen: () => recordsOf(array.rings).filter(({ event: { system } }) => system === 'ftrace').length,
    stop: () => running.stop(),
  };
};
const libraryFunction =
  (kind: 'uprobe' | 'uretprobe'): Watch =>
  (m) =>
    attached(() => {
      const layout = layoutOf(imageAt(m.scenario, LIBC)!);
      const { offset } = layout.functions.find(({ name }) => name === 'close')!;
      const segment = layout.segments.find((row) => offset >= row.offset && offset < row.offset + row.size)!;
      return { kind, path: LIBC, fileOffset: offset - segment.offset + segment.fileOffset };
    })(m);

const OF_READS: Readonly<Record<string, Watch>> = {
  kprobe: attached(() => ({ kind: 'kprobe', function: FUNCTION, offset: 0 })),
  'kprobe inside': attached(() => ({ kind: 'kprobe', function: FUNCTION, offset: 9 })),
  kretprobe: attached(() => ({ kind: 'kretprobe', function: FUNCTION })),
  fentry: attached(() => ({ kind: 'fentry', function: FUNCTION })),
  fexit: attached(() => ({ kind: 'fexit', function: FUNCTION })),
  'tracepoint at entry': attached(() => ({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_read' })),
  'tracepoint at exit': attached(() => ({ kind: 'tracepoint', category: 'syscalls', name: 'sys_exit_read' })),
  'function tracer': functionTracer,
  'kprobe event': event('p:NAME vfs_read count', 'entry'),
  'kretprobe event': event('r:NAME vfs_read $retval', 'back'),
  'kprobe event inside': event('p:NAME vfs_read+9', 'inside'),
};
const OF_CLOSES: Readonly<Record<string, Watch>> = {
  uprobe: libraryFunction('uprobe'),
  uretprobe: libraryFunction('uretprobe'),
  'system call': attached(() => ({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_close' })),
};
/** They are there as a load: what they count is something else. */
const BESIDE: Readonly<Record<string, Watch>> = {
  clock: attached(() => ({ kind: 'clock', periodNs: 50_000, cpu: 'all' })),
  'context switches': attached(() => ({ kind: 'software', event: 'context-switches', period: 1 })),
  cycles: attached(() => ({ kind: 'hardware', event: 'cpu-cycles', period: 300_000 })),
  watchpoint: attached((m) => {
    const at = m.kernelSymbolAddress('jiffies_64')!;
    return { kind: 'watchpoint', low: at.low, high: at.high, length: 8, type: 'write' };
  }),
};
const ALL = { ...OF_READS, ...OF_CLOSES, ...BESIDE };
const NAMES = Object.keys(ALL);

const kernelText = (m: Machine): number[] => {
  m.arena.kernelAddress(SYMBOL.entry | 0x80000000, -1, SYMBOL.size);
  return [...m.arena.bytes.subarray(SYMBOL.entry, SYMBOL.entry + SYMBOL.size)];
};
const libraryText = (m: Machine): number[][] =>
  [1000, 1001, 1002].map((pid) => {
    const { mm } = m.tasks.get(pid)!.process!;
    const { size } = mm.mappings.find(({ image }) => image?.path === LIBC)!;
    const base = mm.imageBase(imageAt(m.scenario, LIBC)!);
    const at = mm.find(base, 4096);
    return [...m.arena.bytes.subarray(at, at + Math.min(size, 8192))];
  });
/** The machine stops between events: one call may be under way. */
const UNDER_WAY = 1;
function agree(counts: readonly number[]): void {
  if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(UNDER_WAY);
}

test('all mechanisms at once come and go under load: each sees each call once, and nothing of them stays', () => {
  fc.assert(
    fc.property(fc.array(fc.subarray(NAMES), { minLength: 2, maxLength: 4 }), (rounds) => {
      const m = machineRunning([reader, reader, reader], { files: [{ path: '/etc/motd', size: 4000 }] });
      runFor(m, MILLISECOND);
      const [kernel, library] = [kernelText(m), libraryText(m)];
      for (const names of rounds) {
        const running = names.map((name) => [name, ALL[name]!(m)] as const);
        runFor(m, 2 * MILLISECOND);
        const counts = new Map(running.map(([name, { seen }]) => [name, seen()]));
        for (const [, { stop }] of running) stop();
        const of = (table: object): number[] =>
          [...counts].flatMap(([name, count]) => (Object.hasOwn(table, name) ? [count] : []));
        for (const table of [OF_READS, OF_CLOSES]) {
          agree(of(table));
          expect(of(table).every((count) => count > 5)).toBe(true);
        }
        traceArray(m).clear();
      }
      expect(kernelText(m)).toEqual(kernel);
      expect(libraryText(m)).toEqual(library);
      expect(registeredKprobes(m)).toEqual([]);
      expect(removeAll(traceArray(m), 'kprobe')).toBe(0);
      expect(m.softwareEvents.get('context-switches') ?? []).toEqual([]);
      expect(m.hardwareEvents).toEqual([]);
    }),
    { numRuns: 8, seed: 9 },
  );
});
