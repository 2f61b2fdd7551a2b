import type { Machine } from '../../machine.ts';
import { storeNumber, storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import type { Message, SocketAddress } from '../../net/sock.ts';
import { socketAddressBytes } from '../../net/socket-address.ts';
import { NO_BYTES } from '../../net/packet.ts';

const COPY_NS_PER_BYTE = 0.05;
const MSGHDR = structFields('msghdr', {
  name: 'msg_name',
  namelen: 'msg_namelen',
  flags: 'msg_flags',
  count: 'msg_iter.count',
  ubuf: 'msg_iter.ubuf',
  nrSegs: 'msg_iter.nr_segs',
});

/** The kernel's struct msghdr of a call: what to send from where, or what to receive into. */
export function createMessage(
  m: Machine,
  buffers: Message['buffers'],
  name: SocketAddress | null,
  flags: number,
): Message {
  const { msghdr: address, sockaddr } = m.stackObjects;
  const message = { address, buffers, name, flags };
  storeWord(m.words, address + MSGHDR.name, name === null ? null : { address: sockaddr });
  m.words[(address + MSGHDR.namelen) >> 2] = name === null ? 0 : socketAddressBytes(name).length;
  m.words[(address + MSGHDR.flags) >> 2] = flags;
  storeNumber(m.words, address + MSGHDR.count, messageSize(message));
  storeNumber(m.words, address + MSGHDR.ubuf, buffers[0]?.address ?? 0);
  storeNumber(m.words, address + MSGHDR.nrSegs, buffers.length);
  return message;
}

/** Bytes that a message's buffers hold or take. */
export function messageSize(message: Message): number {
  let size = 0;
  for (const buffer of message.buffers) size += buffer.size;
  return size;
}

/** copy_from_iter(): at most `keep` of the `count` bytes from `offset` on, all of which cost time; undefined is EFAULT. */
export function copyFromUser(
  m: Machine,
  message: Message,
  offset: number,
  count: number,
  keep: number,
): Uint8Array | undefined {
  m.spend(count * COPY_NS_PER_BYTE);
  const mm = m.cpu.current.process?.mm;
  if (mm === undefined || count === 0) return NO_BYTES;
  const kept = Math.min(count, keep);
  const [first] = message.buffers;
  if (first !== undefined && offset + kept <= first.size) {
    const at = mm.find(first.address + offset, kept);
    return at < 0 ? undefined : m.arena.bytes.slice(at, at + kept);
  }
  const out = new Uint8Array(kept);
  let done = 0;
  let skip = offset;
  for (const { address, size } of message.buffers) {
    if (skip >= size) {
      skip -= size;
      continue;
    }
    const n = Math.min(size - skip, out.length - done);
    const at = mm.find(address + skip, n);
    if (at < 0) return undefined;
    out.set(m.arena.bytes.subarray(at, at + n), done);
    done += n;
    skip = 0;
    if (done === out.length) break;
  }
  return out;
}

/** copy_to_iter(): puts `count` bytes at `offset` of the message's buffers; those that nobody kept stay what they were. */
export function copyToUser(m: Machine, message: Message, offset: number, bytes: Uint8Array, count: number): boolean {
  m.spend(count * COPY_NS_PER_BYTE);
  const mm = m.cpu.current.process?.mm;
  if (mm === undefined) return false;
  let done = 0;
  let skip = offset;
  for (const { address, size } of message.buffers) {
    if (skip >= size) {
      skip -= size;
      continue;
    }
    const n = Math.min(size - skip, bytes.length - done);
    if (n <= 0) break;
    const at = mm.find(address + skip, n);
    if (at < 0) return false;
    m.arena.bytes.set(bytes.subarray(done, done + n), at);
    done += n;
    skip = 0;
  }
  return true;
}
