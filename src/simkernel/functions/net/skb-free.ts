import { kernelFunction } from '../../execution/kernel-function.ts';
import { returnAddress } from '../../execution/return-address.ts';
import type { Machine } from '../../machine.ts';
import { structFields } from '../../memory/layout.ts';
import type { SkBuff, SkbMemory, SkbOwner } from '../../net/skb.ts';
import { consumeSkbEvent, kfreeSkb } from '../../tracepoints/net.ts';
import { cacheFree, kfree } from '../mm/slab.ts';

const SKB = structFields('sk_buff', {});
/** struct sk_buff_fclones: two buffers and a reference count. */
export const fcloneBytes = (): number => 2 * SKB.size + 8;

const skbFreeHead = kernelFunction('skb_free_head', 10, (m, { head }: SkbMemory): void => {
  if (head.source === 'kmalloc') {
    kfree(m, head.object);
    return;
  }
  if (head.source === 'skbuff_small_head') cacheFree(m, 'skbuff_small_head', head.object);
  m.arena.free(head.address, head.kept);
});
/** The last of those who share the head gives it back. */
const skbReleaseData = kernelFunction('skb_release_data', 12, (m, skb: SkbMemory, _reason: number): void => {
  const { head, headers } = skb;
  head.references -= 1;
  if (head.references === 0) skbFreeHead(m, skb);
  if (headers !== null) m.arena.free(headers.address, headers.size);
});
/** A pair is freed when both are done with. */
const kfreeSkbmem = kernelFunction('kfree_skbmem', 12, (m, skb: SkbMemory): void => {
  const { fclones } = skb;
  if (fclones === null) {
    cacheFree(m, 'skbuff_head_cache', skb);
    m.arena.free(skb.address, SKB.size);
    return;
  }
  if (skb.address !== fclones.address) fclones.isCloneFree = true;
  fclones.references -= 1;
  if (fclones.references > 0) return;
  cacheFree(m, 'skbuff_fclone_cache', fclones);
  m.arena.free(fclones.address, fcloneBytes());
});
/** Without telling anybody, as the TCP code does with what has been acknowledged. */
const kfreeSkbFunction = kernelFunction('__kfree_skb', 14, (m, skb: SkbMemory): void => {
  skbReleaseData(m, skb, SKB_NOT_DROPPED_YET);
  kfreeSkbmem(m, skb);
});
const SKB_NOT_DROPPED_YET = 0;
export function freeSkbMemory(m: Machine, memory: SkbMemory): void {
  kfreeSkbFunction(m, memory);
}
export function kfreeSkbQuietly(m: Machine, skb: SkBuff): void {
  kfreeSkbFunction(m, skb.memory);
}

/** kfree_skb_reason(): a packet that nobody gets. */
export const dropSkb = kernelFunction(
  'sk_skb_reason_drop',
  25,
  (m, sk: SkbOwner | null, skb: SkBuff, reason: number): void => {
    kfreeSkb(m, skb, returnAddress(m), reason, sk);
    kfreeSkbFunction(m, skb.memory);
  },
);
/** A packet that has done its work. */
export const consumeSkb = kernelFunction('consume_skb', 14, (m, skb: SkBuff): void => {
  consumeSkbEvent(m, skb, returnAddress(m));
  kfreeSkbFunction(m, skb.memory);
});
