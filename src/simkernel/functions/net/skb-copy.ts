import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Message } from '../../net/sock.ts';
import { dataBytes } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { EFAULT } from '../../errno.ts';
import { skbCopyDatagramIovec } from '../../tracepoints/net.ts';
import { copyToUser } from './message.ts';

/** A place in the user's buffers. */
export interface MessageIter {
  readonly address: number;
  readonly message: Message;
  done: number;
}
/** Copies a part of a packet's data to where the reader wants it. */
export const skbCopyDatagramIter = kernelFunction(
  'skb_copy_datagram_iter',
  30,
  (m, skb: SkBuff, offset: number, to: MessageIter, len: number): number => {
    skbCopyDatagramIovec(m, skb, len);
    const data = dataBytes(m, skb).subarray(offset, offset + len);
    if (!copyToUser(m, to.message, to.done, data, len)) return -EFAULT;
    to.done += len;
    return 0;
  },
);
