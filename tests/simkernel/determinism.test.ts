import { describe, expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { currentPid, machineRunning, MILLISECOND, runFor, u64At } from './support.ts';

function onTracepoint(m: Machine, event: string, handler: (record: number) => void): void {
  const [category, name] = event.split(':');
  m.attach({ kind: 'tracepoint', category: category!, name: name! }, handler);
}
/** A sum over everything that events show, by place and value. */
class Digest {
  private hash = 0x811c9dc5;
  add(bytes: Uint8Array): void {
    for (const byte of bytes) this.hash = Math.imul(this.hash ^ byte, 0x01000193);
  }
  get text(): string {
    return (this.hash >>> 0).toString(16);
  }
}
function history(name: 'server' | 'network', cpus: number): string {
  const m = createMachine({ scenario: SCENARIOS[name], seed: 11, cpus });
  const digest = new Digest();
  for (const event of [
    'raw_syscalls:sys_enter',
    'raw_syscalls:sys_exit',
    'sched:sched_switch',
    'irq:softirq_entry',
    'net:net_dev_queue',
  ]) {
    onTracepoint(m, event, (record) => {
      digest.add(m.arena.bytes.subarray(record, record + 32));
      digest.add(m.arena.bytes.subarray(m.current.time, m.current.time + 8));
    });
  }
  runFor(m, 60 * MILLISECOND);
  return digest.text;
}

describe('the same seed', () => {
  test.each([
    ['server', 4],
    ['server', 1],
    ['network', 8],
  ] as const)('gives the same bytes in three runs: %s on %i CPUs', (name, cpus) => {
    const first = history(name, cpus);
    expect([history(name, cpus), history(name, cpus)]).toEqual([first, first]);
  });

  /** What does not depend on who runs when: the calls of programs that wait for nobody, in their order, with arguments and results. */
  test('has every program make the same calls, with the same results, on any number of CPUs', () => {
    function* main(u: UserContext): UserBody {
      const buffer = u.buffer(4_096);
      const fd = (yield u.openat('/data/file')) as number;
      for (let i = 0; i < 40; i += 1) {
        yield u.work(u.random.exponential(400_000));
        yield u.pread(fd, buffer, u.random.between(1, 4_096), 4_096 * u.random.between(0, 63));
        if (u.random.chance(0.2)) yield u.nanosleep(u.random.exponential(200_000));
      }
      yield u.close(fd);
      return 0;
    }
    const calls = (cpus: number): Map<number, string[]> => {
      const m = machineRunning([main, main, main], { cpus, files: [{ path: '/data/file', size: 262_144, warm: 0.5 }] });
      const made = new Map<number, string[]>();
      onTracepoint(m, 'raw_syscalls:sys_enter', (record) => {
        const list = made.get(currentPid(m)) ?? [];
        made.set(currentPid(m), list);
        list.push([8, 16, 32, 40].map((offset) => u64At(m, record + offset)).join(' '));
      });
      onTracepoint(m, 'raw_syscalls:sys_exit', (record) => made.get(currentPid(m))!.push(`= ${u64At(m, record + 16)}`));
      runFor(m, 900 * MILLISECOND);
      return made;
    };
    const alone = calls(1);
    expect(alone.size).toBe(3);
    expect(Math.min(...[...alone.values()].map((list) => list.length))).toBeGreaterThan(80);
    for (const cpus of [2, 4, 7]) expect(calls(cpus)).toEqual(alone);
  });
});
