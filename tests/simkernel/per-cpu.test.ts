import { expect, test } from 'vitest';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { kernelTypes } from '../../src/simkernel/kernel-types.ts';

const machine = createSimulation({ scenario: 'build', seed: 1, cpus: 3 }).machine();
const { words } = machine;

/** Arena offset of a CPU's copy. */
function copyOf(name: string, cpu: number): number {
  const address = machine.kernelSymbolAddress(name)!;
  return machine.perCpuCopy(address.low, address.high, cpu);
}

test('each CPU has its own copy of every variable, and knows its number and where the copy is', () => {
  const { low } = machine.kernelSymbolAddress('cpu_number')!;
  for (const cpu of [0, 1, 2]) {
    const place = copyOf('cpu_number', cpu);
    expect(words[place >> 2]).toBe(cpu);
    // this_cpu_off is what to add to a variable's address; its low half shows in the low half of the sum.
    expect((low + words[copyOf('this_cpu_off', cpu) >> 2]!) | 0).toBe(place);
  }
});

test('there is no copy for a CPU that is not there, nor of what is no variable', () => {
  expect(copyOf('cpu_number', 3)).toBe(0);
  expect(copyOf('idt_table', 0)).toBe(0);
});

test('an address in the section is called by the variable there', () => {
  const { low, high } = machine.kernelSymbolAddress('process_counts')!;
  expect(machine.kernelSymbol(low + 4, high)).toMatchObject({ name: 'process_counts', offset: 4 });
});

test('process_counts of all CPUs add up to the processes, whatever CPU they ended on; current_task is who runs', () => {
  machine.run(machine.now() + 200_000_000);
  const leaders = [...machine.tasks.values()].filter(({ pid, tgid }) => pid === tgid).length;
  const counts = [0, 1, 2].map((cpu) => words[copyOf('process_counts', cpu) >> 2]!);
  expect(counts.reduce((a, b) => a + b)).toBe(leaders);
  for (const cpu of machine.cpuList) {
    expect(words[copyOf('current_task', cpu.id) >> 2]).toBe(cpu.current.address);
    expect(copyOf('runqueues', cpu.id)).toBe(cpu.runQueue.address);
  }
});

test('the numbers by which programs name variables are those of BTF', () => {
  const { id } = kernelTypes().perCpuVariable('runqueues')!;
  expect(machine.perCpuVariable(id)).toEqual(machine.kernelSymbolAddress('runqueues'));
  expect(machine.perCpuVariable(1)).toBeUndefined();
});
