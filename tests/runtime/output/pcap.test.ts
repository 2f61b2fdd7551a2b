import { expect, test } from 'vitest';
import { encodeCapture } from '../../../src/runtime/output/pcap.ts';

test('a capture without packets is its header: magic number, version 2.4, snapshot length, raw IP', () => {
  const view = new DataView(encodeCapture([]).buffer);
  expect(view.byteLength).toBe(24);
  expect([view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true)]).toEqual([0xa1b2c3d4, 2, 4]);
  expect([view.getUint32(16, true), view.getUint32(20, true)]).toEqual([65_535, 101]);
});

test('each packet stands behind its time in seconds and microseconds and its length, twice', () => {
  const packet = Uint8Array.of(0x45, 0, 0, 20, 1);
  const file = encodeCapture([
    { timeNs: 1_767_225_600_000_123_999n, bytes: packet },
    { timeNs: 1_767_225_601_000_000_000n, bytes: Uint8Array.of(0x60) },
  ]);
  const view = new DataView(file.buffer);
  expect([24, 28, 32, 36].map((at) => view.getUint32(at, true))).toEqual([1_767_225_600, 123, 5, 5]);
  expect(file.subarray(40, 45)).toEqual(packet);
  expect([45, 49, 53, 57].map((at) => view.getUint32(at, true))).toEqual([1_767_225_601, 0, 1, 1]);
  expect(file.length).toBe(62);
});
