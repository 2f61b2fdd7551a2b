import { expect, test } from 'vitest';
import { EACCES, EBADF, EINVAL, ENOENT, ENOTTY } from '../../src/simkernel/errno.ts';
import { O_NONBLOCK, O_RDWR } from '../../src/simkernel/fs/fcntl.ts';
import { mapsText } from '../../src/simkernel/fs/proc/maps.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { runPipeline } from '../../src/simkernel/programs/images/shell.ts';
import { syscallByNumber } from '../../src/simkernel/syscalls.ts';
import { machineRunning, MILLISECOND, runFor, textAt, u64At } from './support.ts';

const NUMBER_AT = 8;
/** System calls of a process whose comm is this, by name in their order. */
function recordCalls(m: Machine, comm: string): string[] {
  const names: string[] = [];
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, (record) => {
    if (textAt(m, m.current.comm) === comm) names.push(syscallByNumber(m.words[(record + NUMBER_AT) >> 2]!)!.name);
  });
  return names;
}

test('between execve and main a program loads its libraries as strace shows it on any machine', () => {
  const m = machineRunning([
    function* (u) {
      yield u.execve('/usr/bin/program1', ['loaded']);
      return 1;
    },
    function* (u) {
      yield u.nanosleep(MILLISECOND);
      return 0;
    },
  ]);
  const names = recordCalls(m, 'program1');
  runFor(m, 5 * MILLISECOND);
  expect(names.filter((name) => !['clock_nanosleep', 'exit_group'].includes(name)).join(' ')).toBe(
    'brk mmap access openat fstat mmap close openat read pread64 fstat pread64 mmap mmap mmap mmap close mmap arch_prctl ' +
      'set_tid_address set_robust_list rseq mprotect prlimit64 munmap getrandom brk brk',
  );
});

test("a loaded library's data lies behind its text, constant where it has been relocated", () => {
  const m = machineRunning([
    function* (u) {
      yield u.execve('/usr/bin/program1', ['loaded']);
      return 1;
    },
    function* (u) {
      yield u.nanosleep(50 * MILLISECOND);
      return 0;
    },
  ]);
  const pid = 1000;
  runFor(m, 5 * MILLISECOND);
  const lines = mapsText(m, m.tasks.get(pid)!)
    .split('\n')
    .filter((line) => line.includes('libc.so.6'))
    .map((line) => line.replace(/ +/g, ' ').split(' '));
  expect(lines.map(([, permissions]) => permissions)).toEqual(['r-xp', 'r--p', 'rw-p']);
  const ends = lines.map(([range]) => range!.split('-'));
  expect(ends[1]![0]).toBe(ends[0]![1]);
  expect(ends[2]![0]).toBe(ends[1]![1]);
});

test('access, ioctl and fcntl answer as Linux does', () => {
  const results: number[] = [];
  let flags = 0;
  const m = machineRunning(
    [
      function* (u) {
        results.push(yield u.call('access', u.string('/etc/motd'), 4));
        results.push(yield u.call('access', u.string('/etc/motd'), 1));
        results.push(yield u.call('access', u.string('/etc/nonesuch'), 0));
        results.push(yield u.call('access', u.string('/etc/motd'), 8));
        const file = yield u.openat('/etc/motd', O_RDWR);
        results.push(yield u.call('ioctl', file, 0x5401, 0));
        results.push(yield u.call('ioctl', 77, 0x5401, 0));
        const copy = yield u.call('fcntl', file, 0, 10);
        results.push(copy);
        results.push(yield u.call('fcntl', file, 4, O_RDWR | O_NONBLOCK));
        flags = yield u.call('fcntl', copy, 3, 0);
        results.push(yield u.call('fcntl', file, 99, 0));
        return 0;
      },
    ],
    { files: [{ path: '/etc/motd', size: 10 }] },
  );
  runFor(m, 5 * MILLISECOND);
  expect(results).toEqual([0, -EACCES, -ENOENT, -EINVAL, -ENOTTY, -EBADF, 10, 0, -EINVAL]);
  expect(flags).toBe(O_RDWR | O_NONBLOCK);
});

test('a pipeline passes on all that its first command writes, and ends when that does', () => {
  const received: number[] = [];
  const statuses: number[] = [];
  const m = machineRunning([
    function* (u) {
      statuses.push(
        Number(
          yield* runPipeline(u, ['write', 'count'], function* (v, command) {
            const buffer = v.buffer(4096);
            if (command === 'write') {
              for (let i = 0; i < 40; i += 1) yield v.write(1, buffer, 4096);
              return 0;
            }
            for (let size = 1; size > 0; received.push(size)) size = yield v.read(0, buffer, 4096);
            return 0;
          }),
        ),
      );
      return 0;
    },
  ]);
  runFor(m, 50 * MILLISECOND);
  expect(received.reduce((sum, size) => sum + size, 0)).toBe(40 * 4096);
  expect(received.at(-1)).toBe(0);
  expect(statuses).toEqual([0]);
});

test('a read fault maps what is cached around it, a write fault asks for its own page', () => {
  const faults: string[] = [];
  const m = machineRunning(
    [
      function* (u) {
        const fd = yield u.openat('/var/data');
        const shown = yield u.mmap(65_536, 3, 2, fd);
        for (let page = 0; page < 16; page += 1) yield* u.access(shown + 4096 * page, false);
        yield u.touch(shown + 4096 * 3, true);
        return 0;
      },
    ],
    { files: [{ path: '/var/data', size: 65_536 }] },
  );
  for (const name of ['filemap_map_pages', 'filemap_fault']) {
    m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => {
      if (u64At(m, m.current.pidTgid) !== 0 && textAt(m, m.current.comm) === 'program0') faults.push(name);
    });
  }
  runFor(m, 20 * MILLISECOND);
  expect(faults.slice(0, 1)).toEqual(['filemap_map_pages']);
  expect(faults.filter((name) => name === 'filemap_map_pages').length).toBeLessThanOrEqual(2);
  expect(faults).toContain('filemap_fault');
});
