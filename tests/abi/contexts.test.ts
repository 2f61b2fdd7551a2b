import { expect, test } from 'vitest';
import { CONTEXTS as ALL_CONTEXTS, contextField } from '../../src/abi/contexts.ts';
import { PROGRAM_TYPES, type ProgramType } from '../../src/abi/program-image.ts';

const CONTEXTS = ALL_CONTEXTS.x86_64;

type Row = [type: ProgramType, offset: number, size: number, write: boolean, allowed: boolean];

test.each<Row>([
  ['kprobe', 112, 8, false, true],
  ['kprobe', 160, 8, true, true],
  ['kprobe', 168, 8, false, false],
  ['kprobe', 2, 4, false, false],
  ['tracepoint', 0, 8, false, false],
  ['tracepoint', 8, 8, false, true],
  ['tracepoint', 8184, 8, false, true],
  ['tracepoint', 8192, 1, false, false],
  ['tracepoint', 8, 8, true, false],
  ['raw_tracepoint', 88, 8, false, true],
  ['raw_tracepoint', 96, 8, false, false],
  ['perf_event', 128, 8, false, true],
  ['perf_event', 128, 4, false, false],
  ['perf_event', 168, 2, false, true],
  ['perf_event', 184, 8, false, false],
  ['socket_filter', 8, 1, false, true],
  ['socket_filter', 48, 8, true, true],
  ['socket_filter', 0, 4, true, false],
  ['socket_filter', 72, 4, false, false],
  ['sched_cls', 8, 4, true, true],
  ['sched_cls', 152, 8, true, true],
  ['sched_cls', 152, 4, true, false],
  ['xdp', 0, 4, false, true],
  ['xdp', 12, 2, false, false],
  ['xdp', 20, 4, false, false],
])('%s context at %i, %i bytes, write %s: %s', (type, offset, size, write, allowed) => {
  expect(contextField(CONTEXTS[type], offset, size, write) !== undefined).toBe(allowed);
});

test('no context lets a program read before or behind it', () => {
  for (const type of Object.keys(PROGRAM_TYPES) as ProgramType[]) {
    const row = CONTEXTS[type];
    for (const size of [1, 2, 4, 8]) {
      expect(contextField(row, -size, size, false)).toBeUndefined();
      expect(contextField(row, row.bytes, size, false)).toBeUndefined();
    }
  }
});

test('packet pointers come from the fields that Linux names so', () => {
  const pointers = CONTEXTS.xdp.fields.map((field) => field.pointer);
  expect(pointers).toEqual(['pkt', 'pkt_end', 'pkt_meta', undefined]);
});

test.each<Row>([
  ['kprobe', 240, 8, false, true],
  ['kprobe', 256, 8, true, true],
  ['kprobe', 312, 8, false, true],
  ['kprobe', 320, 8, false, false],
  ['perf_event', 264, 8, false, true],
  ['perf_event', 272, 8, false, true],
  ['perf_event', 280, 4, false, true],
  ['perf_event', 288, 8, false, false],
])('%s context of arm64 at %i, %i bytes, write %s: %s', (type, offset, size, write, allowed) => {
  expect(contextField(ALL_CONTEXTS.arm64[type], offset, size, write) !== undefined).toBe(allowed);
});
