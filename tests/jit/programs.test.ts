import { expect, test } from 'vitest';
import { compileImage } from '../../src/jit/compile.ts';
import { interpretImage } from '../../src/runtime/interpreter/interpreter.ts';
import { expectSame } from './differential.ts';
import { imageOf, programOf } from './programs.ts';
import { PLACES, testEnvironment } from './test-environment.ts';

test.each<[string, bigint, string]>([
  [
    'a counted loop',
    45n,
    `
    r0 = 0
    r1 = 10
  again:
    r1 += -1
    r0 += r1
    if r1 != 0 goto again
    exit`,
  ],
  [
    'a loop in a loop with an early exit',
    86n,
    `
    r0 = 0
    r6 = 0
  outer:
    r7 = 0
  inner:
    r0 += r7
    if r0 > 80 goto done
    r7 += 1
    if r7 < 5 goto inner
    r6 += 1
    if r6 < 9 goto outer
    r0 = 1
    exit
  done:
    r0 += 5
    exit`,
  ],
  [
    'branches that meet with different knowledge of a high half',
    0xffffffff00000007n,
    `
    r6 = 7
    r7 = *(u32 *)(r1 +0)
    if r7 != 0 goto other
    r6 = -4294967289 ll
    goto meet
  other:
    w6 = -1
  meet:
    r0 = r6
    exit`,
  ],
  [
    'a copy of a register whose low half alone is known',
    0xffffffff00000007n,
    `
    r6 = 7
    r7 = *(u32 *)(r1 +0)
    if r7 != 0 goto meet
    r6 = -4294967289 ll
  meet:
    r0 = r6
    exit`,
  ],
  [
    'constants that meet variables around a loop',
    28n,
    `
    r0 = 0
    r6 = 1
    r7 = 4
  again:
    r0 += r6
    r6 = r7
    r6 += r6
    r7 += -1
    if r7 == 0 goto done
    r8 = r6
    goto again
  done:
    r0 += r8
    r0 += 5
    exit`,
  ],
  [
    'quotient and remainder of the same operands',
    614891469123651744n,
    `
    r2 = 0x8000000000000000ll
    r3 = *(u64 *)(r1 +0)
    r3 += 15
    r4 = r2
    r4 /= r3
    r0 = r2
    r0 %= r3
    r0 <<= 1
    r5 = r2
    r5 s/= r3
    r2 s%= r3
    r0 += r4
    r0 += r5
    r0 -= r2
    r0 += r4
    exit`,
  ],
  [
    'remainders behind a quotient that is gone, or of other operands',
    5n,
    `
    r2 = 100
    r3 = *(u64 *)(r1 +0)
    r4 = r2
    r4 /= r3
    r0 = r2
    r3 += 7
    r0 %= r3
    r5 = r2
    r5 /= r3
    r5 = 1
    r2 %= r3
    r0 += r2
    r0 += r5
    exit`,
  ],
  [
    'quotient and remainder by zero',
    42n,
    `
    r2 = 42
    r3 = *(u64 *)(r1 +0)
    r0 = r2
    r0 /= r3
    r2 %= r3
    r0 += r2
    exit`,
  ],
  [
    'a ring-buffer record of more than 4 GiB, which there cannot be',
    0n,
    `
    r1 = map[2]
    r2 = 0x100000010ll
    r3 = 0
    call ringbuf_reserve
    if r0 == 0 goto none
    r1 = r0
    r2 = 0
    call ringbuf_discard
    r0 = 1
  none:
    exit`,
  ],
  [
    'an irreducible graph',
    11n,
    `
    r0 = 0
    r6 = *(u64 *)(r1 +0)
    if r6 == 0 goto right
  left:
    r0 += 1
    if r0 > 10 goto done
  right:
    r0 += 2
    if r0 <= 10 goto left
  done:
    exit`,
  ],
  [
    'a subprogram that fills memory of its caller',
    46n,
    `
    r1 = r10
    r1 += -16
    r2 = 40
    call fill
    r1 = *(u64 *)(r10 -16)
    r0 += r1
    exit
  fill:
    r2 += 1
    *(u64 *)(r1 +0) = r2
    *(u64 *)(r10 -8) = 5
    r0 = *(u64 *)(r10 -8)
    exit`,
  ],
  [
    'a subprogram that returns 64 bits',
    0x1_0000_0001n,
    `
    r1 = 0x100000000ll
    call twice
    r0 += 1
    exit
  twice:
    r0 = r1
    exit`,
  ],
  [
    'callbacks that change the caller through a pointer',
    13n,
    `
    *(u64 *)(r10 -8) = 3
    r1 = 5
    r2 = func[add]
    r3 = r10
    r3 += -8
    r4 = 0
    call loop
    r0 = *(u64 *)(r10 -8)
    exit
  add:
    r3 = *(u64 *)(r2 +0)
    r3 += r1
    *(u64 *)(r2 +0) = r3
    r0 = 0
    exit`,
  ],
  [
    'a callback that starts another loop and stops early',
    9n,
    `
    *(u64 *)(r10 -8) = 0
    r1 = 100
    r2 = func[outer]
    r3 = r10
    r3 += -8
    r4 = 0
    call loop
    r6 = r0
    r0 = *(u64 *)(r10 -8)
    r0 += r6
    exit
  outer:
    r6 = r1
    r1 = 2
    r3 = r2
    r2 = func[inner]
    r4 = 0
    call loop
    r0 = 1
    if r6 >= 2 goto out
    r0 = 0
  out:
    exit
  inner:
    r3 = *(u64 *)(r2 +0)
    r3 += 1
    *(u64 *)(r2 +0) = r3
    r0 = 0
    exit`,
  ],
  [
    'a walk over an array map',
    0n,
    `
    r1 = map[0]
    r2 = func[visit]
    r3 = 0
    r4 = 0
    call for_each_map_elem
    r0 = 0
    exit
  visit:
    r4 = *(u32 *)(r2 +0)
    r4 <<= 33
    *(u64 *)(r3 +8) = r4
    r0 = 0
    exit`,
  ],
  [
    'array lookups in and out of bounds',
    2n,
    `
    *(u32 *)(r10 -4) = 2
    r1 = map[0]
    r2 = r10
    r2 += -4
    call map_lookup_elem
    r6 = 0
    if r0 == 0 goto miss
    r6 = 1
    r1 = 1
    lock *(u64 *)(r0 +8) += r1
  miss:
    *(u32 *)(r10 -4) = 4
    r1 = map[0]
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 != 0 goto hit
    r6 += 1
  hit:
    r0 = r6
    exit`,
  ],
  [
    'per-CPU lookups, the value spilled and reloaded',
    7n,
    `
    *(u32 *)(r10 -4) = 3
    r1 = map[1]
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 == 0 goto miss
    *(u64 *)(r10 -16) = r0
    r6 = *(u64 *)(r10 -16)
    *(u16 *)(r6 +1) = 7
    r0 = *(u16 *)(r6 +1)
  miss:
    exit`,
  ],
  [
    'a value addressed directly',
    0x0102030405060708n,
    `
    r1 = map[0]+24
    r2 = 0x102030405060708ll
    *(u64 *)(r1 +4) = r2
    r0 = *(u64 *)(r1 +4)
    exit`,
  ],
  [
    'inlined helpers',
    (1230n << 32n) + 1234n + (5n << 32n) + 0x12345678n + 1n,
    `
    call get_current_pid_tgid
    r6 = r0
    call ktime_get_ns
    r6 += r0
    call get_smp_processor_id
    r6 += r0
    r0 = r6
    exit`,
  ],
  [
    'a helper that fails with a negative number',
    0xfffffffffffffff2n,
    `
    r1 = r10
    r1 += -8
    r2 = 8
    r3 = 0
    call probe_read_kernel
    exit`,
  ],
  [
    'ring-buffer records',
    0n,
    `
    r1 = map[2]
    r2 = 24
    r3 = 0
    call ringbuf_reserve
    if r0 == 0 goto full
    *(u64 *)(r0 +0) = 42
    *(u8 *)(r0 +9) = -1
    r6 = r0
    r1 = r6
    r1 += 16
    r2 = 8
    call get_current_comm
    r1 = r6
    r2 = 0
    call ringbuf_submit
  full:
    r0 = 0
    exit`,
  ],
  [
    'may_goto that is never exhausted',
    100n,
    `
    r0 = 0
  again:
    may_goto done
    r0 += 1
    if r0 < 100 goto again
  done:
    exit`,
  ],
  [
    'a jump beyond nothing',
    3n,
    `
    r0 = 3
    if r0 > 5 goto +0
    gotol +0
    exit`,
  ],
])('%s runs alike in both engines', (_, wanted, text) => {
  const input = new Uint8Array(64);
  expect(expectSame(programOf(text), { input })).toBe(wanted);
});

test('knowledge meets in both directions', () => {
  const text = `
    r6 = 7
    r7 = *(u32 *)(r1 +0)
    if r7 != 0 goto other
    r6 = 0xffffffff00000007ll
    goto meet
  other:
    w6 = -1
  meet:
    r0 = r6
    exit`;
  expect(expectSame(programOf(text), { input: Uint8Array.of(1, 0, 0, 0) })).toBe(0xffffffffn);
  expect(expectSame(programOf(text), { input: new Uint8Array(4) })).toBe(0xffffffff00000007n);
});

test('the upper half of a word, shifted down, is not negative', () => {
  const text = `
    r1 = *(u64 *)(r1 +0)
    r1 >>= 32
    r0 = 0
    if r1 s> -1 goto +1
    r0 = 1
    exit`;
  expect(expectSame(programOf(text), { input: new Uint8Array(8).fill(0xff) })).toBe(0n);
});

test('a load that may fault yields zero, sign-extended or not', () => {
  const text = `
    r6 = r1
    r2 = 0x100000008ll
    r0 = *(u32 *)(r2 +4)
    r3 = *(s8 *)(r6 +0)
    r4 = *(u16 *)(r6 +0)
    r5 = *(u64 *)(r6 +0)
    r0 += r3
    r0 += r4
    r0 += r5
    exit`;
  const accesses = Object.fromEntries([4, 5, 6, 7].map((slot) => [slot - 1, { region: 'probe' }] as const));
  const input = Uint8Array.of(0xfe, 1, 0, 0, 0, 0, 0, 0x80);
  expect(expectSame(programOf(text), { input, accesses })).toBe(0x80000000000003fan);
});

test('accesses by known place give the same as by register', () => {
  const text = `
    r6 = r10
    r7 = *(u64 *)(r1 +0)
    if r7 == 0 goto low
    r6 += -32
    goto use
  low:
    r6 += -32
  use:
    *(u64 *)(r6 +8) = 77
    r0 = *(u64 *)(r10 -24)
    exit`;
  const accesses = { 6: { region: 'stack', offset: -24 }, 1: { region: 'context', offset: 0 } } as const;
  expect(expectSame(programOf(text), { accesses })).toBe(77n);
});

test('programs of one image are separate functions of one unit', () => {
  const image = imageOf([programOf('r0 = 1\nexit', 'first'), programOf('r0 = 2\nexit', 'second')]);
  const compiled = compileImage(image);
  const [source, programs] = [compiled.source(), compiled.programs];
  expect([...programs.keys()]).toEqual(['first', 'second']);
  expect(source.match(/^\/\/ \d: (first|second)/gm)).toHaveLength(2);
});

test('generated code shows each instruction and no bigint', () => {
  const source = compileImage(
    imageOf([programOf('r0 = 0x123456789abcdef0ll\nr1 = 3\nr0 *= r1\nr0 /= 10\nif r0 s> 5 goto +1\nr0 ^= -1\nexit')]),
  ).source();
  expect(source).toContain('// 2: r1 = 3');
  expect(source).toContain('// 7: exit');
  expect(source.replaceAll(/\/\/.*$/gm, '')).not.toMatch(/BigInt|\b\d+n\b/);
});

/** Where `step` starts in the program below. */
const STEP_SLOT = 7;

test.each(['interp', 'js', 'wasm'] as const)(
  'a failure inside a callback leaves no callback behind in %s',
  (engine) => {
    const program = programOf(`
    r1 = 5
    r2 = func[step]
    r3 = 0
    r4 = 0
    call loop
    exit
  step:
    call get_prandom_u32
    r0 = 0
    exit`);
    const image = imageOf([program]);
    const programs = engine === 'interp' ? interpretImage(image) : compileImage(image, engine).programs;
    const standard = testEnvironment();
    const environment = {
      ...standard,
      helpers: {
        ...standard.helpers,
        // As a helper that calls back does, which the standard one asks its own environment for.
        loop: () => environment.callback!(STEP_SLOT, new Int32Array(10)),
        get_prandom_u32: (): number => {
          throw new Error('no entropy');
        },
      },
    } as typeof standard;
    expect(() => programs.get(program.name)!(environment)(PLACES.context)).toThrow('no entropy');
    expect(environment.callback).toBeNull();
  },
);
