import { kernelFunction } from '../../execution/kernel-function.ts';
import { cutPacket } from '../../net/gso.ts';
import type { SkBuff } from '../../net/skb.ts';
import { createSkb } from './skb-alloc.ts';

/** net/core/gso.c: what the card would do, done by the CPU. Each part is a buffer of its own. */
export const gsoSegment = kernelFunction(
  '__skb_gso_segment',
  60,
  (m, skb: SkBuff, _features: number, _txPath: number): readonly SkBuff[] =>
    cutPacket(skb.packet, skb.gsoSize).map((packet) => createSkb(m, skb.device, packet, skb.owner)),
);
