import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { currentPid, machineRunning, MILLISECOND, runFor } from './support.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import { layoutOf } from '../../src/simkernel/programs/image-layout.ts';
import { LIBC } from '../../src/simkernel/programs/libc.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';

function* polls(u: UserContext): UserBody {
  for (;;) {
    const fd = yield u.openat('/etc/motd');
    yield u.call('poll', u.pollfd(fd, 1), 1, 5);
    yield u.close(fd);
    yield u.nanosleep(MILLISECOND / 4);
  }
}
const machine = (): Machine => machineRunning([polls], { files: [{ path: '/etc/motd', size: 5000 }], arch: 'arm64' });

const { byName } = layoutOf(LIBC);
const at = (m: Machine, name: string, offset = 0) => ({
  path: LIBC.path,
  fileOffset: m.executable(LIBC.path)!.fileOffset(byName.get(name)!.offset + offset),
});
function attached(m: Machine, target: Parameters<Machine['attach']>[0], handler: (regs: number) => void): () => void {
  const attachment = m.attach(target, (regs) => {
    if (currentPid(m) === 1000) handler(regs);
  });
  if (!attachment.ok) throw new Error(attachment.reason);
  return () => attachment.detach();
}
/** The text of the C library as the program has it. */
function textOf(m: Machine): number[] {
  const { mm } = m.tasks.get(1000)!.process!;
  const from = mm.find(mm.imageBase(LIBC) + byName.get('close')!.offset, 64);
  return [...m.arena.bytes.subarray(from, from + 64)];
}
const word = (bytes: readonly number[], offset: number): string =>
  bytes
    .slice(offset, offset + 4)
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');

describe('programs on arm64', () => {
  test('a uprobe is brk #5 in the text; arguments are in x0 and x1, the caller in x30', () => {
    const m = machine();
    runFor(m, MILLISECOND);
    expect(word(textOf(m), 0)).toBe('d503233f');
    const seen: number[] = [];
    let links = 0;
    const detach = attached(m, { kind: 'uprobe', ...at(m, 'close') }, (regs) => {
      seen.push(m.words[regs >> 2]!);
      if (m.arena.view.getBigUint64(regs + m.abi.link!, true) !== 0n) links += 1;
    });
    expect(word(textOf(m), 0)).toBe('d42000a0');
    runFor(m, 5 * MILLISECOND);
    expect(new Set(seen)).toEqual(new Set([3]));
    expect(links).toBe(seen.length);
    detach();
    expect(word(textOf(m), 0)).toBe('d503233f');
  });

  test('the wrapper of a system call loads its number into x8', () => {
    const m = machine();
    runFor(m, MILLISECOND);
    expect([0, 4, 8, 12, 16, 20].map((offset) => word(textOf(m), offset))).toEqual([
      'd503233f', // paciasp
      'a9bf7bfd', // stp x29, x30, [sp, #-16]!
      '910003fd', // mov x29, sp
      'd2800728', // mov x8, #57
      'd4000001', // svc #0
      'a8c17bfd', // ldp x29, x30, [sp], #16
    ]);
  });

  test('poll is ppoll with a struct timespec', () => {
    const m = machine();
    const timeouts: bigint[] = [];
    attached(m, { kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_ppoll' }, (record) => {
      const from = m.currentTask.process!.mm.find(Number(m.arena.view.getBigUint64(record + 32, true)), 16);
      timeouts.push(m.arena.view.getBigUint64(from, true), m.arena.view.getBigUint64(from + 8, true));
    });
    runFor(m, 2 * MILLISECOND);
    expect(timeouts.slice(0, 2)).toEqual([0n, 5_000_000n]);
  });

  test('a probe between two instructions is refused', () => {
    const m = machine();
    expect(m.attach({ kind: 'uprobe', ...at(m, 'close', 2) }, () => undefined)).toMatchObject({ errno: 'EINVAL' });
  });

  test('uprobes and uretprobes come and go under load: each call is seen once, and the text is as it was', () => {
    const step = fc.record({
      offsets: fc.uniqueArray(fc.constantFrom(0, 4, 8, 12, 16), { maxLength: 3 }),
      atReturn: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
        const m = machine();
        runFor(m, MILLISECOND);
        const before = textOf(m);
        for (const { offsets, atReturn } of steps) {
          const counts = offsets.map(() => 0);
          const detach = offsets.map((offset, i) =>
            attached(m, { kind: 'uprobe', ...at(m, 'close', offset) }, () => (counts[i]! += 1)),
          );
          const results: number[] = [];
          if (atReturn) {
            detach.push(
              attached(m, { kind: 'uretprobe', ...at(m, 'close') }, (regs) => results.push(m.words[regs >> 2]!)),
            );
          }
          runFor(m, 4 * MILLISECOND);
          for (const each of detach) each();
          const all = [...counts, ...(atReturn ? [results.length] : [])];
          expect(Math.max(0, ...all) - Math.min(...all, Infinity)).toBeLessThanOrEqual(1);
          expect(all.every((count) => count > 0)).toBe(true);
          expect(results.every((result) => result === 0)).toBe(true);
        }
        expect(textOf(m)).toEqual(before);
      }),
      { numRuns: 10 },
    );
  });
});
