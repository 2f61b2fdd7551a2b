import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { NetDevice } from './device.ts';

const SKB = structFields('sk_buff', {
  dev: 'dev',
  len: 'len',
  protocol: 'protocol',
  transportHeader: 'transport_header',
  networkHeader: 'network_header',
  macHeader: 'mac_header',
  head: 'head',
  data: 'data',
});
export const ETH_P_IP = 0x0800;
const ETH_HLEN = 14;
const IP_HLEN = 20;
/** Space before the packet (NET_SKB_PAD). */
const HEADROOM = 64;

/** struct sk_buff with one packet, whose bytes are in guest memory behind `head`. */
export interface SkBuff extends KernelObject {
  readonly device: NetDevice & KernelObject;
  readonly head: number;
  readonly size: number;
  len: number;
}

/** What a UDP datagram on the wire says. */
export interface Datagram {
  readonly source: number;
  readonly destination: number;
  readonly port: number;
  readonly bytes: number;
}

/** Copies a datagram from the ring into a buffer of its own; `data` is at the IP header, as eth_type_trans leaves it. */
export function createSkb(m: Machine, device: NetDevice & KernelObject, packet: Datagram): SkBuff {
  const { arena, words } = m;
  const { view } = arena;
  const address = arena.allocate(SKB.size, 64);
  const size = HEADROOM + packet.bytes;
  const head = arena.allocate(size);
  const ip = head + HEADROOM + ETH_HLEN;
  view.setUint16(ip - 2, ETH_P_IP, false);
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, packet.bytes - ETH_HLEN, false);
  view.setUint8(ip + 8, 64);
  view.setUint8(ip + 9, 17);
  view.setUint32(ip + 12, packet.source, false);
  view.setUint32(ip + 16, packet.destination, false);
  view.setUint16(ip + IP_HLEN, 40_000, false);
  view.setUint16(ip + IP_HLEN + 2, packet.port, false);
  view.setUint16(ip + IP_HLEN + 4, packet.bytes - ETH_HLEN - IP_HLEN, false);
  const len = packet.bytes - ETH_HLEN;
  words[(address + SKB.len) >> 2] = len;
  view.setUint16(address + SKB.protocol, ETH_P_IP, false);
  view.setUint16(address + SKB.macHeader, HEADROOM, true);
  view.setUint16(address + SKB.networkHeader, HEADROOM + ETH_HLEN, true);
  view.setUint16(address + SKB.transportHeader, HEADROOM + ETH_HLEN + IP_HLEN, true);
  storeWord(words, address + SKB.dev, device);
  storeWord(words, address + SKB.head, { address: head });
  storeWord(words, address + SKB.data, { address: ip });
  return { address, device, head, size, len };
}
export function freeSkb(m: Machine, skb: SkBuff): void {
  m.arena.free(skb.head, skb.size);
  m.arena.free(skb.address, SKB.size);
}
