import { expect, test } from 'vitest';
import { EEXIST, ENOENT } from '../../src/simkernel/errno.ts';
import { offsetOf } from '../../src/simkernel/kernel-types.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { follow, MILLISECOND, runFor, SECOND, textAt } from './support.ts';

const ID = '0123456789ab0123456789ab';
const STORE = '/var/lib/docker/overlay2';
const O_CREAT_WRONLY = 0o101;
const O_EXCL = 0o200;
const S_IFDIR = 0o040000;

/** One program in a container, another outside of it. */
function machineWith(inside: (u: UserContext) => UserBody, outside: (u: UserContext) => UserBody): Machine {
  const image = (name: string, main: typeof inside) => ({ path: `/usr/bin/${name}`, symbols: ['main'], main });
  return createMachine({
    scenario: defineScenario({
      name: 'test',
      summary: '',
      seed: 5,
      cpus: 2,
      lengthNs: SECOND,
      files: [{ path: '/etc/motd', size: 5, text: 'host!' }],
      containers: [{ id: ID, image: 'base', directories: ['/data'], files: [{ path: '/etc/motd', size: 8_000 }] }],
      images: [],
      processes: [
        { pid: 1000, image: image('inside', inside), container: ID },
        { pid: 1001, image: image('outside', outside) },
      ],
    }),
  });
}

test('a container sees its image and its own changes, which lie in the upper layer; the host sees neither by these names', () => {
  const inside: number[] = [];
  const outside: number[] = [];
  const m = machineWith(
    function* (u) {
      const buffer = u.buffer(9_000);
      const motd = yield u.openat('/etc/motd');
      inside.push(yield u.read(motd, buffer, 9_000));
      const file = yield u.openat('/data/new', O_CREAT_WRONLY, 0o644);
      inside.push(yield u.write(file, buffer, 300), yield u.write(file, buffer, 200), yield u.call('fsync', file));
      yield u.close(file);
      inside.push(yield u.openat('/data/new', O_CREAT_WRONLY | O_EXCL, 0o644));
      const stat = u.buffer(144);
      inside.push(yield u.call('stat', u.string('/data/new'), stat), u.load(stat + 48, 4));
      // The root's parent is the root.
      inside.push(yield u.call('chdir', u.string('/data')), yield u.openat('../../../etc/motd'));
      return 0;
    },
    function* (u) {
      yield u.nanosleep(20 * MILLISECOND);
      outside.push(yield u.openat('/data/new'), yield u.openat(`${STORE}/${ID}/diff/data/new`));
      return 0;
    },
  );
  runFor(m, 200 * MILLISECOND);
  expect(inside).toEqual([8_000, 300, 200, 0, -EEXIST, 0, 500, 0, 4]);
  expect(outside).toEqual([-ENOENT, 3]);
});

test('the first write to a file of the image copies it up; what is removed is gone from both views', () => {
  const results: number[] = [];
  const m = machineWith(
    function* (u) {
      const motd = yield u.openat('/etc/motd', 2);
      results.push(yield u.write(motd, u.buffer(64), 64));
      yield u.close(motd);
      yield u.openat('/data/short', O_CREAT_WRONLY, 0o644);
      results.push(yield u.paths('unlink', ['/data/short']), yield u.openat('/data/short'));
      return 0;
    },
    function* () {
      return 0;
    },
  );
  runFor(m, 100 * MILLISECOND);
  expect(results).toEqual([64, 0, -ENOENT]);
  expect(m.fileSystem.find(`${STORE}/${ID}/diff/etc/motd`)?.inode.size).toBe(8_000);
  expect(m.fileSystem.find(`${STORE}/base/diff/etc/motd`)?.inode.size).toBe(8_000);
  expect(m.fileSystem.find(`${STORE}/${ID}/diff/data/short`)).toBeUndefined();
  expect(m.fileSystem.find(`${STORE}/${ID}/merged`)!.inode.mode & 0o170000).toBe(S_IFDIR);
});

test('each container has a host name, a PID namespace and a control group of its own, which its tasks show', () => {
  const m = createMachine({ scenario: SCENARIOS.containers });
  runFor(m, 50 * MILLISECOND);
  const facts = [2_310, 2_402, 2_403, 2_477, 1_120].map((pid) => {
    const task = m.tasks.get(pid)!;
    const nsproxy = follow(m, task.address + offsetOf('task_struct', 'nsproxy'));
    const uts = follow(m, nsproxy + offsetOf('nsproxy', 'uts_ns'));
    const pidNs = follow(m, nsproxy + offsetOf('nsproxy', 'pid_ns_for_children'));
    return {
      host: textAt(m, uts + offsetOf('uts_namespace', 'name.nodename')),
      inum: m.words[(pidNs + offsetOf('pid_namespace', 'ns.inum')) >> 2]! >>> 0,
      cgroup: task.cgroup.path.replace(/-(.{12}).*/, '-$1'),
    };
  });
  expect(facts).toEqual([
    { host: '5f3c81d07a9e', inum: 4_026_532_252, cgroup: '/system.slice/docker-5f3c81d07a9e' },
    { host: '9c0de4b7f6a1', inum: 4_026_532_256, cgroup: '/system.slice/docker-9c0de4b7f6a1' },
    { host: '9c0de4b7f6a1', inum: 4_026_532_256, cgroup: '/system.slice/docker-9c0de4b7f6a1' },
    { host: 'e71a25c9d84f', inum: 4_026_532_260, cgroup: '/system.slice/docker-e71a25c9d84f' },
    { host: 'tsbpftrace', inum: 4_026_531_836, cgroup: '/system.slice/cadvisor.service' },
  ]);
});

test('a container with a limit reads no faster than that, and the others are not asked', () => {
  const m = createMachine({ scenario: SCENARIOS.containers });
  const asked = new Map<string, { held: number; passed: number }>();
  m.attach({ kind: 'kretprobe', function: '__blk_throtl_bio' }, (context) => {
    const { path } = m.cpu.current.cgroup;
    const counts = asked.get(path) ?? { held: 0, passed: 0 };
    counts[m.words[(context + m.abi.result) >> 2] === 1 ? 'held' : 'passed'] += 1;
    asked.set(path, counts);
  });
  runFor(m, 1.5 * SECOND);
  const [[path, { held, passed }]] = [...asked] as [[string, { held: number; passed: number }]];
  expect(asked.size).toBe(1);
  expect(path).toContain('docker-e71a25c9d84f');
  expect(Math.min(held, passed)).toBeGreaterThan(3);
  const group = m.ioGroups.of(
    m.cgroups.find(path)!,
    m.disks.find(({ name }) => name === 'nvme0n1')!,
  );
  // What went out in the slice under way: never more than the limit allows until its end.
  const { sliceStart } = group.read;
  const { limit, dispatched } = group.read.bytes;
  expect(dispatched).toBeLessThanOrEqual(
    (limit * (0.1 * SECOND * Math.ceil((m.now() - sliceStart + 1) / (0.1 * SECOND)))) / SECOND,
  );
});
