import { expect, test, vi } from 'vitest';
import { createPerfEventMap } from '../../../src/runtime/maps/perf-event-map.ts';
import type { MapHost } from '../../../src/runtime/maps/bpf-map.ts';
import { ERRNO } from '../../../src/runtime/errno.ts';

const DEFINITION = {
  name: 'perf_event',
  type: 'perf_event_array',
  keySize: 4,
  valueSize: 4,
  maxEntries: 2,
  flags: 0,
} as const;
const create = () => createPerfEventMap(DEFINITION, 64, { cpus: 2 } as MapHost);

test('before user space opens buffers there is no event to send to, and never one beyond the array', () => {
  const map = create();
  expect(map.output(0, new Uint8Array(1))).toBe(-ERRNO.ENOENT);
  expect(map.output(2, new Uint8Array(1))).toBe(-ERRNO.E2BIG);
});

test('samples come out CPU by CPU, each in its order, and make room', () => {
  const map = create();
  map.open(4096);
  map.output(1, Uint8Array.of(1));
  map.output(0, Uint8Array.of(2));
  map.output(1, Uint8Array.of(3));
  expect(map.take()).toEqual([Uint8Array.of(2), Uint8Array.of(1), Uint8Array.of(3)]);
  expect(map.take()).toEqual([]);
});

test('a sample takes its bytes and a header of 12, rounded up to 8; one that does not fit is lost', () => {
  const map = create();
  map.open(48);
  expect(map.output(0, new Uint8Array(12))).toBe(0);
  expect(map.output(0, new Uint8Array(13))).toBe(-ERRNO.ENOSPC);
  expect(map.output(0, new Uint8Array(12))).toBe(0);
  expect(map.lost()).toBe(1);
});

test('the reader is told once for each batch', () => {
  const map = create();
  const told = vi.fn();
  map.open(4096);
  map.onData = told;
  map.output(0, new Uint8Array(1));
  map.output(0, new Uint8Array(1));
  expect(told).toHaveBeenCalledTimes(1);
  map.take();
  map.output(0, new Uint8Array(1));
  expect(told).toHaveBeenCalledTimes(2);
});
