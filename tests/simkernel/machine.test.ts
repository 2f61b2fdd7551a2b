import { irqDisable, irqEnable, post } from '../../src/simkernel/cpu/local-apic.ts';
import { expect, test } from 'vitest';
import { GATE_SIZE, VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { textSymbols } from '../../src/simkernel/execution/text.ts';
import { kernelTypes, rawTracepointParameters } from '../../src/simkernel/kernel-types.ts';
import { tracepointFormat } from '../../src/simkernel/tracepoint-formats.ts';
import { declaredTracepoints } from '../../src/simkernel/tracepoints/tracepoint.ts';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { fieldOffset, kernelFunctions, machineRunning, MILLISECOND, runFor, SECOND, textAt, u64At } from './support.ts';

test('an interrupt finds its handler through the gate in memory', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(50_000);
    },
  ]);
  const { idt } = m.cpuList[0]!;
  const gate = idt + VECTORS.localTimer * GATE_SIZE;
  const low = m.arena.view.getUint16(gate, true) | (m.arena.view.getUint16(gate + 6, true) << 16);
  expect(m.kernelSymbol(low, m.words[(gate + 8) >> 2]!)).toMatchObject({
    name: 'asm_sysvec_apic_timer_interrupt',
    offset: 0,
  });
  let hits = 0;
  m.attach({ kind: 'tracepoint', category: 'irq_vectors', name: 'local_timer_entry' }, () => (hits += 1));
  runFor(m, MILLISECOND);
  expect(hits).toBeGreaterThan(5);
  // Lead the vector elsewhere: the timer's interrupts now arrive as reschedule requests.
  const other = idt + VECTORS.reschedule * GATE_SIZE;
  m.arena.bytes.copyWithin(gate, other, other + GATE_SIZE);
  let diverted = 0;
  m.attach({ kind: 'tracepoint', category: 'irq_vectors', name: 'reschedule_entry' }, () => (diverted += 1));
  const before = hits;
  runFor(m, MILLISECOND);
  expect(hits).toBe(before);
  expect(diverted).toBeGreaterThan(0);
});

test('delivery and iret give back registers, stack and flags', () => {
  const m = machineRunning([]);
  runFor(m, MILLISECOND);
  const [cpu] = m.cpuList;
  m.cpu = cpu!;
  for (let i = 0; i < cpu!.registers.length; i += 1) cpu!.registers[i] = i * 0x01010101;
  cpu!.registers.set([cpu!.fp, m.arena.kernelHigh], PT_REGS.bp / 4);
  const before = { sp: cpu!.sp, fp: cpu!.fp, fn: cpu!.fn, on: cpu!.interruptsEnabled, registers: [...cpu!.registers] };
  post(m, cpu!, VECTORS.reschedule, cpu!.time);
  m.spend(5_000);
  expect(m.interruptCounts.reschedule[0]).toBe(1);
  expect({ sp: cpu!.sp, fp: cpu!.fp, fn: cpu!.fn, on: cpu!.interruptsEnabled, registers: [...cpu!.registers] }).toEqual(
    before,
  );
});

test('an interrupt waits while interrupts are off', () => {
  const m = machineRunning([]);
  runFor(m, MILLISECOND);
  const [cpu] = m.cpuList;
  m.cpu = cpu!;
  irqDisable(m);
  post(m, cpu!, VECTORS.reschedule, cpu!.time + 100);
  m.spend(50_000);
  expect(m.interruptCounts.reschedule[0]).toBe(0);
  irqEnable(m);
  expect(m.interruptCounts.reschedule[0]).toBe(1);
});

test('touching a page faults through vector 14', () => {
  const m = machineRunning([
    function* (u) {
      const buffer = u.buffer(8192);
      for (;;) {
        yield u.touch(buffer + 4096);
        yield u.touch(u.page(0), false);
      }
    },
  ]);
  const address = fieldOffset('exceptions:page_fault_user', 'address');
  const code = fieldOffset('exceptions:page_fault_user', 'error_code');
  const codes = new Set<number>();
  m.attach({ kind: 'tracepoint', category: 'exceptions', name: 'page_fault_user' }, (record) => {
    expect(u64At(m, record + address)).toBeGreaterThan(0x5555_0000_0000);
    codes.add(u64At(m, record + code));
  });
  const stacks = new Set<string>();
  m.attach({ kind: 'kprobe', function: 'handle_mm_fault', offset: 0 }, () => stacks.add(kernelFunctions(m).join(' ')));
  runFor(m, 0.1 * MILLISECOND);
  expect(codes).toEqual(new Set([4, 6]));
  expect(stacks).toEqual(new Set(['handle_mm_fault do_user_addr_fault exc_page_fault asm_exc_page_fault']));
});

test('a fatal signal ends a sleeping process', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(SECOND);
    },
  ]);
  runFor(m, 5 * MILLISECOND);
  const exits: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_process_exit' }, () =>
    exits.push(m.words[m.current.pidTgid >> 2]!),
  );
  expect(m.sendSignal(1000, 9)).toBe(0);
  expect(m.sendSignal(4711, 9)).toBe(-3);
  runFor(m, 5 * MILLISECOND);
  expect(exits).toEqual([1000]);
  expect(m.tasks.has(1000)).toBe(false);
});

test('/proc/interrupts and /proc/softirqs count what happened', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(100_000);
    },
  ]);
  runFor(m, 20 * MILLISECOND);
  const text = m.shell('cat /proc/interrupts');
  const local = /LOC:\s+(\d+)\s+(\d+)/.exec(text)!;
  expect(Number(local[1]) + Number(local[2])).toBe(m.interruptCounts.localTimer[0]! + m.interruptCounts.localTimer[1]!);
  expect(Number(local[1]) + Number(local[2])).toBeGreaterThan(50);
  expect(text).toContain('nvme0q2');
  expect(m.shell('cat /proc/softirqs')).toMatch(/TIMER:/);
  expect(m.shell('cat /nothing')).toBe('cat: /nothing: No such file or directory\n');
  expect(m.shell('no-such-command x')).toBe('sh: 1: no-such-command: not found\n');
});

test('kernel globals are symbols with contents', () => {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.work(50 * MILLISECOND);
    },
  ]);
  runFor(m, 5.1 * SECOND);
  const { low, high } = m.kernelSymbolAddress('avenrun')!;
  expect(m.kernelSymbol(low + 8, high)).toMatchObject({ name: 'avenrun', offset: 8 });
  const at = m.memory.kernelAddress(low, high, 24);
  // Five seconds of one running task weigh 1 - exp(-5/60).
  expect(u64At(m, at) / 2048).toBeCloseTo(0.08 + 0.08 * 0.92, 1);
  expect(m.memory.kernelAddress(0x1000, 0x7fff, 8)).toBe(-1);
  expect(m.memory.kernelAddress(0, 0, 8)).toBe(-1);
});

test('commands see the files of the machine, and so do programs', () => {
  let first = '';
  const m = machineRunning(
    [
      function* (u) {
        const buffer = u.buffer(64);
        const fd = yield u.openat('/etc/greeting');
        yield u.call('lseek', fd, 3, 0);
        const n = yield u.read(fd, buffer, 64);
        const at = u.process.mm.find(buffer, 64);
        first = String.fromCharCode(...m.arena.bytes.subarray(at, at + n));
        const sink = yield u.openat('/dev/null', 1);
        if ((yield u.write(sink, buffer, 40)) !== 40) throw new Error('short write');
        yield u.execve('/usr/bin/program0', ['program0', '-x']);
      },
    ],
    { files: [{ path: '/etc/greeting', size: 6, text: 'hello\n' }] },
  );
  expect(m.shell(`echo "a b"; cat '/etc/greeting' /dev/null; echo c`)).toBe('a b\nhello\nc\n');
  expect(m.readFile('/dev/null')).toEqual(new Uint8Array());
  const argument = m.memory.allocate(16);
  const argv: string[] = [];
  m.attach({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_execve' }, (record) => {
    const low = m.words[(record + 24) >> 2]!;
    const high = m.words[(record + 28) >> 2]!;
    for (let i = 0; i < 2; i += 1) {
      expect(m.memory.readUser(argument, 8, low + 8 * i, high)).toBe(0);
      expect(m.memory.readUser(argument, 9, m.words[argument >> 2]!, m.words[(argument >> 2) + 1]!)).toBe(0);
      argv.push(textAt(m, argument));
    }
  });
  runFor(m, MILLISECOND);
  expect(first).toBe('lo\n');
  expect(argv.slice(0, 2)).toEqual(['program0', '-x']);
});

test('declared functions take as many arguments as the kernel says', () => {
  const different = textSymbols().flatMap(({ name, arity }) => {
    const known = kernelTypes().function(name)?.parameters.length;
    return arity === undefined || known === undefined || arity === known
      ? []
      : [`${name}: ${arity} instead of ${known}`];
  });
  expect(different).toEqual([]);
});

test('declared tracepoints pass what their raw form has, and fill every field of the record', () => {
  const wrong = declaredTracepoints().flatMap(({ category, name, arity }) => {
    const parameters = rawTracepointParameters(name)?.length;
    return parameters === arity ? [] : [`${category}:${name}: ${arity} instead of ${parameters}`];
  });
  expect(wrong).toEqual([]);
  const m = machineRunning([]);
  for (const { category, name, record } of declaredTracepoints()) {
    const filled = new Set<string>();
    const note = (field: string) => (): void => {
      filled.add(field);
    };
    record(
      {
        number: (f) => (note(f)(), note(f)),
        pointer: (f) => (note(f)(), note(f)),
        text: (f) => (note(f)(), note(f)),
        bytes: (f) => (note(f)(), note(f)),
      },
      m,
    );
    const fields = tracepointFormat(category, name)!.fields.map((field) => field.name);
    expect([...filled].sort(), `${category}:${name}`).toEqual(fields.sort());
  }
});
