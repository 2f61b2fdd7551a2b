import { kernelFunction } from '../execution/kernel-function.ts';
import { returnAddress } from '../execution/return-address.ts';
import { freeSkb } from '../net/skb.ts';
import type { SkBuff, SkbOwner } from '../net/skb.ts';
import { consumeSkbEvent, kfreeSkb } from '../tracepoints/net.ts';

/** kfree_skb_reason(): a packet that nobody gets. */
export const dropSkb = kernelFunction(
  'sk_skb_reason_drop',
  25,
  (m, sk: SkbOwner | null, skb: SkBuff, reason: number): void => {
    kfreeSkb(m, skb, returnAddress(m), reason, sk);
    freeSkb(m, skb);
  },
);
/** A packet that has done its work. */
export const consumeSkb = kernelFunction('consume_skb', 14, (m, skb: SkBuff): void => {
  consumeSkbEvent(m, skb, returnAddress(m));
  freeSkb(m, skb);
});
/** Without telling anybody, as the TCP code does with what has been acknowledged. */
export const kfreeSkbQuietly = kernelFunction('__kfree_skb', 14, (m, skb: SkBuff): void => freeSkb(m, skb));
