import { expect, test } from 'vitest';
import { O_CREAT, O_RDWR } from '../../src/simkernel/fs/fcntl.ts';
import { SIGKILL } from '../../src/simkernel/tasks/signals.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { machineRunning, MILLISECOND, runFor, SECOND } from './support.ts';

const ROUNDS = 60;
const BATCHES = 5;

/** What a child does before it ends; what it leaves open the kernel must close. */
const LIVES: { readonly [name: string]: (u: UserContext) => UserBody } = {
  *'ends at once'() {
    return 0;
  },
  *'sleeps and ends'(u) {
    yield u.nanosleep(20_000);
    return 0;
  },
  *'executes a program'(u) {
    yield u.execve('/usr/bin/program1', ['program1', 'short']);
    return 1;
  },
  *'leaves a pipe open'(u) {
    const ends = u.buffer(8);
    yield u.call('pipe2', ends, 0);
    yield u.write(u.load(ends + 4, 4), ends, 8);
    return 0;
  },
  *'leaves an epoll that watches an eventfd'(u) {
    const epoll = yield u.call('epoll_create1', 0);
    const event = yield u.call('eventfd2', 0, 0);
    const wanted = u.buffer(16);
    u.store(wanted, 4, 1);
    yield u.call('epoll_ctl', epoll, 1, event, wanted);
    return 0;
  },
  *'leaves a pair of sockets with something in it'(u) {
    const ends = u.buffer(8);
    yield u.call('socketpair', 1, 1, 0, ends);
    yield u.write(u.load(ends, 4), ends, 8);
    return 0;
  },
  *'has touched memory of its own and of a file'(u) {
    const own = yield u.mmap(65_536, 3, 0x22);
    for (let page = 0; page < 16; page += 1) yield* u.access(own + 4096 * page);
    const fd = yield u.openat('/etc/ld.so.cache');
    const shown = yield u.mmap(8192, 1, 2, fd);
    yield* u.access(shown, false);
    return 0;
  },
  *'ends while a thread of its own sleeps'(u) {
    yield u.thread(function* (thread) {
      yield thread.nanosleep(100 * SECOND);
      return 0;
    });
    yield u.work(50_000);
    return 0;
  },
  *'makes and removes a file'(u) {
    const fd = yield u.openat('/tmp/file', O_RDWR | O_CREAT, 0o644);
    yield u.write(fd, u.buffer(8192), 8192);
    yield u.close(fd);
    yield u.paths('unlink', ['/tmp/file']);
    return 0;
  },
  *'is killed in its sleep'(u) {
    yield u.nanosleep(100 * SECOND);
    return 0;
  },
};

test.each(Object.keys(LIVES))('hundreds of processes, each of which %s, leave no memory behind', (name) => {
  const samples: number[] = [];
  const m = machineRunning([
    function* (u) {
      for (let batch = 0; batch < BATCHES; batch += 1) {
        for (let round = 0; round < ROUNDS; round += 1) {
          const child = yield u.fork(LIVES[name]!);
          if (name.startsWith('is killed')) {
            yield u.nanosleep(60_000);
            yield u.call('kill', child, SIGKILL);
          }
          yield u.wait4(child);
        }
        // What waits for a grace period is freed, and what is dirty is written.
        yield u.nanosleep(50 * MILLISECOND);
        samples.push(m.arena.heapBytes());
      }
      return 0;
    },
    function* (u, argv) {
      // The first of its kind is there from the beginning.
      if (argv[1] !== 'short') yield u.nanosleep(100 * SECOND);
      return 0;
    },
  ]);
  for (let i = 0; i < 100 && samples.length < BATCHES; i += 1) runFor(m, 100 * MILLISECOND);
  expect(samples).toHaveLength(BATCHES);
  expect(samples.at(-1)! - samples[2]!).toBeLessThanOrEqual(1024);
  expect(samples.at(-1)! - samples[2]!).toBeGreaterThanOrEqual(-1024);
});
