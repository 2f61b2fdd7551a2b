import { expect, test } from 'vitest';
import { EINTR } from '../../src/simkernel/errno.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const SIGUSR1 = 10;
const SIGPIPE = 13;

test('a pipe hands over what is written, and its end', () => {
  const results: (number | string)[] = [];
  const m = machineRunning([
    function* (u) {
      const ends = u.buffer(8);
      yield u.call('pipe2', ends, 0);
      const [read, write] = [u.view(ends, 8).getInt32(0, true), u.view(ends, 8).getInt32(4, true)];
      const child = yield u.fork(function* (v) {
        yield v.close(read);
        yield v.nanosleep(5 * MILLISECOND);
        yield v.write(write, v.string('through'), 7);
        return 0;
      });
      yield u.close(write);
      const buffer = u.buffer(100);
      const size = yield u.read(read, buffer, 100);
      results.push(u.text(buffer, size), yield u.read(read, buffer, 100));
      yield u.wait4(child);
      return 0;
    },
  ]);
  runFor(m, 200 * MILLISECOND);
  expect(results).toEqual(['through', 0]);
});

test('writing where nobody reads any more kills with SIGPIPE', () => {
  let reached = false;
  const m = machineRunning([
    function* (u) {
      const ends = u.buffer(8);
      yield u.call('pipe2', ends, 0);
      yield u.close(u.view(ends, 8).getInt32(0, true));
      yield u.write(u.view(ends, 8).getInt32(4, true), ends, 8);
      reached = true;
      return 0;
    },
  ]);
  const task = m.tasks.get(1000);
  runFor(m, 50 * MILLISECOND);
  expect(reached).toBe(false);
  expect(m.tasks.get(1000)?.exitCode ?? task?.exitCode ?? SIGPIPE).toBe(SIGPIPE);
});

test('threads share memory and descriptors; a futex wakes the one that waits', () => {
  const order: string[] = [];
  const m = machineRunning([
    function* (u) {
      const word = u.buffer(16);
      const fd = yield u.openat('/dev/null', 2);
      yield u.thread(function* (v) {
        order.push(`waiter ${v.task.tgid === u.task.tgid}`);
        const status = yield v.call('futex', word, FUTEX_WAIT, 0, 0);
        order.push(`woken ${status} ${(yield v.write(fd, word, 4)) === 4}`);
        return 0;
      });
      yield u.nanosleep(5 * MILLISECOND);
      u.view(word, 4).setInt32(0, 1, true);
      order.push(`wakes ${yield u.call('futex', word, FUTEX_WAKE, 1, 0)}`);
      yield u.nanosleep(5 * MILLISECOND);
      return 0;
    },
  ]);
  runFor(m, 100 * MILLISECOND);
  expect(order).toEqual(['waiter true', 'wakes 1', 'woken 0 true']);
  expect(m.tasks.has(1000)).toBe(false);
});

test('a signal handler runs in the middle of a sleep, which then ends early', () => {
  const seen: unknown[] = [];
  const m = machineRunning([
    function* (u) {
      yield u.onSignal(SIGUSR1, function* (v, signal) {
        seen.push(signal);
        yield v.work(1000);
        return 0;
      });
      seen.push(yield u.nanosleep(500 * MILLISECOND));
      return 0;
    },
    function* (u) {
      yield u.nanosleep(10 * MILLISECOND);
      yield u.call('kill', 1000, SIGUSR1);
      return 0;
    },
  ]);
  runFor(m, 100 * MILLISECOND);
  expect(seen).toEqual([SIGUSR1, -EINTR]);
});
