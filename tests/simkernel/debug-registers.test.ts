import { describe, expect, test } from 'vitest';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import {
  DR6_STEP,
  instructionReached,
  memoryAccessed,
  runInstruction,
} from '../../src/simkernel/cpu/debug-registers.ts';
import { deliver } from '../../src/simkernel/cpu/deliver.ts';
import type { Cpu } from '../../src/simkernel/cpu/cpu.ts';
import { VECTORS } from '../../src/simkernel/cpu/descriptor-tables.ts';
import { FLAGS } from '../../src/simkernel/cpu/registers.ts';
import { kernelFunction } from '../../src/simkernel/execution/kernel-function.ts';
import { textSymbol } from '../../src/simkernel/execution/text.ts';
import { archInstallHwBreakpoint, archUninstallHwBreakpoint } from '../../src/simkernel/functions/x86/hw-breakpoint.ts';
import type { HwBreakpoint } from '../../src/simkernel/functions/x86/hw-breakpoint.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { KERNEL_HIGH } from '../../src/simkernel/memory/arena.ts';
import { registerKprobe } from '../../src/simkernel/probes/register-kprobe.ts';
import { machineRunning, MILLISECOND, runFor } from './support.ts';

const writer = kernelFunction('test_debug_writer', 20, (m, at: number, value: number): void => {
  m.words[at >> 2] = value;
  m.spend(5);
});
function idleMachine(): { m: Machine; cpu: Cpu } {
  const m = machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(100_000);
    },
  ]);
  runFor(m, MILLISECOND);
  const cpu = m.cpuList[0]!;
  m.cpu = cpu;
  return { m, cpu };
}
function watch(m: Machine, cpu: Cpu, at: number, type: HwBreakpoint['type'] = 'write', size = 4) {
  const hits: number[] = [];
  const bp: HwBreakpoint = {
    address: m.arena.allocate(64),
    low: at,
    high: KERNEL_HIGH,
    size,
    type,
    hit: (_m, regs) => hits.push(m.words[(regs.address + PT_REGS.ip) >> 2]! & 0x7fffffff),
  };
  return { bp, hits, result: archInstallHwBreakpoint(m, bp, cpu.id) };
}

describe('a watched address', () => {
  test('traps behind the code that wrote to it, and not for its neighbours', () => {
    const { m, cpu } = idleMachine();
    const at = m.arena.allocate(16);
    const { hits } = watch(m, cpu, at);
    writer(m, at + 4, 1);
    expect(hits).toEqual([]);
    writer(m, at, 7);
    const { entry, size } = textSymbol('test_debug_writer')!;
    expect(hits).toHaveLength(1);
    expect(hits[0]).toBeGreaterThan(entry);
    expect(hits[0]).toBeLessThan(entry + size);
    expect(cpu.debug.status).toBe(0xffff0ff0 | 0);
  });
  test('is not looked at any more once its register is free, and code runs at full speed again', () => {
    const { m, cpu } = idleMachine();
    const at = m.arena.allocate(16);
    const { bp, hits } = watch(m, cpu, at);
    expect(cpu.horizon).toBe(0);
    archUninstallHwBreakpoint(m, bp, cpu.id);
    expect(cpu.horizon).toBeGreaterThan(0);
    writer(m, at, 7);
    expect(hits).toEqual([]);
    expect(cpu.debug.control).toBe(0);
  });
  test('what another CPU wrote is not charged to this one', () => {
    const { m, cpu } = idleMachine();
    const at = m.arena.allocate(16);
    const { hits } = watch(m, cpu, at);
    m.cpu = m.cpuList[1]!;
    writer(m, at, 7);
    m.cpu = cpu;
    runFor(m, 10 * MILLISECOND);
    expect(hits).toEqual([]);
  });
  test("there are four registers, and lengths and alignment are the hardware's", () => {
    const { m, cpu } = idleMachine();
    const at = m.arena.allocate(64);
    expect(watch(m, cpu, at, 'write', 3).result).toBe(-22);
    expect(watch(m, cpu, at + 2, 'write', 4).result).toBe(-22);
    for (let n = 0; n < 4; n += 1) expect(watch(m, cpu, at + 8 * n, 'readwrite', 8).result).toBe(0);
    expect(watch(m, cpu, at, 'write').result).toBe(-16);
    // G0..G3, and for each 8 bytes (10), read or write (11).
    expect(cpu.debug.control >>> 0).toBe(0xbbbb00aa);
  });
  test.each([
    ['write', 0, 4, true, 1],
    ['write', 0, 4, false, 0],
    ['readwrite', 3, 1, false, 1],
    ['readwrite', 4, 4, true, 0],
    ['execute', 0, 4, true, 0],
  ] as const)('%s: an access at +%i of %i bytes (write: %s) meets %i', (type, offset, size, write, met) => {
    const { m, cpu } = idleMachine();
    const at = m.arena.allocate(64);
    watch(m, cpu, at, type);
    expect(memoryAccessed(cpu, at + offset, KERNEL_HIGH, size, write)).toBe(met);
    expect(memoryAccessed(cpu, at + offset, 0, size, write)).toBe(0);
  });
  test('execution is met at the address alone', () => {
    const { m, cpu } = idleMachine();
    const low = textSymbol('test_debug_writer')!.entry | 0x80000000;
    const bp = { address: 0, low, high: -1, size: 1, type: 'execute', hit: () => undefined } as const;
    expect(archInstallHwBreakpoint(m, bp, 0)).toBe(0);
    expect(instructionReached(cpu, low, -1)).toBe(1);
    expect(instructionReached(cpu, low + 1, -1)).toBe(0);
    expect(cpu.horizon).toBeGreaterThan(0);
  });
});

describe('a single step', () => {
  test('runs one instruction where iret led, then vector 1 tells who asked for it', () => {
    const { m, cpu } = idleMachine();
    const slot = textSymbol('test_debug_writer')!.entry + 9;
    const steps: [status: number, ip: number][] = [];
    // Who moves the CPU himself steps himself: int3's handler sends it somewhere with TF set, #DB's takes TF back.
    m.debugNotifiers.push((_m, regs, dr6) => {
      steps.push([dr6, m.words[(regs.address + PT_REGS.ip) >> 2]! & 0x7fffffff]);
      m.words[(regs.address + PT_REGS.flags) >> 2]! &= ~FLAGS.trap;
      return dr6 & ~DR6_STEP;
    });
    registerKprobe(m, {
      kind: 'k',
      function: 'test_debug_writer',
      offset: 10,
      pre(regs) {
        m.words[(regs + PT_REGS.flags) >> 2]! |= FLAGS.trap;
        m.words[(regs + PT_REGS.ip) >> 2] = slot | 0x80000000;
        return true;
      },
    });
    const before = { flags: cpu.flags, sp: cpu.sp, fp: cpu.fp };
    const text = textSymbol('test_debug_writer')!;
    deliver(m, cpu, VECTORS.breakpoint, text.entry + 11);
    expect(cpu.flags & FLAGS.trap).toBe(FLAGS.trap);
    expect(cpu.resumedAt).toBe(slot);
    expect(runInstruction(m, cpu, cpu.resumedAt, 1)).toBe(slot + 1);
    expect(steps).toEqual([[DR6_STEP, slot + 1]]);
    expect({ flags: cpu.flags, sp: cpu.sp, fp: cpu.fp }).toEqual(before);
    expect(runInstruction(m, cpu, slot, 1)).toBe(slot + 1);
    expect(steps).toHaveLength(1);
  });
  test('that nobody asked for in the kernel is reported once and ends', () => {
    const { m, cpu } = idleMachine();
    cpu.flags |= FLAGS.trap;
    runInstruction(m, cpu, textSymbol('test_debug_writer')!.entry + 9, 1);
    expect(cpu.flags & FLAGS.trap).toBe(0);
    expect(m.shell('dmesg')).toMatch(/single step in kernel mode/);
  });
});
