import { expect, test } from 'vitest';
import { ethernet } from '../../src/simkernel/devices/e1000e.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { ipAddress } from '../../src/simkernel/net/ip-address.ts';
import { IPPROTO_TCP, NO_BYTES, TCP_ACK, TCP_PSH, TCP_SYN } from '../../src/simkernel/net/packet.ts';
import type { Packet } from '../../src/simkernel/net/packet.ts';
import { Host } from '../../src/simkernel/net/remote/host.ts';
import type { PeerConnection } from '../../src/simkernel/net/remote/tcp-peer.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import { connectTo, listenOn, receive, send, socketAddress } from '../../src/simkernel/programs/sockets.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import { fieldOffset, MILLISECOND, runFor, SECOND } from './support.ts';

const PORT = 9000;
const ADDRESS = '198.51.100.20';
const MTU = 1_500;
const BYTES = 1_000_000;

function machineOnWire(
  main: (u: UserContext) => UserBody,
  start: (m: Machine) => void,
  loss = 0,
  length = 60 * SECOND,
): Machine {
  return createMachine({
    scenario: defineScenario({
      name: 'wire',
      summary: '',
      seed: 12,
      cpus: 2,
      lengthNs: length,
      devices: [ethernet(undefined, { bitsPerSecond: 1e9, latencyNs: 1e6, loss }), { name: 'peer', start }],
      files: [],
      images: [],
      processes: [{ pid: 1000, image: { path: '/usr/bin/program', symbols: ['main'], main } }],
    }),
  });
}
/** Sends so much to whoever connects. */
const serve =
  (bytes: number, known: PeerConnection[] = []) =>
  (m: Machine) =>
    void new Host(m, m.network.wire!, [ipAddress(ADDRESS)], 4e6).serve(PORT, () => ({
      connected(connection) {
        known.push(connection);
        connection.send(NO_BYTES, bytes, m.now());
      },
    }));
/** Reads to the end of so much, with a pause in front. */
const reader = (bytes: number, results: number[], pauseNs = 0) =>
  function* (u: UserContext): UserBody {
    const fd = yield* connectTo(u, socketAddress(u, ADDRESS, PORT));
    if (pauseNs > 0) yield u.nanosleep(pauseNs);
    const buffer = u.buffer(65_536);
    let total = 0;
    while (total < bytes) {
      const size = yield receive(u, fd, buffer, 65_536);
      if (size <= 0) break;
      total += size;
    }
    results.push(total);
    return 0;
  };
function count(m: Machine, name: string): () => number {
  let calls = 0;
  m.attach({ kind: 'kprobe', function: name, offset: 0 }, () => void (calls += 1));
  return () => calls;
}

test('what comes back to back goes up as one buffer: the card sees frames, the network layer up to 64 KiB', () => {
  const results: number[] = [];
  const m = machineOnWire(reader(BYTES, results), serve(BYTES));
  const lengths = { 'net:napi_gro_receive_entry': [] as number[], 'net:netif_receive_skb': [] as number[] };
  for (const event of ['net:napi_gro_receive_entry', 'net:netif_receive_skb'] as const) {
    const at = fieldOffset(event, 'len');
    const [category = '', name = ''] = event.split(':');
    m.attach(
      { kind: 'tracepoint', category, name },
      (record) => void lengths[event].push(m.words[(record + at) >> 2]!),
    );
  }
  runFor(m, 10 * SECOND);
  expect(results).toEqual([BYTES]);
  const [frames, buffers] = [lengths['net:napi_gro_receive_entry'], lengths['net:netif_receive_skb']];
  expect(Math.max(...frames)).toBe(MTU);
  expect(Math.max(...buffers)).toBeGreaterThan(3 * MTU);
  expect(Math.max(...buffers)).toBeLessThan(65_536);
  expect(buffers.length).toBeLessThan(frames.length / 2);
  // Every merged frame loses its 52 bytes of headers and nothing else.
  const sum = (all: readonly number[]): number => all.reduce((total, length) => total + length, 0);
  expect(sum(frames) - sum(buffers)).toBe(52 * (frames.length - buffers.length));
});

test('holes are told of and filled: hardly anything is sent that has arrived', () => {
  const results: number[] = [];
  const m = machineOnWire(reader(BYTES, results), serve(BYTES), 0.02);
  const dropped = count(m, 'sk_skb_reason_drop');
  runFor(m, 30 * SECOND);
  expect(results).toEqual([BYTES]);
  expect(dropped()).toBeLessThan(20);
});

test('selective acknowledgements mark what has arrived, and what was sent well before it is lost', () => {
  const received = { bytes: 0 };
  const m = machineOnWire(
    function* (u) {
      const fd = yield* connectTo(u, socketAddress(u, ADDRESS, PORT));
      const buffer = u.buffer(50_000);
      for (let left = BYTES; left > 0; left -= 50_000) yield send(u, fd, buffer, 50_000);
      yield u.close(fd);
      return 0;
    },
    (machine) =>
      void new Host(machine, machine.network.wire!, [ipAddress(ADDRESS)], 4e6).serve(PORT, () => ({
        received: (_connection, _payload, bytes) => void (received.bytes += bytes),
        closed: (connection) => connection.close(machine.now()),
      })),
    0.03,
  );
  const marked = count(m, 'tcp_sacktag_one');
  const lost = count(m, 'tcp_mark_skb_lost');
  const timeouts = count(m, 'tcp_enter_loss');
  const recoveries = count(m, 'tcp_enter_recovery');
  runFor(m, 20 * SECOND);
  expect(received.bytes).toBe(BYTES);
  expect(marked()).toBeGreaterThan(20);
  expect(lost()).toBeGreaterThan(10);
  expect(recoveries()).toBeGreaterThan(timeouts());
});

test('the end of a message is lost: a probe comes long before the timeout', () => {
  const closed: number[] = [];
  let frames = -Infinity;
  const m = machineOnWire(
    function* (u) {
      const fd = yield* connectTo(u, socketAddress(u, ADDRESS, PORT));
      const buffer = u.buffer(8_000);
      // An answer that comes sooner than any before is taken for one to the first sending.
      for (let i = 0; i < 20; i += 1) {
        yield send(u, fd, buffer, i < 15 ? 100 : 8_000);
        yield u.nanosleep(50 * MILLISECOND);
      }
      frames = 0;
      yield send(u, fd, buffer, 8_000);
      yield u.nanosleep(SECOND);
      return 0;
    },
    (machine) => {
      const wire = machine.network.wire!;
      const host = new Host(machine, wire, [ipAddress(ADDRESS)], 4e6).serve(PORT, () => ({
        received: (connection) => void closed.push(connection.bytesReceived),
      }));
      const inner = host.receive.bind(host);
      // Of the six frames of the last message the two that end it vanish once.
      host.receive = (packet, timeNs) => {
        frames += packet.bytes > 0 ? 1 : 0;
        if (frames < 5 || frames > 6 || packet.bytes === 0) inner(packet, timeNs);
      };
    },
  );
  const probes = count(m, 'tcp_send_loss_probe');
  const timeouts = count(m, 'tcp_enter_loss');
  runFor(m, 2 * SECOND);
  expect(closed.at(-1)).toBe(15 * 100 + 6 * 8_000);
  expect(probes()).toBeGreaterThan(0);
  expect(timeouts()).toBe(0);
});

test.each([40, 200])(
  'who does not read for %d seconds keeps the connection: its closed window is probed',
  (seconds) => {
    const results: number[] = [];
    const bytes = 4_000_000;
    const m = machineOnWire(reader(bytes, results, seconds * SECOND), serve(bytes), 0, 900 * SECOND);
    runFor(m, (seconds + 300) * SECOND);
    expect(results).toEqual([bytes]);
  },
);

test('a peer on the machine that does not read is probed for ever, less and less often', () => {
  const results: number[] = [];
  const m = machineOnWire(
    function* (u) {
      const to = socketAddress(u, '127.0.0.1', PORT);
      const listener = yield* listenOn(u, to, 4);
      yield u.fork(function* (v) {
        const fd = yield* connectTo(v, socketAddress(v, '127.0.0.1', PORT));
        const buffer = v.buffer(65_536);
        for (let left = 2_000_000; left > 0;) {
          const sent = yield send(v, fd, buffer, Math.min(65_536, left));
          if (sent < 0) {
            results.push(sent);
            return 1;
          }
          left -= sent;
        }
        return 0;
      });
      const fd = yield u.call('accept4', listener, 0, 0, 0);
      yield u.nanosleep(400 * SECOND);
      const buffer = u.buffer(65_536);
      let total = 0;
      while (total < 2_000_000) total += yield receive(u, fd, buffer, 65_536);
      results.push(total);
      return 0;
    },
    () => undefined,
    0,
    900 * SECOND,
  );
  const probes = count(m, 'tcp_send_probe0');
  runFor(m, 390 * SECOND);
  expect(probes()).toBeGreaterThan(5);
  expect(probes()).toBeLessThan(20);
  runFor(m, 400 * SECOND);
  expect(results).toEqual([2_000_000]);
});

test('of a segment that comes with some bytes again only the new ones are taken', () => {
  const got: number[] = [];
  const isn = 5_000;
  const m = machineOnWire(
    function* (u) {
      const listener = yield* listenOn(u, socketAddress(u, '0.0.0.0', PORT), 4);
      const fd = yield u.call('accept4', listener, 0, 0, 0);
      yield u.nanosleep(100 * MILLISECOND);
      const buffer = u.buffer(1000);
      const size = yield receive(u, fd, buffer, 1000);
      got.push(...u.bytes(buffer, size));
      return 0;
    },
    (machine) => {
      const wire = machine.network.wire!;
      const to = ipAddress('10.0.2.15');
      const segment = (seq: number, ack: number, flags: number, from = 0, bytes = 0): Packet => ({
        source: ipAddress(ADDRESS),
        destination: to,
        protocol: IPPROTO_TCP,
        sport: 7000,
        dport: PORT,
        seq,
        ack,
        flags,
        window: 65_535,
        bytes,
        payload: Uint8Array.from({ length: bytes }, (_, i) => from + i),
      });
      const host = {
        addresses: [ipAddress(ADDRESS)],
        receive(packet: Packet, timeNs: number) {
          if ((packet.flags & TCP_SYN) === 0) return;
          const ack = packet.seq + 1;
          const first = isn + 1;
          wire.deliver(host, segment(first, ack, TCP_ACK), timeNs);
          wire.deliver(host, segment(first, ack, TCP_ACK | TCP_PSH, 0, 60), timeNs + 1e6);
          wire.deliver(host, segment(first + 40, ack, TCP_ACK | TCP_PSH, 40, 60), timeNs + 2e6);
          // Early, and then what fills the gap and some of what came early.
          wire.deliver(host, segment(first + 120, ack, TCP_ACK | TCP_PSH, 120, 30), timeNs + 3e6);
          wire.deliver(host, segment(first + 90, ack, TCP_ACK | TCP_PSH, 90, 45), timeNs + 4e6);
        },
      };
      wire.addHost(host, 1e6);
      machine.schedule(machine.now() + 5 * MILLISECOND, () =>
        wire.deliver(host, segment(isn, 0, TCP_SYN), machine.now()),
      );
    },
  );
  runFor(m, SECOND);
  expect(got).toEqual(Array.from({ length: 150 }, (_, i) => i));
});
