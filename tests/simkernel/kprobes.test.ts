import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { machineRunning, MILLISECOND, runFor } from './support.ts';
import { ARCHITECTURES } from '../../src/simkernel/arch/architectures.ts';
import type { AbiName } from '../../src/btf/abi/abis.ts';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import {
  instructionLength,
  isInstructionBoundary,
  originalText,
  textSymbol,
} from '../../src/simkernel/execution/text.ts';
import { vfsRead } from '../../src/simkernel/functions/fs/vfs.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { highOf, lowOf } from '../../src/simkernel/memory/arena.ts';
import { registeredKprobes, registerKprobe } from '../../src/simkernel/probes/register-kprobe.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';

function* readsMotd(u: UserContext): UserBody {
  const buffer = u.buffer(4096);
  for (;;) {
    const fd = yield u.openat('/etc/motd');
    yield u.read(fd, buffer, 4096);
    yield u.close(fd);
    yield u.nanosleep(MILLISECOND / 4);
  }
}
const machine = (arch: AbiName = 'x86_64'): Machine =>
  machineRunning([readsMotd], { files: [{ path: '/etc/motd', size: 5000 }], arch });

const vfsReadText = textSymbol('vfs_read')!;
const CODE = ARCHITECTURES.x86_64.kernelCode;
const ARCHES = ['x86_64', 'arm64'] as const;
/** Offsets of instructions behind a function's entry. */
const offsetsOf = (arch: AbiName): readonly number[] =>
  Array.from({ length: vfsReadText.size }, (_, at) => at).filter(
    (at) =>
      at > 8 && at < vfsReadText.size - 16 && isInstructionBoundary(ARCHITECTURES[arch].kernelCode, vfsReadText, at),
  );
const OFFSETS = offsetsOf('x86_64');
function textOf(m: Machine): number[] {
  m.arena.kernelAddress(vfsReadText.entry | 0x80000000, -1, vfsReadText.size);
  return [...m.arena.bytes.subarray(vfsReadText.entry, vfsReadText.entry + vfsReadText.size)];
}
function mustRegister(m: Machine, request: Parameters<typeof registerKprobe>[1]) {
  const registered = registerKprobe(m, request);
  if ('errno' in registered) throw new Error(registered.reason);
  return registered;
}

describe('a kprobe inside a function', () => {
  test('is an int3 in the text; the copy of its instruction is stepped through, then post-handlers run', () => {
    const m = machine();
    const offset = OFFSETS[20]!;
    const seen: string[] = [];
    const ip = (regs: number): number => (m.words[(regs + PT_REGS.ip) >> 2]! & 0x7fffffff) - vfsReadText.entry;
    const { unregister } = mustRegister(m, {
      kind: 'k',
      function: 'vfs_read',
      offset,
      pre: (regs) => void seen.push(`pre ${ip(regs)}`),
      post: (regs) => void seen.push(`post ${ip(regs)}`),
    });
    expect(textOf(m)[offset]).toBe(0xcc);
    runFor(m, MILLISECOND);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.slice(0, 2)).toEqual([
      `pre ${offset + 1}`,
      `post ${offset + instructionLength(CODE, vfsReadText, offset)}`,
    ]);
    unregister();
    expect(textOf(m)[offset]).toBe(originalText(CODE, vfsReadText)[offset]);
  });

  test('a handler that has moved the CPU keeps it from the instruction', () => {
    const m = machine();
    let stepped = 0;
    mustRegister(m, {
      kind: 'k',
      function: 'vfs_read',
      offset: OFFSETS[3]!,
      pre: () => true,
      post: () => (stepped += 1),
    });
    runFor(m, MILLISECOND);
    expect(stepped).toBe(0);
  });

  test.each([
    ['between two instructions', 'vfs_read', 1, 'EILSEQ'],
    ['behind the function', 'vfs_read', 1_000_000, 'EINVAL'],
    ['in what serves kprobes', 'kprobe_exceptions_notify', 0, 'EINVAL'],
    ['in entry code', 'asm_exc_int3', 0, 'EINVAL'],
    ['in no function', 'nonsense', 0, 'ENOENT'],
  ])('is refused %s', (_, name, offset, errno) => {
    expect(registerKprobe(machine(), { kind: 'k', function: name, offset, pre: () => undefined })).toMatchObject({
      errno,
    });
  });
});

test('a probe that is hit inside another one is missed', () => {
  const m = machine();
  const inner = mustRegister(m, { kind: 'k', function: 'vfs_read', pre: () => undefined });
  let calls = 0;
  mustRegister(m, {
    kind: 'k',
    function: 'filp_close',
    pre() {
      calls += 1;
      void vfsRead(m, m.cpu.current.process!.files.get(0)!, 0, 0, null as never);
    },
  });
  runFor(m, MILLISECOND);
  expect(calls).toBeGreaterThan(0);
  expect(inner.probe.missed).toBe(calls);
});

test('a kretprobe follows no more calls at a time than it has instances', () => {
  const m = machineRunning(
    Array.from({ length: 3 }, () => readsMotd),
    { files: [{ path: '/etc/motd', size: 5000 }] },
  );
  let returned = 0;
  const { probe } = mustRegister(m, {
    kind: 'r',
    function: 'do_nanosleep',
    maxActive: 1,
    pre: () => void (returned += 1),
  });
  runFor(m, 3 * MILLISECOND);
  expect(probe.missed).toBeGreaterThan(0);
  expect(returned).toBeGreaterThan(0);
  expect(probe.active).toBeLessThanOrEqual(1);
});

test('the list has every probe by address', () => {
  const m = machine();
  for (const request of [
    { kind: 'r' as const, function: 'vfs_read' },
    { kind: 'k' as const, function: 'vfs_read', offset: OFFSETS[0]! },
  ]) {
    mustRegister(m, { ...request, pre: () => undefined });
  }
  expect(registeredKprobes(m).map(({ kind, offset, usesFtrace }) => [kind, offset, usesFtrace])).toEqual([
    ['r', 4, true],
    ['k', OFFSETS[0], false],
  ]);
});

describe('on arm64 a kprobe', () => {
  test('is a brk at the first instruction too; a copy of it runs in front of a second brk, then post-handlers', () => {
    const m = machine('arm64');
    const seen: string[] = [];
    const word = (at: number): number => m.arena.view.getUint32(vfsReadText.entry + at, true);
    const pc = (regs: number): number => m.words[(regs + m.abi.ip) >> 2]! & 0x7fffffff;
    const { unregister } = mustRegister(m, {
      kind: 'k',
      function: 'vfs_read',
      pre: (regs) => void seen.push(`pre ${pc(regs) - vfsReadText.entry}`),
      post: (regs) => void seen.push(`post ${pc(regs) - vfsReadText.entry}`),
    });
    expect(word(0).toString(16)).toBe('d4200080');
    runFor(m, MILLISECOND);
    expect(seen.slice(0, 2)).toEqual(['pre 0', 'post 4']);
    const copy = insnPage(m).findIndex((bits) => bits === 0xd503245f);
    expect(insnPage(m)[copy + 1]!.toString(16)).toBe('d42000c0');
    unregister();
    expect(word(0).toString(16)).toBe('d503245f');
  });

  test('at an instruction that does not depend on its registers is simulated: nothing is copied', () => {
    const m = machine('arm64');
    let hits = 0;
    mustRegister(m, { kind: 'k', function: 'vfs_read', offset: 4, pre: () => undefined, post: () => void (hits += 1) });
    runFor(m, MILLISECOND);
    expect(hits).toBeGreaterThan(0);
    expect(insnPage(m).every((bits) => bits !== 0xd42000c0)).toBe(true);
  });

  test.each([1, 2, 3, 6])('at offset %i is refused: instructions are aligned', (offset) => {
    const registered = registerKprobe(machine('arm64'), {
      kind: 'k',
      function: 'vfs_read',
      offset,
      pre: () => undefined,
    });
    expect(registered).toMatchObject({ errno: 'EINVAL' });
  });

  test('finds its caller in x30, which a kretprobe replaces by the trampoline', () => {
    const m = machine('arm64');
    const links = new Set<string>();
    const results: number[] = [];
    mustRegister(m, {
      kind: 'k',
      function: 'vfs_read',
      pre: (regs) => void links.add(m.kernelSymbol(m.words[(regs + m.abi.link!) >> 2]!, -1)!.name),
    });
    mustRegister(m, {
      kind: 'r',
      function: 'vfs_read',
      pre: (regs) => void results.push(m.words[(regs + m.abi.result) >> 2]!),
    });
    runFor(m, MILLISECOND);
    expect([...links]).toEqual(['ksys_read']);
    expect(results.every((bytes) => bytes === 4096)).toBe(true);
    expect(registeredKprobes(m).map(({ kind, offset, usesFtrace }) => [kind, offset, usesFtrace])).toEqual([
      ['k', 0, false],
      ['r', 0, false],
    ]);
  });
});

const insnPage = (m: Machine): readonly number[] => {
  const { entry, size } = textSymbol('kprobe_insn_page')!;
  m.arena.kernelAddress(entry | 0x80000000, -1, size);
  return Array.from({ length: size / 4 }, (_, i) => m.arena.view.getUint32(entry + 4 * i, true));
};

test.each(ARCHES)(
  'on %s probes come and go under load without losing an event, and leave the text as it was',
  (arch) => {
    const places = offsetsOf(arch);
    const step = fc.record({
      offsets: fc.uniqueArray(fc.constantFrom(0, ...places.slice(0, 40)), { maxLength: 4 }),
      atReturn: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        const m = machine(arch);
        const before = textOf(m);
        for (const { offsets, atReturn } of steps) {
          const counts = offsets.map(() => 0);
          const registered = offsets.map((offset, i) =>
            mustRegister(m, { kind: 'k', function: 'vfs_read', offset, pre: () => void (counts[i]! += 1) }),
          );
          let returns = 0;
          if (atReturn) {
            registered.push(mustRegister(m, { kind: 'r', function: 'vfs_read', pre: () => void (returns += 1) }));
          }
          runFor(m, MILLISECOND);
          for (const each of registered) each.unregister();
          // Reads of cached files do not sleep, so every call has gone through all of its places.
          expect(new Set([...counts, ...(atReturn ? [returns] : [])]).size).toBeLessThanOrEqual(1);
          expect(counts.every((count) => count > 0)).toBe(true);
        }
        expect(textOf(m)).toEqual(before);
        expect(registeredKprobes(m)).toEqual([]);
      }),
      { numRuns: 8 },
    );
  },
);

test('functions among the arguments are their addresses, and truths among the results 0 or 1', () => {
  expect(lowOf(true)).toBe(1);
  expect([lowOf(false), highOf(true)]).toEqual([0, 0]);
  const m = createMachine({ scenario: SCENARIOS.interrupts });
  const called = new Set<string>();
  m.attach({ kind: 'kprobe', function: 'smp_call_function_many_cond', offset: 0 }, (context) => {
    const at = (context + m.abi.arguments[1]!) >> 2;
    called.add(m.kernelSymbol(m.words[at]!, m.words[at + 1]!)?.name ?? '?');
  });
  runFor(m, 400 * MILLISECOND);
  expect([...called]).toContain('everywhere_read');
  expect(called).not.toContain('?');
});
