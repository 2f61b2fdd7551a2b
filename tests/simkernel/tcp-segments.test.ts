import { expect, test } from 'vitest';
import { ethernet } from '../../src/simkernel/devices/e1000e.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { QdiscKind } from '../../src/simkernel/net/device.ts';
import { cutPacket } from '../../src/simkernel/net/gso.ts';
import { ipAddress } from '../../src/simkernel/net/ip-address.ts';
import { NO_BYTES, TCP_ACK, TCP_FIN, TCP_PSH, udpPacket } from '../../src/simkernel/net/packet.ts';
import { Host } from '../../src/simkernel/net/remote/host.ts';
import {
  connectTo,
  Epoll,
  listenOn,
  receive,
  send,
  socketAddress,
  SOCK_NONBLOCK,
} from '../../src/simkernel/programs/sockets.ts';
import { EPOLL } from '../../src/simkernel/functions/fs/poll-events.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { SO_RCVBUF, SOL_SOCKET } from '../../src/simkernel/net/socket-options.ts';
import { machineRunning, MILLISECOND, runFor, SECOND } from './support.ts';

const PORT = 9000;
const V4 = '198.51.100.20';
const V6 = '2001:db8::20';
const BYTES = 1_500_000;
const CHUNK = 60_000;
const MTU = 1_500;

interface Peer {
  readonly m: Machine;
  /** Bytes that came, and connections that were closed in an orderly way. */
  received: number;
  closed: number;
}
/** A machine with one program, and a host 4 ms away that takes what it is sent. */
function machineWithPeer(main: (u: UserContext) => UserBody, options: { loss?: number; queue?: QdiscKind } = {}): Peer {
  const state = { received: 0, closed: 0 };
  const m = createMachine({
    scenario: defineScenario({
      name: 'wire',
      summary: '',
      seed: 5,
      cpus: 2,
      lengthNs: 60 * SECOND,
      devices: [
        ethernet(undefined, { bitsPerSecond: 1e9, latencyNs: 1e6, loss: options.loss ?? 0 }, [
          options.queue ?? 'fq_codel',
        ]),
        {
          name: 'peer',
          start(machine) {
            new Host(machine, machine.network.wire!, [ipAddress(V4), ipAddress(V6)], 4e6).serve(PORT, () => ({
              received: (_connection, _payload, bytes) => void (state.received += bytes),
              closed(connection) {
                state.closed += 1;
                connection.close(machine.now());
              },
            }));
          },
        },
      ],
      files: [],
      images: [],
      processes: [{ pid: 1000, image: { path: '/usr/bin/program', symbols: ['main'], main } }],
    }),
  });
  return Object.assign(state, { m });
}
function calls(m: Machine, name: string): () => number {
  let count = 0;
  m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => void (count += 1));
  return () => count;
}
/** Writes BYTES to the peer and closes. */
const sender = (host: string) =>
  function* (u: UserContext): UserBody {
    const fd = yield* connectTo(u, socketAddress(u, host, PORT));
    const buffer = u.buffer(CHUNK);
    for (let sent = 0; sent < BYTES;) sent += yield send(u, fd, buffer, Math.min(CHUNK, BYTES - sent));
    yield u.close(fd);
    return 0;
  };

test.each([
  [V4, 0, 'fq_codel'],
  [V6, 0, 'fq_codel'],
  [V4, 0.02, 'fq_codel'],
  [V6, 0.02, 'fq'],
  [V4, 0, 'tbf'],
] as const)(
  'a long write to %s with a loss of %d through %s comes whole, in frames of the MTU',
  (host, loss, queue) => {
    const peer = machineWithPeer(sender(host), { loss, queue });
    const { m } = peer;
    const handed = calls(m, 'e1000_xmit_frame');
    const again = calls(m, 'tcp_retransmit_skb');
    runFor(m, 1);
    const { stats } = m.netDevices.find(({ name }) => name === 'eth0')!;
    const steps: number[] = [];
    for (let i = 0; i < 40 && peer.closed === 0; i += 1) {
      const before = { ...stats };
      runFor(m, 500 * MILLISECOND);
      const packets = stats.txPackets - before.txPackets;
      if (packets > 0) steps.push((stats.txBytes - before.txBytes) / packets);
    }
    expect(peer).toMatchObject({ received: BYTES, closed: 1 });
    expect(Math.max(...steps)).toBeLessThanOrEqual(MTU + 14);
    // With a shaper whose burst is smaller, the CPU cuts; else the card does.
    if (queue !== 'tbf') expect(handed()).toBeLessThan(stats.txPackets);
    expect(again() > 0).toBe(loss > 0);
  },
);

test('one frame in twenty is lost: holes are filled by fast retransmission, and what waited behind them measures no round trip', () => {
  const peer = machineWithPeer(sender(V4), { loss: 0.05 });
  const timeouts = calls(peer.m, 'tcp_enter_loss');
  runFor(peer.m, 20 * SECOND);
  expect(peer).toMatchObject({ received: BYTES, closed: 1 });
  expect(timeouts()).toBeLessThan(12);
});

test('who has said that he sends no more still sleeps until the peer answers', () => {
  const got: number[] = [];
  const peer = machineWithPeer(function* (u) {
    const fd = yield* connectTo(u, socketAddress(u, V4, PORT));
    const buffer = u.buffer(100);
    yield send(u, fd, buffer, 100);
    yield u.call('shutdown', fd, 1);
    got.push(yield receive(u, fd, buffer, 100));
    yield u.close(fd);
    return 0;
  });
  const waited = calls(peer.m, 'sk_wait_data');
  runFor(peer.m, SECOND);
  expect(got).toEqual([0]);
  expect(waited()).toBe(1);
  expect(peer).toMatchObject({ received: 100, closed: 1 });
});

test('acknowledgements are for two segments or more once the connection is under way', () => {
  const peer = machineWithPeer(sender(V4));
  const received = calls(peer.m, 'tcp_ack');
  runFor(peer.m, 5 * SECOND);
  expect(peer.closed).toBe(1);
  const frames = BYTES / (MTU - 52);
  expect(received()).toBeLessThan(frames / 2 + 20);
  expect(received()).toBeGreaterThan(20);
});

test('who finds the send buffer full is woken when a third of it is free, not for every acknowledgement', () => {
  const sizes: number[] = [];
  const peer = machineWithPeer(function* (u) {
    const fd = yield* connectTo(u, socketAddress(u, V4, PORT));
    yield u.call('fcntl', fd, 4, SOCK_NONBLOCK);
    const epoll = new Epoll(u);
    yield* epoll.open();
    yield epoll.add(fd, EPOLL.OUT);
    const buffer = u.buffer(CHUNK * 8);
    for (let left = BYTES; left > 0;) {
      yield epoll.wait();
      const sent = yield send(u, fd, buffer, Math.min(left, CHUNK * 8));
      if (sent < 0) continue;
      sizes.push(sent);
      left -= sent;
    }
    yield u.close(fd);
    return 0;
  });
  runFor(peer.m, 5 * SECOND);
  expect(peer).toMatchObject({ received: BYTES, closed: 1 });
  // sk_sndbuf is 262,144; the last write is what is left.
  expect(Math.min(...sizes.slice(1, -1))).toBeGreaterThanOrEqual(262_144 / 3 - 1_448);
});

test('small writes that wait for an acknowledgement go out together', () => {
  const peer = machineWithPeer(function* (u) {
    const fd = yield* connectTo(u, socketAddress(u, V4, PORT));
    const buffer = u.buffer(100);
    for (let i = 0; i < 10; i += 1) yield send(u, fd, buffer, 100);
    yield u.nanosleep(100 * MILLISECOND);
    yield u.close(fd);
    return 0;
  });
  const handed = calls(peer.m, '__tcp_transmit_skb');
  runFor(peer.m, SECOND);
  expect(peer.received).toBe(1000);
  // SYN, ACK, the first write, the other nine in one, FIN, the last ACK.
  expect(handed()).toBe(6);
});

test('the packets of a long segment follow on each other; the last says that it ends', () => {
  const packet = {
    ...udpPacket(
      ipAddress('10.0.2.15'),
      1,
      ipAddress(V4),
      2,
      Uint8Array.from({ length: 1500 }, (_, i) => i & 255),
      3000,
    ),
    seq: 1000,
    flags: TCP_ACK | TCP_PSH | TCP_FIN,
  };
  const packets = cutPacket(packet, 1448);
  expect(packets.map(({ seq, bytes, flags }) => [seq, bytes, flags])).toEqual([
    [1000, 1448, TCP_ACK],
    [2448, 1448, TCP_ACK],
    [3896, 104, TCP_ACK | TCP_PSH | TCP_FIN],
  ]);
  expect(packets.map(({ payload }) => payload.length)).toEqual([1448, 52, 0]);
  expect(packets[2]!.payload).toEqual(NO_BYTES);
});

test('a window that is smaller than what is written lets parts of it through', () => {
  let received = 0;
  const m = machineRunning([
    function* (u) {
      const listener = yield* listenOn(u, socketAddress(u, '127.0.0.1', PORT), 4);
      const size = u.buffer(4);
      u.view(size, 4).setInt32(0, 4096, true);
      yield u.call('setsockopt', listener, SOL_SOCKET, SO_RCVBUF, size, 4);
      const fd = yield u.call('accept4', listener, 0, 0, 0);
      yield u.call('setsockopt', fd, SOL_SOCKET, SO_RCVBUF, size, 4);
      const buffer = u.buffer(50_000);
      for (;;) {
        yield u.nanosleep(20 * MILLISECOND);
        const n = yield receive(u, fd, buffer, 50_000);
        if (n <= 0) return 0;
        received += n;
      }
    },
    function* (u) {
      yield u.nanosleep(MILLISECOND);
      const fd = yield* connectTo(u, socketAddress(u, '127.0.0.1', PORT));
      yield send(u, fd, u.buffer(50_000), 50_000);
      yield u.close(fd);
      return 0;
    },
  ]);
  runFor(m, 30 * SECOND);
  expect(received).toBe(50_000);
});
