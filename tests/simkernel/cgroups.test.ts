import { describe, expect, test } from 'vitest';
import { EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ERANGE, ESRCH } from '../../src/simkernel/errno.ts';
import { O_DIRECT } from '../../src/simkernel/fs/fcntl.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { offsetOf } from '../../src/simkernel/kernel-types.ts';
import { fieldOffset, follow, machineRunning, MILLISECOND, runFor, textAt, u64At } from './support.ts';

const O_WRONLY = 1;
const ROOT = '/sys/fs/cgroup';
const CGROUP_EVENTS = ['cgroup_mkdir', 'cgroup_rmdir', 'cgroup_attach_task', 'cgroup_notify_populated'] as const;

/** `event path` of everything that happens to groups. */
function watch(m: Machine): string[] {
  const seen: string[] = [];
  for (const name of CGROUP_EVENTS) {
    const field = name === 'cgroup_attach_task' ? 'dst_path' : 'path';
    m.attach({ kind: 'tracepoint', category: 'cgroup', name }, (record) => {
      const at = record + (m.words[(record + fieldOffset(`cgroup:${name}`, field)) >> 2]! & 0xffff);
      const value =
        name === 'cgroup_notify_populated' ? ` ${m.words[(record + fieldOffset(`cgroup:${name}`, 'val')) >> 2]}` : '';
      seen.push(`${name.replace('cgroup_', '')} ${textAt(m, at)}${value}`);
    });
  }
  return seen;
}
function* write(u: UserContext, path: string, text: string): UserBody {
  const fd = (yield u.openat(path, O_WRONLY)) as number;
  const written = (yield u.write(fd, u.string(text), text.length)) as number;
  yield u.close(fd);
  return written;
}
function running(main: (u: UserContext, note: (result: unknown) => void) => UserBody): {
  m: Machine;
  results: unknown[];
} {
  const results: unknown[] = [];
  return {
    m: machineRunning([(u) => main(u, (result) => results.push(result))], {
      cpus: 1,
      files: [{ path: '/data/cold', size: 4e6, warm: 0 }],
    }),
    results,
  };
}

describe('control groups', () => {
  test('are in /proc/PID/cgroup and in the memory of the task', () => {
    const { m } = running(function* (u) {
      yield u.work(MILLISECOND);
      return 0;
    });
    runFor(m, MILLISECOND / 2);
    expect(new TextDecoder().decode(m.readFile('/proc/1000/cgroup'))).toBe('0::/system.slice/program0.service\n');
    expect(m.readFile('/proc/1001/cgroup')).toBeUndefined();
    const group = follow(
      m,
      follow(m, m.tasks.get(1000)!.address + offsetOf('task_struct', 'cgroups')) + offsetOf('css_set', 'dfl_cgrp'),
    );
    const kn = follow(m, group + offsetOf('cgroup', 'kn'));
    expect(u64At(m, kn + offsetOf('kernfs_node', 'id'))).toBe(m.tasks.get(1000)!.cgroup.id);
    expect(textAt(m, follow(m, kn + offsetOf('kernfs_node', 'name'), 1))).toBe('program0.service');
    expect(follow(m, group + offsetOf('cgroup', 'ancestors[1]'))).toBe(m.cgroups.find('/system.slice')!.address);
  });

  test('are where systemd puts processes, and their ids are the numbers of their folders', () => {
    const { m } = running(function* (u) {
      yield u.work(MILLISECOND);
      return 0;
    });
    runFor(m, MILLISECOND / 2);
    expect(m.tasks.get(1)?.cgroup.path).toBe('/init.scope');
    expect(m.tasks.get(2)?.cgroup.path).toBe('/');
    expect(m.tasks.get(1000)?.cgroup.path).toBe('/system.slice/program0.service');
    expect(m.cgroupId(ROOT)).toBe(1);
    const unit = m.cgroupId(`${ROOT}/system.slice/program0.service`)!;
    expect(m.cgroupPath(unit)).toBe('/system.slice/program0.service');
    expect(m.cgroupId(`${ROOT}/system.slice/cgroup.procs`)).toBeUndefined();
    expect([0, 1, 2, 3].map((level) => m.tasks.get(1000)!.cgroup.ancestor(level)?.path)).toEqual([
      '/',
      '/system.slice',
      '/system.slice/program0.service',
      undefined,
    ]);
  });

  test('come by mkdir, take what is written into cgroup.procs and its children, and go when they are empty', () => {
    const { m, results } = running(function* (u, note) {
      note(yield u.paths('mkdir', [`${ROOT}/work`]));
      note(yield u.paths('mkdir', [`${ROOT}/work`]));
      note(yield* write(u, `${ROOT}/work/cgroup.procs`, '0\n'));
      note(yield u.paths('rmdir', [`${ROOT}/work`]));
      const child = (yield u.fork(function* (v) {
        yield v.work(1_000);
        return 0;
      })) as number;
      note(u.task.children[0]!.cgroup.path);
      yield u.wait4(child);
      note(yield* write(u, `${ROOT}/work/cgroup.procs`, '9999\n'));
      note(yield* write(u, `${ROOT}/init.scope/cgroup.procs`, '0\n'));
      note(yield u.paths('rmdir', [`${ROOT}/work`]));
      note(yield u.openat(`${ROOT}/work/cgroup.procs`));
      note(yield u.paths('mkdir', [`${ROOT}/work`]));
      return 0;
    });
    const seen = watch(m);
    runFor(m, 20 * MILLISECOND);
    expect(results).toEqual([0, -EEXIST, 2, -EBUSY, '/work', -ESRCH, 2, 0, -ENOENT, 0]);
    expect(seen).toEqual([
      'mkdir /work',
      'notify_populated /work 1',
      'notify_populated /system.slice/program0.service 0',
      'notify_populated /system.slice 0',
      'attach_task /work',
      'notify_populated /work 0',
      'attach_task /init.scope',
      'rmdir /work',
      'mkdir /work',
    ]);
  });

  test('lose no task: every task that lives is in one, and none that is dead', () => {
    const { m } = running(function* (u) {
      for (let i = 0; i < 20; i += 1) {
        const child = (yield u.fork(function* (v) {
          yield v.work(10_000);
          return 0;
        })) as number;
        if (i % 2 === 0) yield u.wait4(child);
      }
      return 0;
    });
    runFor(m, 50 * MILLISECOND);
    const counted = new Set<number>();
    const count = (group: Machine['cgroups']['root']): void => {
      for (const { pid } of group.tasks) counted.add(pid);
      for (const child of group.children.values()) count(child);
    };
    count(m.cgroups.root);
    const living = [...m.tasks.values()].filter(({ exitState }) => exitState === 0).map(({ pid }) => pid);
    expect([...counted].sort((a, b) => a - b)).toEqual(living.sort((a, b) => a - b));
  });

  test('limit what they read from a disk as io.max says, and take no nonsense', () => {
    const MIB = 1024 * 1024;
    const group = `${ROOT}/slow`;
    const { m, results } = running(function* (u, note) {
      yield u.call('mkdir', u.string(group), 0o755);
      yield* write(u, `${group}/cgroup.procs`, '0');
      for (const text of [
        '259:0 rbps=fast',
        '8:99 rbps=1',
        'nvme0n1 rbps=1',
        '259:0 riops=0',
        '259:0 rbps=1048576 wbps=max',
      ])
        note(yield* write(u, `${group}/io.max`, text));
      const before = m.now();
      const fd = (yield u.openat('/data/cold', 0)) as number;
      const buffer = u.buffer(MIB / 4);
      for (let i = 0; i < 4; i += 1) yield u.read(fd, buffer, MIB / 4);
      note(Math.round((m.now() - before) / (100 * MILLISECOND)));
      note(yield* write(u, `${group}/io.max`, '259:0 rbps=max'));
      return 0;
    });
    runFor(m, 3_000 * MILLISECOND);
    const tenths = results.splice(5, 1)[0];
    expect(results).toEqual([-EINVAL, -ENODEV, -EINVAL, -ERANGE, 27, 14]);
    // A megabyte and what is read ahead of it.
    expect(tenths).toBeGreaterThanOrEqual(8);
    expect(tenths).toBeLessThan(22);
  });

  test('limit how many reads a second they send to a disk', () => {
    const group = `${ROOT}/few`;
    const { m, results } = running(function* (u, note) {
      yield u.call('mkdir', u.string(group), 0o755);
      yield* write(u, `${group}/cgroup.procs`, '0');
      note(yield* write(u, `${group}/io.max`, '259:0 riops=50 wiops=max'));
      const fd = (yield u.openat('/data/cold', O_DIRECT)) as number;
      const buffer = u.buffer(4096);
      const before = m.now();
      for (let i = 0; i < 30; i += 1) yield u.pread(fd, buffer, 4096, 65_536 * i);
      note(Math.round((m.now() - before) / (100 * MILLISECOND)));
      const limits = (yield u.openat(`${group}/io.max`, 0)) as number;
      const size = (yield u.read(limits, buffer, 4096)) as number;
      text = u.text(buffer, size);
      return 0;
    });
    let text = '';
    runFor(m, 2_000 * MILLISECOND);
    // Thirty reads at fifty a second.
    expect(results).toEqual([24, 6]);
    expect(text).toBe('259:0 rbps=max wbps=max riops=50 wiops=max\n');
  });

  test('give back all their memory when the last dead task that had them is forgotten', () => {
    const { m, results } = running(function* (u, note) {
      for (let round = 0; round < 12; round += 1) {
        const group = `${ROOT}/round`;
        yield u.paths('mkdir', [group]);
        const child = (yield u.fork(function* (v) {
          yield* write(v, `${group}/cgroup.procs`, '0');
          return 0;
        })) as number;
        yield u.nanosleep(MILLISECOND);
        // A zombie does not keep it populated.
        note(yield u.paths('rmdir', [group]));
        yield u.wait4(child);
        yield u.nanosleep(10 * MILLISECOND);
        note(m.arena.heapBytes());
      }
      return 0;
    });
    const released: string[] = [];
    m.attach({ kind: 'tracepoint', category: 'cgroup', name: 'cgroup_release' }, () => released.push('released'));
    runFor(m, 300 * MILLISECOND);
    expect(results.filter((_, i) => i % 2 === 0)).toEqual(Array<number>(12).fill(0));
    expect(released.length).toBe(12);
    expect(results[23]).toBe(results[11]);
  });
});
