import type { HandOver } from '../execution/hand-over.ts';
import type { WheelTimer } from '../irq/timer-list.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { structFields } from '../memory/layout.ts';
import type { NetDevice } from './device.ts';
import { HOST_V4 } from './host-addresses.ts';
import { ipAddress } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';
import type { SkBuff } from './skb.ts';

/** include/uapi/linux/neighbour.h */
export const NUD = { none: 0, incomplete: 1, reachable: 2, stale: 4, delay: 8, probe: 16, failed: 32 } as const;
/** States in which packets go out at once. */
export const NUD_CONNECTED = NUD.reachable;
export const NUD_VALID = NUD.reachable | NUD.stale | NUD.delay | NUD.probe;

const NEIGHBOUR = structFields('neighbour', {
  confirmed: 'confirmed',
  updated: 'updated',
  used: 'used',
  probes: 'probes',
  state: 'nud_state',
  type: 'type',
  hardwareAddress: 'ha',
  refcount: 'refcnt',
  device: 'dev',
});
const RTN_UNICAST = 1;
/** Bytes of a key behind the structure. */
const KEY_BYTES = 4;

/** What packets leave for that are not for the machine's own network. */
export const GATEWAY = ipAddress('10.0.2.2');
const ON_LINK_BYTES = 3;

/** struct neighbour: a host on the wire and its hardware address. */
export interface Neighbour extends KernelObject, HandOver {
  readonly ip: IpAddress;
  readonly device: NetDevice;
  state: number;
  /** Of six bytes. */
  hardware: Uint8Array;
  /** Requests that were not answered. */
  probes: number;
  /** When it last showed that it is there, when its entry last changed, and when something was last sent to it. */
  confirmed: number;
  updated: number;
  used: number;
  /** Packets that wait for its address. */
  readonly waiting: SkBuff[];
  timer: WheelTimer | null;
}

/** Who gets a packet for an address first: the host itself, or the router. */
export function nextHop(to: IpAddress): IpAddress {
  for (let i = 0; i < ON_LINK_BYTES; i += 1) if (to.bytes[i] !== HOST_V4.bytes[i]) return GATEWAY;
  return to;
}
export function createNeighbour(m: Machine, device: NetDevice, ip: IpAddress): Neighbour {
  const address = m.arena.allocate(NEIGHBOUR.size + KEY_BYTES, 64);
  m.arena.bytes.set(ip.bytes, address + NEIGHBOUR.size);
  m.arena.bytes[address + NEIGHBOUR.type] = RTN_UNICAST;
  m.words[(address + NEIGHBOUR.refcount) >> 2] = 2;
  storeWord(m.words, address + NEIGHBOUR.device, device);
  return {
    address,
    ip,
    device,
    state: NUD.none,
    hardware: new Uint8Array(HARDWARE_BYTES),
    probes: 0,
    confirmed: 0,
    updated: 0,
    used: 0,
    waiting: [],
    timer: null,
    leftAt: 0,
  };
}
export const HARDWARE_BYTES = 6;
/** Brings the bytes that scripts read up to date. */
export function storeNeighbour({ words, arena }: Machine, n: Neighbour): void {
  const { address } = n;
  for (const field of ['confirmed', 'updated', 'used'] as const) {
    words[(address + NEIGHBOUR[field]) >> 2] = jiffiesOf(n[field]);
    words[(address + NEIGHBOUR[field] + 4) >> 2] = 0;
  }
  arena.bytes[address + NEIGHBOUR.state] = n.state;
  arena.bytes.set(n.hardware, address + NEIGHBOUR.hardwareAddress);
  words[(address + NEIGHBOUR.probes) >> 2] = n.probes;
}
/** Ticks since the boot. */
const jiffiesOf = (ns: number): number => Math.floor(ns / TICK_NS);

/** The hardware address of a host of the simulated network: locally administered, with the host's IP address in it. */
export function hardwareAddressOf(ip: IpAddress): Uint8Array {
  return Uint8Array.of(0x52, 0x55, ...ip.bytes.subarray(0, KEY_BYTES));
}
