import { expect, test } from 'vitest';
import { HELPERS } from '../../src/abi/helpers.ts';
import { helperName, helperPrototype, isHelperNumber, isImplemented } from '../../src/abi/known-helpers.ts';
import type { ProgramType } from '../../src/abi/program-image.ts';

/** Linux calls the function that tracing programs get for this number by a name of its own, inside. */
const INTERNAL_NAMES: Readonly<Record<string, string>> = { get_socket_ptr_cookie: 'get_socket_cookie' };

test('every implemented helper has its Linux number', () => {
  for (const [name, row] of Object.entries(HELPERS))
    expect(helperName(row.id)).toBe(`bpf_${INTERNAL_NAMES[name] ?? name}`);
});

test.each<[number, string]>([
  [0, 'bpf_unspec'],
  [1, 'bpf_map_lookup_elem'],
  [113, 'bpf_probe_read_kernel'],
  [181, 'bpf_loop'],
  [211, 'bpf_cgrp_storage_delete'],
])('helper %i is %s', (id, name) => {
  expect(helperName(id)).toBe(name);
  expect(isHelperNumber(id)).toBe(true);
});

test.each([-1, 212])('there is no helper %i', (id) => {
  expect(isHelperNumber(id)).toBe(false);
});

test.each<[number, ProgramType, boolean]>([
  [58, 'kprobe', true],
  [160, 'kprobe', false],
  [160, 'xdp', true],
  [17, 'tracepoint', true],
  [122, 'socket_filter', true],
  [58, 'tracepoint', false],
  [183, 'tracing', true],
  [183, 'kprobe', false],
  [67, 'socket_filter', false],
  [44, 'xdp', true],
  [1, 'socket_filter', true],
])('helper %i in %s programs: %s', (id, type, allowed) => {
  expect(helperPrototype(id, type) !== undefined).toBe(allowed);
});

test('declared helpers are known without being implemented', () => {
  expect(helperPrototype(44, 'xdp')).toBeDefined();
  expect(isImplemented(44, 'xdp')).toBe(false);
  expect(isImplemented(1, 'kprobe')).toBe(true);
});

test('helper 46 is one function in tracing programs and another in programs of packets', () => {
  expect(helperPrototype(46, 'tracing')?.args).toEqual(['btf_sock_or_null']);
  expect(helperPrototype(46, 'sched_cls')?.args).toEqual(['ctx']);
  expect(isImplemented(46, 'tracing')).toBe(true);
  expect(isImplemented(46, 'sched_cls')).toBe(false);
});
