import { expect, test } from 'vitest';
import { ethernet } from '../../src/simkernel/devices/e1000e.ts';
import { DROP } from '../../src/simkernel/net/drop-reasons.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { ipAddress } from '../../src/simkernel/net/ip-address.ts';
import { NUD } from '../../src/simkernel/net/neighbour.ts';
import { Host } from '../../src/simkernel/net/remote/host.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import { sendTo, socket, socketAddress } from '../../src/simkernel/programs/sockets.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { SOCK_DGRAM } from '../../src/simkernel/net/sock.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import { fieldOffset, runFor, SECOND, MILLISECOND } from './support.ts';

const FAR = '198.51.100.20';
const NEAR = '10.0.2.9';
const NOBODY = '10.0.2.77';

function machineOnWire(main: (u: UserContext) => UserBody, heard: string[]): Machine {
  return createMachine({
    scenario: defineScenario({
      name: 'wire',
      summary: '',
      seed: 3,
      cpus: 2,
      lengthNs: 90 * SECOND,
      devices: [
        ethernet(),
        {
          name: 'hosts',
          start(m) {
            for (const address of [FAR, NEAR])
              new Host(m, m.network.wire!, [ipAddress(address)], 1e6).serveDatagrams(
                5000,
                () => void heard.push(address),
              );
          },
        },
      ],
      files: [],
      images: [],
      processes: [{ pid: 1000, image: { path: '/usr/bin/program', symbols: ['main'], main } }],
    }),
  });
}
/** Sends datagrams to these, one after the other. */
const sender = (to: readonly string[], pauseNs: number) =>
  function* (u: UserContext): UserBody {
    const buffer = u.buffer(100);
    for (const address of to) {
      const target = socketAddress(u, address, 5000);
      const fd = yield socket(u, target, SOCK_DGRAM);
      yield sendTo(u, fd, buffer, 100, target);
      yield u.close(fd);
      if (pauseNs > 0) yield u.nanosleep(pauseNs);
    }
    return 0;
  };
/** Events of neighbours in their order, with the last byte of the address and the state. */
function events(m: Machine): string[] {
  const seen: string[] = [];
  for (const name of ['neigh_create', 'neigh_update', 'neigh_update_done', 'neigh_event_send_done']) {
    const key = fieldOffset(`neigh:${name}`, 'primary_key4') + 3;
    m.attach({ kind: 'tracepoint', category: 'neigh', name }, (record) => {
      seen.push(`${name.slice('neigh_'.length)} ${m.arena.bytes[record + key]}`);
    });
  }
  return seen;
}

test('the first packet waits for the hardware address of the router, the second does not', () => {
  const heard: string[] = [];
  const m = machineOnWire(sender([FAR, FAR], 0), heard);
  const seen = events(m);
  const lengths: number[] = [];
  const at = fieldOffset('net:net_dev_queue', 'len');
  m.attach({ kind: 'tracepoint', category: 'net', name: 'net_dev_queue' }, (record) => {
    lengths.push(m.words[(record + at) >> 2]!);
  });
  runFor(m, 50 * MILLISECOND);
  expect(seen).toEqual(['create 2', 'event_send_done 2', 'event_send_done 2', 'update 2', 'update_done 2']);
  // The question of 28 bytes, then both datagrams.
  expect(lengths).toEqual([28, 128, 128]);
  expect(heard).toEqual([FAR, FAR]);
  expect(m.network.neighbours.get(ipAddress('10.0.2.2'))).toMatchObject({ state: NUD.reachable });
});

test('hosts of the same network are asked for themselves', () => {
  const heard: string[] = [];
  const m = machineOnWire(sender([NEAR, FAR, NEAR], MILLISECOND), heard);
  const seen = events(m);
  runFor(m, 50 * MILLISECOND);
  expect(seen.filter((event) => event.startsWith('create'))).toEqual(['create 9', 'create 2']);
  expect(heard).toEqual([NEAR, FAR, NEAR]);
});

test('nobody answers: after three questions a second apart what waited is dropped', () => {
  const heard: string[] = [];
  const m = machineOnWire(sender([NOBODY, NOBODY], 0), heard);
  const reasons: number[] = [];
  const at = fieldOffset('skb:kfree_skb', 'reason');
  m.attach({ kind: 'tracepoint', category: 'skb', name: 'kfree_skb' }, (record) => {
    reasons.push(m.words[(record + at) >> 2]!);
  });
  let asked = 0;
  m.attach({ kind: 'kprobe', function: 'arp_solicit', offset: 0 }, () => void (asked += 1));
  runFor(m, 2_500 * MILLISECOND);
  expect(reasons).toEqual([]);
  runFor(m, 2 * SECOND);
  expect(asked).toBe(3);
  expect(reasons).toEqual([DROP.NEIGH_FAILED, DROP.NEIGH_FAILED]);
});

test('an address that was not used for long is asked for again, without a packet that waits', () => {
  const heard: string[] = [];
  const m = machineOnWire(sender([NEAR, NEAR, NEAR], 40 * SECOND), heard);
  runFor(m, 39 * SECOND);
  const n = m.network.neighbours.get(ipAddress(NEAR))!;
  const states = new Set<number>([n.state]);
  m.attach({ kind: 'tracepoint', category: 'neigh', name: 'neigh_timer_handler' }, () => void states.add(n.state));
  runFor(m, 2 * SECOND);
  expect(heard).toEqual([NEAR, NEAR]);
  runFor(m, 8 * SECOND);
  expect([...states].sort((a, b) => a - b)).toContain(NUD.probe);
  expect(n.state).toBe(NUD.reachable);
});
