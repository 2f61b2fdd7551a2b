import { expect, test } from 'vitest';
import { ethernet } from '../../src/simkernel/devices/e1000e.ts';
import { SOFTIRQS } from '../../src/simkernel/functions/kernel/softirq-vectors.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { QdiscKind } from '../../src/simkernel/net/device.ts';
import { sink } from '../../src/simkernel/net/remote/world.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import {
  bind,
  connectTo,
  Epoll,
  listenOn,
  receive,
  send,
  sendTo,
  socket,
  socketAddress,
} from '../../src/simkernel/programs/sockets.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { ECONNREFUSED } from '../../src/simkernel/errno.ts';
import { machineRunning, MILLISECOND, runFor, SECOND } from './support.ts';
import { SOCK_DGRAM } from '../../src/simkernel/net/sock.ts';

/** Sends everything back until the client leaves. */
function echoServer(address: string): (u: UserContext) => UserBody {
  return function* (u) {
    const listener = yield* listenOn(u, socketAddress(u, address, 8080), 16);
    const epoll = new Epoll(u);
    yield* epoll.open();
    yield epoll.add(listener);
    const buffer = u.buffer(65_536);
    for (;;) {
      const count = yield epoll.wait();
      for (let i = 0; i < count; i += 1) {
        const { fd } = epoll.at(i);
        if (fd === listener) {
          yield epoll.add(yield u.call('accept4', listener, 0, 0, 0));
          continue;
        }
        const size = yield u.read(fd, buffer, 65_536);
        if (size > 0) yield u.write(fd, buffer, size);
        else yield u.close(fd);
      }
    }
  };
}

test.each(['127.0.0.1', '::1'])('TCP carries what is written to %s and back, in order', (address) => {
  const results: (number | string)[] = [];
  const m = machineRunning([
    echoServer(address),
    function* (u) {
      yield u.nanosleep(MILLISECOND);
      const fd = yield* connectTo(u, socketAddress(u, address, 8080));
      const buffer = u.buffer(200_000);
      yield send(u, fd, u.string('hello, peer'), 11);
      const size = yield receive(u, fd, buffer, 64);
      results.push(u.text(buffer, size));
      yield send(u, fd, buffer, 200_000);
      let total = 0;
      while (total < 200_000) total += yield receive(u, fd, buffer, 65_536);
      results.push(total);
      yield u.close(fd);
      return 0;
    },
  ]);
  runFor(m, SECOND);
  expect(results).toEqual(['hello, peer', 200_000]);
});

test('nobody at a port: connect is refused at once', () => {
  const results: number[] = [];
  const m = machineRunning([
    function* (u) {
      results.push(yield* connectTo(u, socketAddress(u, '127.0.0.1', 99)));
      return 0;
    },
  ]);
  runFor(m, 50 * MILLISECOND);
  expect(results).toEqual([-ECONNREFUSED]);
});

test('closed sockets leave no memory behind', () => {
  const used: number[] = [];
  const m = machineRunning([
    echoServer('127.0.0.1'),
    function* (u) {
      yield u.nanosleep(MILLISECOND);
      const to = socketAddress(u, '127.0.0.1', 8080);
      const buffer = u.buffer(64);
      for (;;) {
        const fd = yield* connectTo(u, to);
        yield send(u, fd, buffer, 64);
        yield receive(u, fd, buffer, 64);
        yield u.close(fd);
        yield u.nanosleep(MILLISECOND);
      }
    },
  ]);
  for (let i = 0; i < 3; i += 1) {
    runFor(m, 200 * MILLISECOND);
    used.push(m.arena.heapBytes());
  }
  expect(used[2]! - used[1]!).toBeLessThan(20_000);
});

test('datagrams keep their boundaries and wait for who reads late', () => {
  const sizes: number[] = [];
  const m = machineRunning([
    function* (u) {
      const address = socketAddress(u, '127.0.0.1', 5000);
      const fd = yield socket(u, address, SOCK_DGRAM);
      yield bind(u, fd, address);
      const buffer = u.buffer(2000);
      yield u.nanosleep(20 * MILLISECOND);
      for (let i = 0; i < 3; i += 1) sizes.push(yield receive(u, fd, buffer, 2000));
      return 0;
    },
    function* (u) {
      yield u.nanosleep(5 * MILLISECOND);
      const address = socketAddress(u, '127.0.0.1', 5000);
      const fd = yield socket(u, address, SOCK_DGRAM);
      const buffer = u.buffer(2000);
      for (const size of [10, 1400, 1]) yield sendTo(u, fd, buffer, size, address);
      return 0;
    },
  ]);
  runFor(m, 100 * MILLISECOND);
  expect(sizes).toEqual([10, 1400, 1]);
});

test('a local stream socket tells its reader of the end', () => {
  const results: (number | string)[] = [];
  const m = machineRunning([
    function* (u) {
      const listener = yield* listenOn(u, socketAddress(u, '/run/test.sock'), 5);
      const fd = yield u.call('accept4', listener, 0, 0, 0);
      const buffer = u.buffer(100);
      for (;;) {
        const size = yield u.read(fd, buffer, 100);
        results.push(size > 0 ? u.text(buffer, size) : size);
        if (size <= 0) return 0;
      }
    },
    function* (u) {
      yield u.nanosleep(MILLISECOND);
      const fd = yield* connectTo(u, socketAddress(u, '/run/test.sock'));
      yield u.write(fd, u.string('one'), 3);
      yield u.nanosleep(MILLISECOND);
      yield u.close(fd);
      return 0;
    },
  ]);
  runFor(m, 100 * MILLISECOND);
  expect(results).toEqual(['one', 0]);
});

const HOST = '198.51.100.20';
/** A machine at a wire with one host, which answers echoes and takes what it is sent. */
function machineAtWire(queues: readonly QdiscKind[], main: (u: UserContext) => UserBody): Machine {
  return createMachine({
    scenario: defineScenario({
      name: 'wire',
      summary: '',
      seed: 3,
      cpus: 2,
      lengthNs: SECOND,
      devices: [
        ethernet(undefined, undefined, queues),
        sink([HOST, '2001:db8::20'], 2 * MILLISECOND, { open: [9000] }),
      ],
      files: [],
      images: [],
      processes: [{ pid: 1000, image: { path: '/usr/bin/program', symbols: ['main'], main } }],
    }),
  });
}

test('a token bucket lets no more out than its rate and its burst, and the NET_TX softirq sends the rest', () => {
  const m = machineAtWire(['tbf'], function* (u) {
    const to = socketAddress(u, HOST, 9000);
    const fd = yield socket(u, to, SOCK_DGRAM);
    const buffer = u.buffer(1400);
    // Only so many packets may wait for a hardware address.
    yield sendTo(u, fd, buffer, 1400, to);
    yield u.nanosleep(2 * MILLISECOND);
    for (let i = 0; i < 600; i += 1) yield sendTo(u, fd, buffer, 1400, to);
    return 0;
  });
  runFor(m, 1);
  const start = m.now();
  const { stats } = m.netDevices.find(({ name }) => name === 'eth0')!;
  const atOnce: number[] = [];
  for (const ms of [22, 82, 173]) {
    runFor(m, start + ms * MILLISECOND - m.now());
    const elapsed = m.now() - start;
    expect(stats.txBytes).toBeLessThanOrEqual(16_384 + (5 * elapsed) / 1000);
    atOnce.push(stats.txBytes);
  }
  // 40 Mbit/s, so that 600 packets take 170 ms.
  expect(atOnce[1]! - atOnce[0]!).toBeGreaterThan(0.95 * 60 * 5_000);
  expect(stats.txPackets).toBeGreaterThan(570);
  expect(m.softirqCounts[SOFTIRQS.indexOf('NET_TX')]!.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(500);
});

test.each([HOST, '2001:db8::20'])('an echo of %s comes back to the socket that asked, with its sequence', (host) => {
  const answers: (number | string)[] = [];
  const m = machineAtWire(['fq_codel'], function* (u) {
    const to = socketAddress(u, host);
    const isV6 = host.includes(':');
    const asking = yield u.call('socket', to.family, SOCK_DGRAM, isV6 ? 58 : 1);
    const other = yield u.call('socket', to.family, SOCK_DGRAM, isV6 ? 58 : 1);
    const echo = u.buffer(64);
    for (const [sequence, fd] of [
      [7, asking],
      [8, other],
    ] as const) {
      u.bytes(echo, 64)
        .fill(0)
        .set([isV6 ? 128 : 8, 0, 0, 0, 0, 0, 0, sequence]);
      u.bytes(echo, 64).set([104, 105], 16);
      yield sendTo(u, fd, echo, 64, to);
    }
    const size = yield receive(u, asking, echo, 64);
    answers.push(size, u.bytes(echo, 64)[0]!, u.bytes(echo, 64)[7]!, u.text(echo + 16, 2));
    return 0;
  });
  runFor(m, 50 * MILLISECOND);
  expect(answers).toEqual([64, host.includes(':') ? 129 : 0, 7, 'hi']);
});
