import { kernelFunction } from '../../execution/kernel-function.ts';
import { returnAddress } from '../../execution/return-address.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import type { NetDevice } from '../../net/device.ts';
import type { Packet } from '../../net/packet.ts';
import { fillDataSkb, fillSkb, keptBytes, packetLength } from '../../net/skb.ts';
import type { SkbHead, SkBuff, SkbMemory, SkbOwner } from '../../net/skb.ts';
import { GFP_ATOMIC, GFP_KERNEL } from '../mm/gfp.ts';
import { fcloneBytes } from './skb-free.ts';
import { cacheAlloc, cacheAllocNode, kmallocTrackCaller } from '../mm/slab.ts';
import { NUMA_NO_NODE } from '../../memory/zone.ts';

/* net/core/skbuff.c: where buffers come from. */

const SKB = structFields('sk_buff', {});
/** Flags of __alloc_skb(): room for a clone behind the buffer; for a packet that comes in. */
const SKB_ALLOC_FCLONE = 1;
const SKB_ALLOC_RX = 2;
/** What a driver or a protocol puts in front of a packet, and sizeof(struct skb_shared_info) behind it. */
const HEADROOM = 64;
const SHARED_INFO = 320;
const SMP_CACHE_BYTES = 64;
/** Heads up to this size come from a cache of their own. */
const SMALL_HEAD = 704;
/** MAX_TCP_HEADER: segments have their data in pages. */
const MAX_TCP_HEADER = 320;

/** A head with room for `size` bytes, of which those at the front are in guest memory that anybody looks at. */
const kmallocReserve = kernelFunction(
  'kmalloc_reserve',
  20,
  (m, wanted: KernelObject & { readonly bytes: number }, flags: number, node: number, _skb: KernelObject): SkbHead => {
    const size = Math.ceil(wanted.bytes / SMP_CACHE_BYTES) * SMP_CACHE_BYTES + SHARED_INFO;
    if (size > SMALL_HEAD) {
      const object = kmallocTrackCaller(m, size, null, flags, node, returnAddress(m));
      return { address: object.address, source: 'kmalloc', object, kept: 0, references: 1 };
    }
    const kept = keptOf(wanted.bytes);
    const object = { address: m.arena.allocate(kept) };
    cacheAllocNode(m, 'skbuff_small_head', object, flags, node);
    return { address: object.address, source: 'skbuff_small_head', object, kept, references: 1 };
  },
);
/** Of a head with room for so much: what is in guest memory, with an Ethernet header, and no more than is kept of any packet. */
function keptOf(bytes: number): number {
  return Math.max(SMP_CACHE_BYTES, Math.min(bytes + ETHERNET_ROOM, MOST_KEPT));
}
const ETHERNET_ROOM = 16;
const MOST_KEPT = 1664;
const allocSkbFunction = kernelFunction(
  '__alloc_skb',
  50,
  (m, size: number, gfp: number, flags: number, node: number): SkbMemory => {
    const isPair = (flags & SKB_ALLOC_FCLONE) !== 0;
    const bytes = isPair ? fcloneBytes() : SKB.size;
    const skb = { address: m.arena.allocate(bytes, SMP_CACHE_BYTES) };
    cacheAllocNode(m, isPair ? 'skbuff_fclone_cache' : 'skbuff_head_cache', skb, gfp, node);
    const head = kmallocReserve(m, { address: m.scratch, bytes: size }, gfp, node, skb);
    const fclones = isPair ? { address: skb.address, references: 1, isCloneFree: true } : null;
    return { address: skb.address, head, fclones, headers: null, cloneBytes: 0 };
  },
);
/** alloc_skb() */
function allocSkb(m: Machine, size: number, gfp: number): SkbMemory {
  return allocSkbFunction(m, size, gfp, 0, NUMA_NO_NODE);
}

/** alloc_skb() for a packet of the machine's own, with headers and data. */
export function createSkb(m: Machine, device: NetDevice | null, packet: Packet, owner: SkbOwner | null = null): SkBuff {
  const memory = allocSkb(m, HEADROOM + packetLength(packet), owner === null ? GFP_ATOMIC : GFP_KERNEL);
  return fillSkb(m, memory, device, packet, owner);
}
/** The buffer of a message of a local socket. */
export function createDataSkb(m: Machine, owner: SkbOwner, packet: Packet): SkBuff {
  return fillDataSkb(m, allocSkb(m, packet.bytes, GFP_KERNEL), owner, packet);
}

/** A driver's buffer for a packet that has come in: small heads from their cache, others cut out of pages. */
const netdevAllocSkb = kernelFunction(
  '__netdev_alloc_skb',
  30,
  (m, _dev: NetDevice, length: number, gfp: number): SkbMemory => {
    if (length + HEADROOM <= SMALL_HEAD - SHARED_INFO) {
      return allocSkbFunction(m, length + HEADROOM, gfp, SKB_ALLOC_RX, NUMA_NO_NODE);
    }
    const skb = { address: m.arena.allocate(SKB.size, SMP_CACHE_BYTES) };
    cacheAlloc(m, 'skbuff_head_cache', skb, gfp);
    const kept = keptOf(length + HEADROOM);
    const object = { address: m.arena.allocate(kept) };
    const head: SkbHead = { address: object.address, source: 'page', object, kept, references: 1 };
    return { address: skb.address, head, fclones: null, headers: null, cloneBytes: 0 };
  },
);
export function receiveSkb(m: Machine, device: NetDevice, packet: Packet): SkBuff {
  const memory = netdevAllocSkb(m, device, packetLength(packet), GFP_ATOMIC);
  return fillSkb(m, memory, device, packet, null);
}

/** A segment of a stream: the first of a pair, since it is always a clone that is sent. */
export const tcpStreamAllocSkb = kernelFunction(
  'tcp_stream_alloc_skb',
  25,
  (m, _sk: KernelObject, gfp: number, _force: number): SkbMemory =>
    allocSkbFunction(m, MAX_TCP_HEADER, gfp, SKB_ALLOC_FCLONE, NUMA_NO_NODE),
);
/** Of a segment without data, which is sent itself: an acknowledgement, a reset. */
export function allocTcpHeader(m: Machine, gfp: number): SkbMemory {
  return allocSkb(m, MAX_TCP_HEADER - HEADROOM, gfp);
}
/** The second of a pair where it is free; it shares the head. */
const skbCloneFunction = kernelFunction('skb_clone', 35, (m, skb: SkbMemory, gfp: number): SkbMemory => {
  const { head, fclones, cloneBytes } = skb;
  const headers = { address: m.arena.allocate(cloneBytes), size: cloneBytes };
  head.references += 1;
  if (fclones?.isCloneFree === true) {
    const address = fclones.address + SKB.size;
    m.arena.bytes.fill(0, address, address + SKB.size);
    fclones.isCloneFree = false;
    fclones.references += 1;
    return { address, head, fclones, headers, cloneBytes };
  }
  const clone = { address: m.arena.allocate(SKB.size, SMP_CACHE_BYTES) };
  cacheAlloc(m, 'skbuff_head_cache', clone, gfp);
  return { address: clone.address, head, fclones: null, headers, cloneBytes };
});
export function cloneSkb(m: Machine, of: SkbMemory, gfp: number, packet: Packet): SkbMemory {
  of.cloneBytes = keptBytes(packet);
  return skbCloneFunction(m, of, gfp);
}
