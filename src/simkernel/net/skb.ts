import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { KERNEL_HIGH, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { NetDevice } from './device.ts';
import { AF_INET } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';
import { ARP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from './packet.ts';
import type { Packet, SackBlock } from './packet.ts';

const SKB = structFields('sk_buff', {
  dev: 'dev',
  sk: 'sk',
  len: 'len',
  dataLen: 'data_len',
  protocol: 'protocol',
  transportHeader: 'transport_header',
  networkHeader: 'network_header',
  macHeader: 'mac_header',
  head: 'head',
  data: 'data',
  truesize: 'truesize',
  users: 'users',
});
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_ARP = 0x0806;
const ETH_HLEN = 14;
const IP_HLEN = 20;
const IPV6_HLEN = 40;
/** With the timestamp option. */
const TCP_HLEN = 32;
const UDP_HLEN = 8;
export const ICMP_HLEN = 8;
/** Space before the packet (NET_SKB_PAD). */
const HEADROOM = 64;
/** What the kernel accounts for a buffer beside its data: struct sk_buff and struct skb_shared_info. */
const OVERHEAD = 576;

/** Anything that owns buffers. */
export type SkbOwner = KernelObject & { readonly family: number };

/** The bytes that an sk_buff leads to (skb->head), shared by clones: the last one gives them back. */
export interface SkbHead extends KernelObject {
  readonly source: 'skbuff_small_head' | 'kmalloc' | 'page';
  readonly object: KernelObject;
  /** How many of them are in guest memory. */
  readonly kept: number;
  references: number;
}
/** struct sk_buff_fclones: a buffer and room for one clone of it in one object. */
export interface SkbFclones extends KernelObject {
  references: number;
  isCloneFree: boolean;
}
/** Where an sk_buff lies, and what goes with it. */
export interface SkbMemory extends KernelObject {
  readonly head: SkbHead;
  readonly fclones: SkbFclones | null;
  /** Of a clone: its own headers, which on Linux lie in front of those of the original. */
  readonly headers: { readonly address: number; readonly size: number } | null;
  /** What the clone that is made next has of them. */
  cloneBytes: number;
}

/** struct sk_buff with one packet, or with the bytes of a local socket. */
export interface SkBuff extends KernelObject {
  device: NetDevice | null;
  owner: SkbOwner | null;
  readonly memory: SkbMemory;
  readonly protocol: number;
  packet: Packet;
  /** Length from `data` on. */
  len: number;
  truesize: number;
  /** skb_shinfo()->gso_size: bytes of each packet that the card cuts this one into, or that it was made of; 0: it is one. */
  gsoSize: number;
  /** Bytes that a reader has taken. */
  taken: number;
}

const HEADER_BYTES: { readonly [protocol: number]: number } = {
  [IPPROTO_TCP]: TCP_HLEN,
  [IPPROTO_UDP]: UDP_HLEN,
  [IPPROTO_ICMP]: ICMP_HLEN,
  [IPPROTO_ICMPV6]: ICMP_HLEN,
};
/** Selective acknowledgements come as an option, padded to words. */
function transportHeaderBytes({ protocol, sack }: Packet): number {
  return (HEADER_BYTES[protocol] ?? 0) + (sack === undefined ? 0 : SACK_OPTION + SACK_BLOCK * sack.length);
}
/** For Ethernet and IPv4. */
const ARP_LENGTH = 28;
const SACK_OPTION = 4;
const SACK_BLOCK = 8;
/** Length of a packet with its IP header. */
export function packetLength(packet: Packet): number {
  if (packet.protocol === ARP) return ARP_LENGTH;
  const ip = packet.source.family === AF_INET ? IP_HLEN : IPV6_HLEN;
  return ip + transportHeaderBytes(packet) + packet.bytes;
}
/** On the wire: with the Ethernet header. */
export function frameLength(packet: Packet): number {
  return ETH_HLEN + packetLength(packet);
}

function storeHeapAddress(words: Int32Array, at: number, address: number): void {
  words[at >> 2] = address;
  words[(at >> 2) + 1] = KERNEL_HIGH;
}

/** Bytes of a packet that are in guest memory: headers, and what is kept of its data. */
export function keptBytes(packet: Packet): number {
  return HEADROOM + frameLength(packet) - packet.bytes + packet.payload.length;
}
/** Fills a buffer with a packet's headers and what is kept of its data; `data` is at the IP header. */
export function fillSkb(
  m: Machine,
  memory: SkbMemory,
  device: NetDevice | null,
  packet: Packet,
  owner: SkbOwner | null,
): SkBuff {
  if (packet.protocol === ARP) return fillArp(m, memory, device, packet);
  const { arena, words } = m;
  const { view } = arena;
  const isV4 = packet.source.family === AF_INET;
  const ipLength = isV4 ? IP_HLEN : IPV6_HLEN;
  const headerLength = transportHeaderBytes(packet);
  const len = ipLength + headerLength + packet.bytes;
  const { address } = memory;
  const head = memory.headers?.address ?? memory.head.address;
  const network = HEADROOM + ETH_HLEN;
  const transport = network + ipLength;
  const protocol = isV4 ? ETH_P_IP : ETH_P_IPV6;
  view.setUint16(head + network - 2, protocol, false);
  if (isV4) storeIpHeader(view, arena.bytes, head + network, packet, len);
  else storeIpv6Header(view, arena.bytes, head + network, packet, len - IPV6_HLEN);
  storeTransportHeader(view, head + transport, packet, headerLength);
  if (packet.payload.length > 0) arena.bytes.set(packet.payload, head + transport + headerLength);
  words[(address + SKB.len) >> 2] = len;
  words[(address + SKB.dataLen) >> 2] = packet.bytes - packet.payload.length;
  view.setUint16(address + SKB.protocol, protocol, false);
  view.setUint16(address + SKB.macHeader, HEADROOM, true);
  view.setUint16(address + SKB.networkHeader, network, true);
  view.setUint16(address + SKB.transportHeader, transport, true);
  const truesize = OVERHEAD + packet.bytes + HEADROOM;
  words[(address + SKB.truesize) >> 2] = truesize;
  words[(address + SKB.users) >> 2] = 1;
  if (device !== null) storeWord(words, address + SKB.dev, device);
  if (owner !== null) storeWord(words, address + SKB.sk, owner);
  storeHeapAddress(words, address + SKB.head, head);
  storeHeapAddress(words, address + SKB.data, head + network);
  return { address, device, owner, memory, protocol, packet, len, truesize, gsoSize: 0, taken: 0 };
}

/** struct arphdr and what follows it: hardware and protocol, the operation, then who asks and who is asked for. */
function fillArp(m: Machine, memory: SkbMemory, device: NetDevice | null, packet: Packet): SkBuff {
  const { arena, words } = m;
  const { view, bytes } = arena;
  const { address, head } = memory;
  const network = HEADROOM + ETH_HLEN;
  const at = head.address + network;
  bytes.fill(0, at, at + ARP_LENGTH);
  view.setUint16(at - 2, ETH_P_ARP, false);
  view.setUint16(at, 1, false);
  view.setUint16(at + 2, ETH_P_IP, false);
  view.setUint16(at + 4, 0x0604, false);
  view.setUint16(at + 6, packet.sport, false);
  storeAddress(bytes, at + 14, packet.source);
  storeAddress(bytes, at + 24, packet.destination);
  words[(address + SKB.len) >> 2] = ARP_LENGTH;
  view.setUint16(address + SKB.protocol, ETH_P_ARP, false);
  view.setUint16(address + SKB.macHeader, HEADROOM, true);
  view.setUint16(address + SKB.networkHeader, network, true);
  view.setUint16(address + SKB.transportHeader, network + ARP_LENGTH, true);
  const truesize = OVERHEAD + HEADROOM;
  words[(address + SKB.truesize) >> 2] = truesize;
  words[(address + SKB.users) >> 2] = 1;
  if (device !== null) storeWord(words, address + SKB.dev, device);
  storeHeapAddress(words, address + SKB.head, head.address);
  storeHeapAddress(words, address + SKB.data, at);
  const parts = { address, device, owner: null, memory, packet, truesize };
  return { ...parts, protocol: ETH_P_ARP, len: ARP_LENGTH, gsoSize: 0, taken: 0 };
}

/** What `data` points to, as far as it is kept. */
export function dataBytes(m: Machine, { address, len, packet }: SkBuff): Uint8Array {
  const data = m.words[(address + SKB.data) >> 2]!;
  return m.arena.bytes.subarray(data, data + len - (packet.bytes - packet.payload.length));
}

/** skb_copy_bits() from `data` on; what the machine does not keep of a packet is zeroes. */
export function packetData(m: Machine, low: number, high: number, size: number): Uint8Array | undefined {
  const skb = m.arena.kernelAddress(low, high, SKB.size);
  if (skb < 0 || size > m.words[(skb + SKB.len) >> 2]!) return undefined;
  const linear = Math.min(size, m.words[(skb + SKB.len) >> 2]! - m.words[(skb + SKB.dataLen) >> 2]!);
  const [dataLow, dataHigh] = [m.words[(skb + SKB.data) >> 2]!, m.words[(skb + SKB.data + 4) >> 2]!];
  const data = m.arena.kernelAddress(dataLow, dataHigh, linear);
  const packet = new Uint8Array(size);
  if (data >= 0) packet.set(m.arena.bytes.subarray(data, data + linear));
  return packet;
}

function storeIpHeader(view: DataView, bytes: Uint8Array, at: number, packet: Packet, length: number): void {
  view.setUint8(at, 0x45);
  view.setUint16(at + 2, length, false);
  view.setUint16(at + 6, 0x4000, false); // don't fragment
  view.setUint8(at + 8, 64);
  view.setUint8(at + 9, packet.protocol);
  storeAddress(bytes, at + 12, packet.source);
  storeAddress(bytes, at + 16, packet.destination);
}
function storeIpv6Header(view: DataView, bytes: Uint8Array, at: number, packet: Packet, length: number): void {
  view.setUint8(at, 0x60);
  view.setUint16(at + 4, length, false);
  view.setUint8(at + 6, packet.protocol);
  view.setUint8(at + 7, 64);
  storeAddress(bytes, at + 8, packet.source);
  storeAddress(bytes, at + 24, packet.destination);
}
/** A loop: for so few bytes `set` costs more than the rest of the header. */
function storeAddress(bytes: Uint8Array, at: number, { bytes: from }: IpAddress): void {
  for (let i = 0; i < from.length; i += 1) bytes[at + i] = from[i]!;
}
function storeTransportHeader(view: DataView, at: number, packet: Packet, headerLength: number): void {
  if (packet.protocol === IPPROTO_ICMP || packet.protocol === IPPROTO_ICMPV6) {
    view.setUint8(at, packet.sport);
    view.setUint8(at + 1, packet.dport);
    view.setUint16(at + 4, packet.ack & 0xffff, false);
    view.setUint16(at + 6, packet.seq & 0xffff, false);
    return;
  }
  view.setUint16(at, packet.sport, false);
  view.setUint16(at + 2, packet.dport, false);
  if (packet.protocol === IPPROTO_UDP) {
    view.setUint16(at + 4, headerLength + packet.bytes, false);
    return;
  }
  view.setUint32(at + 4, packet.seq % 4294967296, false);
  view.setUint32(at + 8, packet.ack % 4294967296, false);
  view.setUint8(at + 12, (headerLength / 4) << 4);
  view.setUint8(at + 13, packet.flags);
  view.setUint16(at + 14, Math.min(65535, packet.window >> 7), false);
  if (packet.sack !== undefined) storeSack(view, at + TCP_HLEN, packet.sack);
}
/** Two bytes of padding, kind and length, then the blocks. */
function storeSack(view: DataView, at: number, blocks: readonly SackBlock[]): void {
  view.setUint32(at, 0x01010500 + 2 + SACK_BLOCK * blocks.length, false);
  blocks.forEach(([start, end], i) => {
    view.setUint32(at + SACK_OPTION + SACK_BLOCK * i, start % 4294967296, false);
    view.setUint32(at + SACK_OPTION + SACK_BLOCK * i + 4, end % 4294967296, false);
  });
}

/** A buffer of a local socket: its data lies at `data` and nothing before it. */
export function fillDataSkb(m: Machine, memory: SkbMemory, owner: SkbOwner, packet: Packet): SkBuff {
  const { arena, words } = m;
  const { address } = memory;
  const head = memory.head.address;
  arena.bytes.set(packet.payload, head);
  const truesize = OVERHEAD + packet.bytes;
  words[(address + SKB.len) >> 2] = packet.bytes;
  words[(address + SKB.truesize) >> 2] = truesize;
  words[(address + SKB.users) >> 2] = 1;
  storeWord(words, address + SKB.sk, owner);
  storeWord(words, address + SKB.head, { address: head });
  storeWord(words, address + SKB.data, { address: head });
  return {
    address,
    device: null,
    owner,
    memory,
    protocol: 0,
    packet,
    len: packet.bytes,
    truesize,
    gsoSize: 0,
    taken: 0,
  };
}

/** What a buffer holds goes behind what another one does: one packet for both, whose rest is counted as fragments. */
export function appendPacket(m: Machine, to: SkBuff, { packet: next, truesize }: SkBuff): void {
  const { words, arena } = m;
  const { packet, address } = to;
  if (to.gsoSize === 0) to.gsoSize = packet.bytes;
  to.packet = { ...packet, bytes: packet.bytes + next.bytes, flags: packet.flags | next.flags, window: next.window };
  to.len += next.bytes;
  to.truesize += truesize;
  words[(address + SKB.len) >> 2] = to.len;
  words[(address + SKB.dataLen) >> 2] = to.packet.bytes - to.packet.payload.length;
  words[(address + SKB.truesize) >> 2] = to.truesize;
  const network = words[(address + SKB.data) >> 2]!;
  if (packet.source.family === AF_INET) arena.view.setUint16(network + IP_TOTAL_LENGTH, to.len, false);
  else arena.view.setUint16(network + IPV6_PAYLOAD_LENGTH, to.len - IPV6_HLEN, false);
}
const IP_TOTAL_LENGTH = 2;
const IPV6_PAYLOAD_LENGTH = 4;

/** skb_pull(): `data` moves behind the headers, to the bytes that the user gets, which may begin with some of them. */
export function pullHeaders(m: Machine, skb: SkBuff, kept = 0): void {
  const { packet } = skb;
  const headers = skb.len - packet.bytes - kept;
  const data = m.words[(skb.address + SKB.data) >> 2]! + headers;
  skb.len = packet.bytes + kept;
  m.words[(skb.address + SKB.len) >> 2] = skb.len;
  m.words[(skb.address + SKB.data) >> 2] = data;
}
/** skb_set_owner_*(), skb_orphan(). */
export function setSkbOwner(m: Machine, skb: SkBuff, owner: SkbOwner | null): void {
  skb.owner = owner;
  storeWord(m.words, skb.address + SKB.sk, owner);
}
