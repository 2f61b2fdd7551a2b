import { RECORD_FLAGS, RECORD_HEADER, type RingLayout } from '../../abi/map-layouts.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { copyBytes, roundUp8 } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import { MAP_OBJECT, withoutElements, type BpfMap, type MapHost } from './bpf-map.ts';

const { busy: BUSY, discard: DISCARD, length: LENGTH } = RECORD_FLAGS;
const NO_WAKEUP = 1;
const FORCE_WAKEUP = 2;

export interface RingBuffer extends BpfMap {
  /** Arena offset of `size` bytes, or 0 when the ring is full. */
  reserve(size: number): number;
  /** Whether a record handed out by reserve lies in this ring. */
  owns(record: number): boolean;
  submit(record: number, flags: number): void;
  discard(record: number, flags: number): void;
  output(data: number, size: number, flags: number): number;
  /** Called when a record is committed that the consumer is waiting for (or as the flags say). */
  onData: (() => void) | null;
  /** Passes the next committed record's data; false when there is none. */
  consume(read: (address: number, size: number) => void): boolean;
  /** What BPF_RB_* asks for: bytes not yet consumed, the size, the consumer's or the producer's position; otherwise 0. */
  query(what: number): number;
  /** Records that did not fit since the start. */
  dropped(): number;
}

/**
 * The BPF ring buffer (kernel/bpf/ringbuf.c): records produced in order of reservation. The kernel maps the data pages twice
 * so that no record is ever split; here a record that starts near the end of the first half runs on into the second.
 */
export function createRingBuffer(definition: MapDefinition, object: number, host: MapHost): RingBuffer {
  const { words, memory } = host.arena;
  const ringSize = definition.maxEntries;
  const mask = ringSize - 1;
  const data = memory.allocate(ringSize * 2, 8);
  const producer = (object + MAP_OBJECT.producer) >> 2;
  const consumer = (object + MAP_OBJECT.consumer) >> 2;
  const dropped = (object + MAP_OBJECT.dropped) >> 2;

  function reserve(size: number): number {
    const total = roundUp8(size + RECORD_HEADER);
    const position = words[producer]!;
    if (size < 0 || total > ringSize || ((position + total - words[consumer]!) | 0) > ringSize) {
      words[dropped]!++;
      return 0;
    }
    const at = data + (position & mask);
    words[at >> 2] = size | BUSY;
    words[producer] = (position + total) | 0;
    return at + RECORD_HEADER;
  }

  function commit(record: number, flags: number, discard: boolean): void {
    const header = (record - RECORD_HEADER) >> 2;
    words[header] = (words[header]! & LENGTH) | (discard ? DISCARD : 0);
    // No two records of a ring begin at the same distance from its start.
    const awaited = (words[consumer]! & mask) === record - RECORD_HEADER - data;
    if (ring.onData !== null && (flags & FORCE_WAKEUP || (awaited && !(flags & NO_WAKEUP)))) ring.onData();
  }

  const layout: RingLayout = { data, mask, producer: producer << 2, consumer: consumer << 2 };
  const ring: RingBuffer = {
    ...withoutElements(definition, { address: object, ring: layout }),
    onData: null,
    reserve,
    owns: (record) => record >= data && record < data + ringSize * 2,
    submit: (record, flags) => commit(record, flags, false),
    discard: (record, flags) => commit(record, flags, true),
    output(from, size, flags) {
      if (flags & ~(NO_WAKEUP | FORCE_WAKEUP)) return -ERRNO.EINVAL;
      const record = reserve(size);
      if (record === 0) return -ERRNO.EAGAIN;
      copyBytes(host.arena, record, from, size);
      commit(record, flags, false);
      return 0;
    },
    consume(read) {
      while (words[consumer] !== words[producer]) {
        const at = data + (words[consumer]! & mask);
        const header = words[at >> 2]!;
        if (header & BUSY) return false;
        const size = header & LENGTH;
        const next = (words[consumer]! + roundUp8(size + RECORD_HEADER)) | 0;
        if (!(header & DISCARD)) read(at + RECORD_HEADER, size);
        // Only now may a producer overwrite the record.
        words[consumer] = next;
        if (!(header & DISCARD)) return true;
      }
      return false;
    },
    query: (what) => [words[producer]! - words[consumer]!, ringSize, words[consumer]!, words[producer]!][what] ?? 0,
    dropped: () => words[dropped]! >>> 0,
  };
  return ring;
}
