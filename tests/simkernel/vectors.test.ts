import { describe, expect, test } from 'vitest';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { IO_APIC_CHIP, msixChip } from '../../src/simkernel/functions/x86/irq-chips.ts';
import { freeIrq, irqSetAffinity, requestIrq } from '../../src/simkernel/functions/kernel/irq-manage.ts';
import { createIrqDesc, IRQ_HANDLED } from '../../src/simkernel/irq/irq-desc.ts';
import type { IrqDesc } from '../../src/simkernel/irq/irq-desc.ts';
import { post } from '../../src/simkernel/cpu/local-apic.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { KernelObject } from '../../src/simkernel/memory/arena.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const served: number[] = [];
const isr = kernelFunction('test_vector_isr', 50, (m, irq: number, _device: KernelObject | null): number => {
  served.push(m.cpu.id);
  if (irq < 24) m.ioApic.setLine(irq, false, m.cpu.time);
  return IRQ_HANDLED;
});
function machine(): { m: Machine; events: string[] } {
  served.length = 0;
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(100_000);
    },
  ]);
  runFor(m, MILLISECOND);
  m.cpu = m.cpuList[0]!;
  const events: string[] = [];
  for (const [category, name] of [
    ['irq_vectors', 'vector_setup'],
    ['irq_vectors', 'vector_activate'],
    ['irq_vectors', 'vector_alloc'],
    ['irq_vectors', 'vector_update'],
    ['irq_vectors', 'vector_config'],
    ['irq_vectors', 'vector_deactivate'],
    ['irq_vectors', 'vector_clear'],
    ['irq_vectors', 'vector_free_moved'],
    ['irq_matrix', 'irq_matrix_alloc'],
    ['irq_matrix', 'irq_matrix_free'],
  ] as const) {
    m.attach({ kind: 'tracepoint', category, name }, () => events.push(name));
  }
  return { m, events };
}
const kinds: readonly [string, (m: Machine) => IrqDesc, (m: Machine, desc: IrqDesc) => void][] = [
  [
    'an MSI line',
    (m) => createIrqDesc(m, { irq: 40, chip: msixChip('0000:00:1d.0'), hwirq: 0, flow: 'edge' }),
    (m, desc) => post(m, m.cpuList[desc.cpu]!, desc.vector, m.now() + 100),
  ],
  [
    'a level-triggered pin of the I/O APIC',
    (m) => createIrqDesc(m, { irq: 20, chip: IO_APIC_CHIP, hwirq: 20, flow: 'fasteoi' }),
    (m) => m.ioApic.setLine(20, true, m.now() + 100),
  ],
  [
    'an edge-triggered pin of the I/O APIC',
    (m) => createIrqDesc(m, { irq: 11, chip: IO_APIC_CHIP, hwirq: 11, flow: 'edge' }),
    (m) => m.ioApic.setLine(11, true, m.now() + 100),
  ],
];
describe.each(kinds)('%s', (_name, create, interrupt) => {
  test('gets a vector with its first handler and gives it back with the last', () => {
    const { m, events } = machine();
    const desc = create(m);
    expect(desc.vector).toBe(0);
    expect(requestIrq(m, desc.irq, isr, 0, 'test', null)).toBe(0);
    expect(desc.vector).toBeGreaterThan(0x30);
    expect(m.cpuList[desc.cpu]!.vectorIrq[desc.vector]).toBe(desc);
    expect(events).toEqual([
      'vector_setup',
      'vector_activate',
      'irq_matrix_alloc',
      'vector_alloc',
      'vector_update',
      'vector_config',
    ]);
    events.length = 0;
    const { cpu, vector } = desc;
    freeIrq(m, desc.irq, null);
    expect(m.cpuList[cpu]!.vectorIrq[vector]).toBeUndefined();
    expect(events).toEqual(['vector_deactivate', 'vector_clear', 'irq_matrix_free']);
  });
  test('goes to another CPU when it is told to, and no interrupt is lost on the way', () => {
    const { m } = machine();
    const desc = create(m);
    requestIrq(m, desc.irq, isr, 0, 'test', null);
    const cpus: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      m.cpu = m.cpuList[0]!;
      expect(irqSetAffinity(m, desc.irq, { address: m.scratch, cpus: [turn & 1] })).toBe(0);
      // One on its way while the line moves, one behind it.
      interrupt(m, desc);
      runFor(m, 20_000);
      interrupt(m, desc);
      runFor(m, 20_000);
      cpus.push(desc.cpu);
    }
    expect(served).toHaveLength(16);
    expect(cpus).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    // Of the vectors that it had on the way one is left.
    const taken = m.cpuList.reduce((sum, { vectorIrq }) => sum + vectorIrq.filter((line) => line === desc).length, 0);
    expect(taken).toBeLessThanOrEqual(2);
    expect(m.shell('dmesg')).toBe('');
  });
});

test('a program moves a line by writing to its file, and hears of what cannot be', () => {
  const results: number[] = [];
  const m = machineRunning([
    function* (u) {
      yield u.nanosleep(2_000_000);
      for (const [irq, file, text] of [
        [41, 'smp_affinity', '2'],
        [41, 'smp_affinity_list', '0-1'],
        [41, 'smp_affinity_list', '1'],
        [41, 'smp_affinity', 'x'],
        [41, 'smp_affinity', '0'],
        [42, 'smp_affinity', '2'],
      ] as const) {
        const fd = yield u.openat(`/proc/irq/${irq}/${file}`, 1);
        results.push(yield u.write(fd, u.string(text), text.length));
        yield u.close(fd);
      }
    },
  ]);
  runFor(m, MILLISECOND);
  m.cpu = m.cpuList[0]!;
  const desc = createIrqDesc(m, { irq: 41, chip: msixChip('0000:00:1d.0'), hwirq: 0, flow: 'edge' });
  requestIrq(m, 41, isr, 0, 'test', null);
  const managed = { irq: 42, chip: msixChip('0000:00:1e.0'), hwirq: 0, flow: 'edge', cpu: 0, isManaged: true } as const;
  createIrqDesc(m, managed);
  requestIrq(m, 42, isr, 0, 'managed', null);
  expect(m.shell('cat /proc/irq/41/smp_affinity_list')).toBe('0-1\n');
  runFor(m, 5 * MILLISECOND);
  expect(results).toEqual([1, 3, 1, -22, -22, -5]);
  expect(desc.cpu).toBe(1);
  expect(m.shell('cat /proc/irq/41/smp_affinity')).toBe('2\n');
  expect(m.shell('cat /proc/irq/42/effective_affinity_list')).toBe('0\n');
});
