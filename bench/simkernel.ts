/**
 * How fast the simulated machine is: `npx esbuild bench/simkernel.ts --bundle --platform=node --format=esm | node --input-type=module`.
 * System calls and interrupts per second of a quiet host (reference.ts says how that is known); bench/server.ts measures a
 * whole workload.
 */
import { kernelFunction } from '../src/simkernel/execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../src/simkernel/functions/x86/irq-chips.ts';
import { requestIrq } from '../src/simkernel/functions/kernel/irq-manage.ts';
import { createIrqDesc, IRQ_HANDLED } from '../src/simkernel/irq/irq-desc.ts';
import { createMachine } from '../src/simkernel/machine.ts';
import type { Machine } from '../src/simkernel/machine.ts';
import type { KernelObject } from '../src/simkernel/memory/arena.ts';
import type { Image } from '../src/simkernel/programs/image.ts';
import { defineScenario } from '../src/simkernel/scenarios/define.ts';
import type { Scenario } from '../src/simkernel/scenarios/scenario.ts';
import { runReference, Slices } from './reference.ts';

const SECOND = 1e9;

const ROUNDS = 3;
const SLICES = 20;
/** Runs machines that are made alike for some virtual time: what the fastest slices take on the quiet host. */
function runTimed(make: () => Machine, lengthNs: number): { readonly ms: number; readonly machine: Machine } {
  const slices = new Slices();
  let machine = make();
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round > 0) machine = make();
    const start = machine.now();
    slices.restart();
    for (let slice = 0; slice < SLICES; slice += 1) {
      const end = start + ((slice + 1) * lengthNs) / SLICES;
      slices.time(slice, () => {
        while (machine.now() < end) machine.run(end);
      });
    }
  }
  return { ms: slices.ms(), machine };
}

function program(name: string, main: Image['main']): Image {
  return { path: `/usr/bin/${name}`, symbols: ['main'], main };
}
function one(image: Image, processes = 4): Scenario {
  return defineScenario({
    name: image.path,
    summary: '',
    seed: 1,
    cpus: 4,
    lengthNs: SECOND,
    files: [{ path: '/etc/data', size: 65_536 }],
    images: [],
    processes: Array.from({ length: processes }, (_, i) => ({ pid: 1000 + i, image })),
  });
}
const getpid = program('getpid', function* (u) {
  for (;;) yield u.getpid();
});
const reader = program('reader', function* (u) {
  const fd = yield u.openat('/etc/data');
  const buffer = u.buffer(4096);
  for (;;) yield u.pread(fd, buffer, 4096, 8192);
});
const opener = program('opener', function* (u) {
  for (;;) yield u.close(yield u.openat('/etc/data'));
});
const sleeper = program('sleeper', function* (u) {
  for (;;) yield u.nanosleep(20_000);
});

function measure(label: string, scenario: Scenario, lengthNs: number, probe: 'none' | 'count' = 'none'): void {
  let syscalls = 0;
  const count = (): void => {
    syscalls += 1;
  };
  const withProbe = (): Machine => {
    const machine = createMachine({ scenario });
    syscalls = 0;
    machine.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, count);
    return machine;
  };
  const { ms, machine } = runTimed(probe === 'count' ? withProbe : () => createMachine({ scenario }), lengthNs);
  // Counting needs a probe, so an unprobed run is counted by another of the same seed.
  if (probe === 'none') {
    const counting = withProbe();
    const end = counting.now() + lengthNs;
    while (counting.now() < end) counting.run(end);
  }
  const interrupts = machine.interruptCounts.localTimer.reduce((a, b) => a + b, 0);
  const perSecond = (n: number): string => Math.round((n / ms) * 1000).toLocaleString('en');
  console.log(
    `${label.padEnd(30)} run ${ms.toFixed(0).padStart(5)} ms  ` +
      `${syscalls} syscalls (${perSecond(syscalls)}/s)  ${interrupts} timer interrupts (${perSecond(interrupts)}/s)`,
  );
}

/** A device that interrupts a CPU in user mode again half a microsecond after its handler is done. */
const benchIsr = kernelFunction('bench_isr', 60, (m, irq: number, _device: KernelObject | null): number => {
  m.ioApic.setLine(irq, false, m.cpu.time);
  const next = m.cpu.time + STORM_GAP_NS;
  m.schedule(next, () => m.ioApic.setLine(irq, true, next));
  return IRQ_HANDLED;
});
const STORM_IRQ = 18;
const STORM_GAP_NS = 500;
const spinner = program('spinner', function* (u) {
  for (;;) yield u.work(50_000_000);
});
const busy = one(spinner);
const STORM: Scenario = {
  ...busy,
  start(m: Machine) {
    busy.start(m);
    createIrqDesc(m, { irq: STORM_IRQ, chip: IO_APIC_CHIP, hwirq: STORM_IRQ, flow: 'edge', cpu: 1 });
    requestIrq(m, STORM_IRQ, benchIsr, 0, 'bench', null);
    m.ioApic.setLine(STORM_IRQ, true, m.now());
  },
};
function measureInterrupts(label: string, lengthNs: number, probe: boolean): void {
  let counted = 0;
  const make = (): Machine => {
    const machine = createMachine({ scenario: STORM });
    counted = 0;
    if (probe) {
      machine.attach({ kind: 'tracepoint', category: 'irq', name: 'irq_handler_entry' }, () => {
        counted += 1;
      });
    }
    return machine;
  };
  const { ms, machine } = runTimed(make, lengthNs);
  const interrupts = machine.irqs.find(({ irq }) => irq === STORM_IRQ)!.counts.reduce((a, b) => a + b, 0);
  if (probe && counted !== interrupts) throw new Error('the probe missed some');
  console.log(
    `${label.padEnd(30)} ${interrupts} interrupts in ${ms.toFixed(0)} ms (${Math.round((interrupts / ms) * 1000).toLocaleString('en')}/s)`,
  );
}
for (let i = 0; i < 50; i += 1) runReference();
for (const probe of [false, true]) {
  measureInterrupts(`interrupt storm, ${probe ? 'count' : 'none'}`, 0.5 * SECOND, probe);
}

for (const probe of ['none', 'count'] as const) {
  measure(`getpid, ${probe}`, one(getpid), 0.05 * SECOND, probe);
  measure(`pread 4 KiB cached, ${probe}`, one(reader), 0.1 * SECOND, probe);
  measure(`open and close, ${probe}`, one(opener), 0.1 * SECOND, probe);
  measure(`nanosleep, ${probe}`, one(sleeper), 1 * SECOND, probe);
}
