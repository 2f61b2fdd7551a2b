import { expect, test } from 'vitest';
import { EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../../src/simkernel/errno.ts';
import type { Image } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { offsetOf } from '../../src/simkernel/kernel-types.ts';
import { follow, machineRunning, MILLISECOND, runFor } from './support.ts';

const O_CREAT_WRONLY = 0o101;
const O_EXCL = 0o200;

/** Results of a program's calls, by the order in which it made them. */
function resultsOf(main: (u: UserContext, note: (result: unknown) => void) => ReturnType<NonNullable<Image['main']>>) {
  const results: unknown[] = [];
  const m = machineRunning([(u) => main(u, (result) => results.push(result))], {
    files: [
      { path: '/etc/motd', size: 5, text: 'hello' },
      { path: '/mnt/data/cold', size: 65_536, warm: 0 },
    ],
    disks: [{ kind: 'nvme', mountedAt: '/mnt', fileSystem: 'xfs' }],
  });
  runFor(m, 50 * MILLISECOND);
  return { m, results };
}

test('names are made, moved and removed, and errors are those of Linux', () => {
  const { m, results } = resultsOf(function* (u, note) {
    const stat = u.buffer(144);
    note(yield u.paths('mkdir', ['/tmp']));
    note(yield u.paths('mkdir', ['/tmp']));
    note(yield u.openat('/tmp/a', O_CREAT_WRONLY, 0o644));
    note(yield u.openat('/tmp/a', O_CREAT_WRONLY | O_EXCL, 0o644));
    note(yield u.paths('rmdir', ['/tmp']));
    note(yield u.paths('unlink', ['/tmp']));
    note(yield u.paths('rename', ['/tmp/a', '/tmp/b']));
    note(yield u.call('stat', u.string('/tmp/a'), stat));
    note(yield u.call('stat', u.string('/tmp/b'), stat));
    note(yield u.paths('unlink', ['/tmp/b']));
    note(yield u.openat('/etc/motd/x'));
    note(yield u.paths('rmdir', ['/tmp']));
    note(yield u.openat('/tmp/b'));
    return 0;
  });
  expect(results).toEqual([0, -EEXIST, 3, -EEXIST, -ENOTEMPTY, -EISDIR, 0, -ENOENT, 0, 0, -ENOTDIR, 0, -ENOENT]);
  expect(m.fileSystem.find('/tmp')).toBeUndefined();
});

test('a relative name starts at the working directory, which children inherit', () => {
  const { results } = resultsOf(function* (u, note) {
    note(yield u.paths('chdir', ['/etc']));
    note(yield u.openat('motd'));
    const child = (yield u.fork(function* (v) {
      note(yield v.openat('../etc/./motd'));
      return 0;
    })) as number;
    yield u.wait4(child);
    note(yield u.openat('passwd'));
    return 0;
  });
  expect(results).toEqual([0, 3, 4, -ENOENT]);
});

test('only the first look at a name asks the file system, even when there is no such file', () => {
  const m = machineRunning(
    [
      function* (u) {
        for (let round = 0; round < 3; round += 1) {
          for (const path of ['/mnt/data/cold', '/mnt/data/missing']) {
            const fd = (yield u.openat(path)) as number;
            if (fd >= 0) yield u.close(fd);
          }
        }
        return 0;
      },
    ],
    {
      files: [{ path: '/mnt/data/cold', size: 65_536, warm: 0 }],
      disks: [{ kind: 'nvme', mountedAt: '/mnt', fileSystem: 'xfs' }],
    },
  );
  let asked = 0;
  let metadata = 0;
  m.attach({ kind: 'kprobe', function: 'xfs_vn_lookup', offset: 0 }, () => (asked += 1));
  m.attach({ kind: 'kprobe', function: 'xfs_buf_submit', offset: 0 }, () => (metadata += 1));
  runFor(m, 50 * MILLISECOND);
  // data, cold and missing; blocks: of two directories, and of two inodes.
  expect([asked, metadata]).toEqual([3, 4]);
});

test('a mapping that is cut in two keeps the pages of both parts, and unmapping gives all of them back', () => {
  const { m, results } = resultsOf(function* (u, note) {
    const at = (yield u.mmap(16 * 4096, 3, 0x22)) as number;
    for (let page = 0; page < 16; page += 1) yield* u.access(at + 4096 * page);
    note(u.process.mm.residentAnonymous);
    note(yield u.call('munmap', at + 4 * 4096, 4 * 4096));
    note(u.process.mm.residentAnonymous);
    note(yield u.call('mprotect', at, 4096, 1));
    note(yield u.call('munmap', at, 16 * 4096));
    note(u.process.mm.residentAnonymous);
    return 0;
  });
  expect(results).toEqual([16, 0, 12, 0, 0, 0]);
  expect(m.zone.anonymousPages).toBe(0);
});

test('a disk reads each block of metadata once: neighbours of an inode come with it, in pages of the disk itself', () => {
  const results: number[] = [];
  const m = machineRunning(
    [
      function* (u) {
        const stat = u.buffer(256);
        for (let i = 0; i < 40; i += 1) results.push(yield u.call('stat', u.string(`/data/d/${i}`), stat));
        return 0;
      },
    ],
    {
      disks: [{ kind: 'nvme', mountedAt: '/data' }],
      files: Array.from({ length: 40 }, (_, i) => ({ path: `/data/d/${i}`, size: 100 })),
    },
  );
  const modes: number[] = [];
  m.attach({ kind: 'kprobe', function: 'filemap_add_folio', offset: 0 }, (context) => {
    const mapping = follow(m, context + m.abi.arguments[0]!);
    const host = follow(m, mapping + offsetOf('address_space', 'host'));
    modes.push(m.arena.view.getUint16(host + offsetOf('inode', 'i_mode'), true));
  });
  runFor(m, 50 * MILLISECOND);
  expect(results).toEqual(Array.from({ length: 40 }, () => 0));
  // 40 inodes lie in three or four blocks; the root's and the directory's entries come on top.
  expect(m.zone.bufferPages).toBeGreaterThanOrEqual(4);
  expect(m.zone.bufferPages).toBeLessThanOrEqual(7);
  expect(modes.filter((mode) => (mode & 0o170000) === 0o060000)).toHaveLength(m.zone.bufferPages);
});
