import { expect, test } from 'vitest';
import type { Kernel } from '../../src/runtime/kernel.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { MILLISECOND } from './support.ts';

test('the machine is what the runtime asks of a kernel', () => {
  const kernel: Kernel = createMachine({ scenario: SCENARIOS.server });
  expect(kernel.cpus).toBe(4);
  expect(kernel.memory.kernelHigh).toBe(0xffff8881 | 0);
});

test('the tracer is current before anything runs', () => {
  const machine = createMachine({ scenario: SCENARIOS.server });
  let comm = '';
  machine.asTracer(() => {
    comm = String.fromCharCode(...machine.arena.bytes.subarray(machine.current.comm, machine.current.comm + 8));
  });
  expect(comm).toBe('bpftrace');
});

test('callbacks come at their virtual time and may stop the run', () => {
  const machine = createMachine({ scenario: SCENARIOS.server });
  const seen: number[] = [];
  const start = machine.now();
  const note = (): number => seen.push(machine.now() - start);
  machine.at(start + 3 * MILLISECOND, note);
  machine.at(start + 1 * MILLISECOND, note);
  machine.at(start + 5 * MILLISECOND, () => machine.stop());
  machine.at(start + 9 * MILLISECOND, note);
  machine.run(start + 20 * MILLISECOND);
  expect(seen).toEqual([1 * MILLISECOND, 3 * MILLISECOND]);
  expect(machine.now() - start).toBeLessThan(6 * MILLISECOND);
});

test('running to a time with nothing left to do arrives there', () => {
  const machine = createMachine({ scenario: SCENARIOS.idle });
  const end = machine.now() + 50 * MILLISECOND;
  machine.run(end);
  expect(machine.now()).toBe(end);
});
