import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { machineRunning, MILLISECOND, runFor } from './support.ts';
import type { AbiName } from '../../src/btf/abi/abis.ts';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { ARCHITECTURES } from '../../src/simkernel/arch/architectures.ts';
import { codeOf, originalText, textSymbol } from '../../src/simkernel/execution/text.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { optimizedLength } from '../../src/simkernel/probes/optimizable.ts';
import { walkKernelStack } from '../../src/simkernel/probes/stack.ts';
import {
  allowOptimizing,
  armAllKprobes,
  isOptimized,
  registerKprobe,
} from '../../src/simkernel/probes/register-kprobe.ts';
import type { RegisteredKprobe } from '../../src/simkernel/probes/register-kprobe.ts';

const { kernelCode } = ARCHITECTURES.x86_64;
const vfsRead = textSymbol('vfs_read')!;
const code = codeOf(kernelCode, vfsRead);
const PLACES = [...code.boundaries.keys()].filter(
  (at) => code.boundaries[at] === 1 && optimizedLength(kernelCode, code, at) !== undefined,
);
const INT3 = 0xcc;
const JUMP = 0xe9;
/** Delay and grace period of the optimizer, and some more. */
const LONG_ENOUGH = 130 * MILLISECOND;

function* reads(u: UserContext): UserBody {
  const buffer = u.buffer(64);
  const fd = yield u.openat('/etc/motd');
  for (;;) {
    yield u.read(fd, buffer, 16);
    yield u.nanosleep(MILLISECOND / 5);
  }
}
const machine = (arch: AbiName = 'x86_64'): Machine =>
  machineRunning([reads], { arch, files: [{ path: '/etc/motd', size: 5000 }] });
function textOf(m: Machine): readonly number[] {
  m.arena.kernelAddress(vfsRead.entry | 0x80000000, -1, vfsRead.size);
  return [...m.arena.bytes.subarray(vfsRead.entry, vfsRead.entry + vfsRead.size)];
}
function mustRegister(
  m: Machine,
  offset: number,
  more: { post?: () => void; pre?: (regs: number) => void } = {},
): RegisteredKprobe {
  const registered = registerKprobe(m, {
    kind: 'k',
    function: 'vfs_read',
    offset,
    pre: more.pre ?? ((): void => undefined),
    ...(more.post === undefined ? {} : { post: more.post }),
  });
  if ('errno' in registered) throw new Error(registered.reason);
  return registered;
}

describe('a kprobe inside a function', () => {
  test('is a breakpoint first and a jump later; its handlers see the same', () => {
    const m = machine();
    const before = textOf(m);
    const offset = PLACES[4]!;
    const seen: string[] = [];
    const probe = mustRegister(m, offset, {
      pre(regs) {
        const stack: number[] = [];
        walkKernelStack(m, (low) => stack.push(low & 0x7fffffff) > 0);
        seen.push(`${(m.words[(regs + PT_REGS.ip) >> 2]! & 0x7fffffff) - vfsRead.entry} ${stack.join(' ')}`);
      },
    });
    expect(textOf(m)[offset]).toBe(INT3);
    expect(isOptimized(m, probe.probe)).toBe(true);
    runFor(m, 5 * MILLISECOND);
    const first = new Set(seen.splice(0));
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(JUMP);
    seen.splice(0);
    runFor(m, 5 * MILLISECOND);
    expect([...first][0]).toMatch(new RegExp(`^${offset + 1} `));
    expect(new Set(seen)).toEqual(first);
    probe.unregister();
    expect(textOf(m)).toEqual(before);
  });

  test('the jump leads to a copy of what it covers, and from there back', () => {
    const m = machine();
    const offset = PLACES[4]!;
    const length = optimizedLength(kernelCode, code, offset)!;
    mustRegister(m, offset);
    runFor(m, LONG_ENOUGH);
    const { view, bytes } = m.arena;
    const target = (at: number): number => at + 5 + view.getInt32(at + 1, true);
    const detour = target(vfsRead.entry + offset);
    const copy = [...originalText(kernelCode, vfsRead).subarray(offset, offset + length)];
    const end = Array.from({ length: 256 }, (_, at) => detour + at).find(
      (at) => bytes[at] === JUMP && target(at) === vfsRead.entry + offset + length,
    )!;
    expect([...bytes.subarray(end - length, end)]).toEqual(copy);
  });

  test('with a post-handler stays a breakpoint, and one that comes later takes the jump away', () => {
    const m = machine();
    const offset = PLACES[4]!;
    const probe = mustRegister(m, offset);
    runFor(m, LONG_ENOUGH);
    let posts = 0;
    const second = mustRegister(m, offset, { post: () => (posts += 1) });
    expect([textOf(m)[offset], isOptimized(m, probe.probe)]).toEqual([INT3, false]);
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(INT3);
    expect(posts).toBeGreaterThan(0);
    second.unregister();
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(JUMP);
  });

  test('gives up its jump to a probe among the instructions that it covers', () => {
    const m = machine();
    const offset = PLACES.find((at) => code.boundaries.subarray(at + 1, at + 5).includes(1))!;
    const inner = offset + 1 + code.boundaries.subarray(offset + 1).indexOf(1);
    const outer = mustRegister(m, offset);
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(JUMP);
    let hits = 0;
    const second = mustRegister(m, inner, { pre: () => void (hits += 1) });
    expect([textOf(m)[offset], textOf(m)[inner], isOptimized(m, outer.probe)]).toEqual([INT3, INT3, false]);
    runFor(m, LONG_ENOUGH);
    expect(hits).toBeGreaterThan(0);
    second.unregister();
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(JUMP);
  });

  test('is a breakpoint again while jumps are forbidden, and nothing while all probes are disarmed', () => {
    const m = machine();
    const offset = PLACES[4]!;
    const before = textOf(m);
    mustRegister(m, offset);
    runFor(m, LONG_ENOUGH);
    allowOptimizing(m, false);
    expect(textOf(m)[offset]).toBe(INT3);
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(INT3);
    allowOptimizing(m, true);
    runFor(m, LONG_ENOUGH);
    expect(textOf(m)[offset]).toBe(JUMP);
    armAllKprobes(m, false);
    expect(textOf(m)).toEqual(before);
  });

  test('stays a breakpoint on arm64', () => {
    const m = machine('arm64');
    const at = [...codeOf(m.arch.kernelCode, vfsRead).boundaries.keys()].filter(
      (offset) => codeOf(m.arch.kernelCode, vfsRead).boundaries[offset] === 1,
    )[12]!;
    const probe = mustRegister(m, at);
    runFor(m, LONG_ENOUGH);
    expect(isOptimized(m, probe.probe)).toBe(false);
  });
});

/** One instruction after the other, as bytes. */
function codeFrom(...instructions: readonly (readonly number[])[]): Parameters<typeof optimizedLength>[1] {
  const bytes = Uint8Array.from(instructions.flat());
  const boundaries = new Uint8Array(bytes.length);
  let at = 0;
  for (const { length } of instructions) {
    boundaries[at] = 1;
    at += length;
  }
  return { bytes, boundaries };
}
const HEAD = [
  [0xf3, 0x0f, 0x1e, 0xfa],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
] as const;
const MOV = [0x48, 0x89, 0xe5];
const XOR = [0x31, 0xc0];
const TAIL = [[0x90], [0x90], [0x90], [0x90], [0x90], [0xc3]] as const;
test.each([
  ['two instructions that fill the jump', [MOV, XOR, ...TAIL], 5],
  ['a third one that the jump only begins', [XOR, XOR, MOV, ...TAIL], 7],
  ['a call among them', [XOR, [0xe8, 0, 0, 0, 0], ...TAIL], undefined],
  ['a conditional jump among them', [XOR, [0x74, 0x00], XOR, ...TAIL], undefined],
  ['a jump from behind into them', [XOR, MOV, [0x90], [0xeb, 0xfa], ...TAIL], undefined],
  ['a jump from behind to the first of them', [XOR, MOV, [0x90], [0xeb, 0xf8], ...TAIL], 5],
  ['a near jump into them', [XOR, MOV, [0x0f, 0x84, 0xf7, 0xff, 0xff, 0xff], ...TAIL], undefined],
  ['an end of the function that is too near', [XOR, [0xc3]], undefined],
])('with %s, a jump covers', (_, instructions, expected) => {
  expect(optimizedLength(kernelCode, codeFrom(...HEAD, ...instructions), 9)).toBe(expected);
});
test('the site of ftrace is never covered', () => {
  expect(optimizedLength(kernelCode, codeFrom(...HEAD, MOV, XOR, ...TAIL), 4)).toBeUndefined();
});

test('probes and time in any order: each sees each call once, and the text is as before', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), at: fc.nat(PLACES.length - 1), post: fc.boolean() }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.nat(5), post: fc.constant(false) }),
    fc.record({ kind: fc.constant('wait' as const), at: fc.nat(130), post: fc.constant(false) }),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 9 }), (steps) => {
      const m = machine();
      const before = textOf(m);
      let calls = 0;
      const entry = registerKprobe(m, { kind: 'k', function: 'vfs_read', pre: () => void (calls += 1) });
      const probes: { readonly registered: RegisteredKprobe; readonly from: number; hits: number }[] = [];
      const end = (index: number): void => {
        const [probe] = probes.splice(index, 1);
        probe?.registered.unregister();
        if (probe !== undefined) expect(probe.hits).toBe(calls - probe.from);
      };
      for (const { kind, at, post } of steps) {
        if (kind === 'wait') runFor(m, at * MILLISECOND);
        else if (kind === 'drop') end(at % Math.max(1, probes.length));
        else {
          const probe = {
            registered: mustRegister(m, PLACES[at]!, {
              pre: () => void (probe.hits += 1),
              ...(post ? { post: () => undefined } : {}),
            }),
            from: calls,
            hits: 0,
          };
          probes.push(probe);
        }
      }
      while (probes.length > 0) end(0);
      if (!('errno' in entry)) entry.unregister();
      expect(textOf(m)).toEqual(before);
    }),
    { numRuns: 25, seed: 11 },
  );
});
