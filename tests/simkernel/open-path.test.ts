import { describe, expect, test } from 'vitest';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import type { SyscallName } from '../../src/simkernel/programs/syscall-numbers.ts';
import { currentPid, kernelFunctions, machineRunning, MILLISECOND, runFor, textAt } from './support.ts';

const AT_FDCWD = -100;
const O_RDONLY = 0;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_CREAT_EXCL = 0o300;
const ENOENT = 2;
const EACCES = 13;
const EEXIST = 17;
const EINVAL = 22;
const ELOOP = 40;

/** Results of the calls that a program makes, in turn. */
function resultsOf(calls: (u: UserContext) => readonly (readonly [SyscallName, ...number[]])[]): {
  readonly m: Machine;
  readonly results: number[];
} {
  const results: number[] = [];
  function* main(u: UserContext): UserBody {
    for (const [name, ...args] of calls(u)) results.push((yield u.call(name, ...args)) as number);
    return 0;
  }
  const m = machineRunning([main], { files: [{ path: '/data/file', size: 5_000, warm: 1 }], cpus: 1 });
  return { m, results };
}

describe('an open', () => {
  test('allocates its file before it walks, as stacks show', () => {
    const { m } = resultsOf((u) => [['openat', AT_FDCWD, u.string('/data/file'), O_RDONLY, 0]]);
    const stacks: string[][] = [];
    for (const name of ['alloc_empty_file', 'link_path_walk', 'vfs_open']) {
      m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => stacks.push(kernelFunctions(m).slice(0, 5)));
    }
    runFor(m, 10 * MILLISECOND);
    const above = ['path_openat', 'do_file_open', 'do_sys_openat2', '__x64_sys_openat'];
    expect(stacks).toEqual([
      ['alloc_empty_file', ...above],
      ['link_path_walk', ...above],
      ['vfs_open', ...above],
    ]);
  });
  test('that fails gives its file back to the cache', () => {
    const { m, results } = resultsOf((u) => [['openat', AT_FDCWD, u.string('/data/missing'), O_RDONLY, 0]]);
    const events: string[] = [];
    for (const name of ['kmem_cache_alloc_noprof', 'kmem_cache_free', 'fput_close']) {
      m.attach({ kind: 'kprobe', function: name, offset: 0 }, () =>
        events.push(kernelFunctions(m).slice(0, 2).join(' < ')),
      );
    }
    runFor(m, 10 * MILLISECOND);
    expect(results).toEqual([-ENOENT]);
    expect(events.slice(1, 6)).toEqual([
      'kmem_cache_alloc_noprof < alloc_empty_file',
      // For /data and for the name in it.
      'kmem_cache_alloc_noprof < d_alloc_parallel',
      'kmem_cache_alloc_noprof < d_alloc_parallel',
      'fput_close < path_openat',
      'kmem_cache_free < fput_close',
    ]);
  });
});

describe('fget()', () => {
  test.each([
    ['fget', 'mmap'],
    ['fget_raw', 'dup'],
  ] as const)('%s is what %s asks for the file', (name, call) => {
    const { m, results } = resultsOf((u) => [
      ['openat', AT_FDCWD, u.string('/data/file'), O_RDONLY, 0],
      call === 'dup' ? ['dup', 3] : ['mmap', 0, 4_096, 1, 2, 3, 0],
      ['close', 3],
    ]);
    const callers: string[][] = [];
    m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => callers.push(kernelFunctions(m).slice(1, 2)));
    runFor(m, 10 * MILLISECOND);
    expect(callers).toHaveLength(1);
    expect(callers[0]!.at(-1)).toContain(call);
    expect(results[2]).toBe(0);
  });
});

describe('symbolic links', () => {
  test('lead on, at the end and in the middle of a path, and tell where to', () => {
    const { m, results } = resultsOf((u) => {
      const buffer = u.buffer(64);
      return [
        ['symlink', u.string('/data'), u.string('/there')],
        ['symlink', u.string('there/file'), u.string('/file')],
        ['openat', AT_FDCWD, u.string('/file'), O_RDONLY, 0],
        ['openat', AT_FDCWD, u.string('/there/file'), O_RDONLY, 0],
        ['openat', AT_FDCWD, u.string('/there'), O_DIRECTORY, 0],
        ['readlink', u.string('/file'), buffer, 64],
        ['readlink', u.string('/data/file'), buffer, 64],
      ];
    });
    const opened: string[] = [];
    m.attach({ kind: 'kprobe', function: 'security_file_open', offset: 0 }, () => opened.push('opened'));
    runFor(m, 10 * MILLISECOND);
    expect(results).toEqual([0, 0, 3, 4, 5, 'there/file'.length, -EINVAL]);
    expect(opened).toHaveLength(3);
  });
  test('are what lstat, unlink and an exclusive open mean, not what they lead to', () => {
    const { m, results } = resultsOf((u) => {
      const stat = u.buffer(144);
      return [
        ['symlink', u.string('file'), u.string('/data/link')],
        ['lstat', u.string('/data/link'), stat],
        ['stat', u.string('/data/link'), stat],
        ['openat', AT_FDCWD, u.string('/data/link'), O_CREAT_EXCL, 0],
        ['openat', AT_FDCWD, u.string('/data/link'), O_NOFOLLOW, 0],
        ['symlink', u.string('file'), u.string('/data/link')],
        ['unlink', u.string('/data/link')],
        ['lstat', u.string('/data/link'), stat],
        ['stat', u.string('/data/file'), stat],
      ];
    });
    const sizes: number[] = [];
    m.attach({ kind: 'kprobe', function: 'cp_new_stat', offset: 0 }, () => sizes.push(sizes.length));
    runFor(m, 10 * MILLISECOND);
    expect(results).toEqual([0, 0, 0, -EEXIST, -ELOOP, -EEXIST, 0, -ENOENT, 0]);
    expect(sizes).toHaveLength(3);
  });
  test('that lead to each other end after forty', () => {
    const { m, results } = resultsOf((u) => [
      ['symlink', u.string('b'), u.string('/a')],
      ['symlink', u.string('a'), u.string('/b')],
      ['openat', AT_FDCWD, u.string('/a'), O_RDONLY, 0],
    ]);
    let followed = 0;
    m.attach({ kind: 'kprobe', function: 'pick_link', offset: 0 }, () => {
      followed += 1;
    });
    runFor(m, 10 * MILLISECOND);
    expect(results).toEqual([0, 0, -ELOOP]);
    expect(followed).toBe(41);
  });
  test('of the merged /usr lead programs to their libraries', () => {
    const m = machineRunning([], { files: [{ path: '/lib/x/libc.so', size: 10, warm: 1 }] });
    runFor(m, MILLISECOND);
    expect(m.fileSystem.find('/usr/lib/x/libc.so')).toBe(m.fileSystem.find('/lib/x/libc.so'));
    expect(textAt(m, m.fileSystem.root.root.children.get('lib')!.inode.link!.address)).toBe('usr/lib');
  });
});

test('execve opens the program and its interpreter as any file is opened, and says why it cannot', () => {
  const statuses: number[] = [];
  const m = machineRunning(
    [
      function* (u) {
        statuses.push(yield u.execve('/usr/bin/nonesuch', ['nonesuch']));
        statuses.push(yield u.execve('/etc/motd', ['motd']));
        statuses.push(yield u.execve('/etc', ['etc']));
        yield u.execve('/usr/bin/program1', ['program1']);
        return 1;
      },
      function* (u) {
        yield u.nanosleep(1e6);
        return 0;
      },
    ],
    { files: [{ path: '/etc/motd', size: 20 }] },
  );
  const opened: string[] = [];
  const callers = new Set<string>();
  m.attach({ kind: 'kprobe', function: 'vfs_open', offset: 0 }, (regs) => {
    if (currentPid(m) !== 1000) return;
    const path = m.pathName(m.words[(regs + 112) >> 2]!, m.words[(regs + 116) >> 2]!);
    opened.push(path ?? '?');
    for (const name of kernelFunctions(m)) callers.add(name);
  });
  runFor(m, 20 * MILLISECOND);
  expect(statuses).toEqual([-ENOENT, -EACCES, -EACCES]);
  expect(opened).toEqual([
    '/etc/motd',
    '/etc',
    '/usr/bin/program1',
    '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
    '/etc/ld.so.cache',
    '/usr/lib/x86_64-linux-gnu/libc.so.6',
  ]);
  for (const name of ['do_open_execat', 'alloc_bprm', 'open_exec', 'load_elf_binary', 'bprm_execve', 'do_file_open'])
    expect(callers).toContain(name);
});
