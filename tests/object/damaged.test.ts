import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BtfWriter } from '../../src/btf/encode.ts';
import type { CType } from '../../src/btf/types.ts';
import { SECTION_HEADER_SIZE } from '../../src/object/elf-format.ts';
import { ElfWriter } from '../../src/object/elf-writer.ts';
import { readMapVariable } from '../../src/object/map-btf.ts';
import { describeSection } from '../../src/object/program-sections.ts';
import { readObject } from '../../src/object/read-object.ts';
import { writeObject } from '../../src/object/write-object.ts';
import { kernelTypes } from '../../src/simkernel/kernel-types.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

const COMPILED: Uint8Array = new Uint8Array(readFileSync(join(import.meta.dirname, 'compiled/packets.o')));
const CORE: Uint8Array = new Uint8Array(readFileSync(join(import.meta.dirname, 'compiled/core.o')));
const OURS = (() => {
  const read = readObject(COMPILED);
  if (!read.ok) throw new Error(read.message);
  const written = writeObject({
    programs: read.object.programs.map((program) => ({
      program: { ...program, ...describeSection(program.section)! },
      sections: [program.section],
    })),
    maps: read.object.maps,
    license: 'GPL',
  });
  if (!written.ok) throw new Error(written.message);
  return written.bytes;
})();

type Damage = (bytes: Uint8Array) => Uint8Array;

/** Numbers that stand at limits: of the fields, of the file, of signs. */
const edge = fc.constantFrom(0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff);
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(([at, value]): Damage => (bytes) => {
    bytes[Math.floor(at * bytes.length)] = value;
    return bytes;
  }),
  fc.tuple(place, fc.oneof(edge, fc.nat(0xffff))).map(([at, value]): Damage => (bytes) => {
    const offset = Math.floor((at * (bytes.length - 4)) / 4) * 4;
    if (offset >= 0) new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true);
    return bytes;
  }),
  place.map(
    (at): Damage =>
      (bytes) =>
        bytes.slice(0, Math.floor(at * bytes.length)),
  ),
);

test.each([
  ['an object of clang', COMPILED],
  ['an object of ours', OURS],
  ['an object with CO-RE relocations', CORE],
])('%s, however damaged, is read or refused with a reason, and what is read can be verified', (_, original) => {
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      const read = readObject(
        damages.reduce<Uint8Array>((bytes, make) => make(bytes), original.slice()),
        kernelTypes(),
      );
      if (!read.ok) return read.message !== '';
      for (const program of read.object.programs) {
        const described = describeSection(program.section) ?? { type: 'kprobe' as const };
        const { verdict } = verifyProgram({ ...program, ...described }, read.object.maps);
        expect(['accept', 'reject']).toContain(verdict);
      }
      return true;
    }),
    { numRuns: 120, seed: 7 },
  );
});

/** An object whose only map is of this type. */
function withMap(type: CType, extra: (elf: ElfWriter) => void = () => undefined): Uint8Array {
  const btf = new BtfWriter();
  btf.dataSection('.maps', 8, [{ variable: btf.variable('m', type), offset: 0, size: 8 }]);
  const elf = new ElfWriter();
  const flags = ['alloc', 'write'] as const;
  const section = elf.section({ name: '.maps', type: 'progbits', flags, align: 8, bytes: new Uint8Array(8) });
  elf.symbol({ name: 'm', binding: 'global', type: 'object', section, value: 0, size: 8 });
  elf.section({ name: '.BTF', type: 'progbits', flags: [], align: 4, bytes: btf.finish() });
  extra(elf);
  return elf.finish();
}

const INT: CType = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false };
const numbered = (name: string, length: number) => ({
  name,
  type: { kind: 'pointer', to: { kind: 'array', element: INT, length } } as const,
  offsetBits: 0,
});
const struct = (...members: ReturnType<typeof numbered>[]): CType => ({ kind: 'struct', name: '', size: 8, members });

function endlessTypedef(): CType {
  const type: CType = { kind: 'typedef', name: 'again', type: INT };
  type.type = type;
  return type;
}

/** An object whose .maps holds something else than variables. */
function withOddSection(): Uint8Array {
  const btf = new BtfWriter();
  btf.dataSection('.maps', 8, [{ variable: btf.type(INT), offset: 0, size: 8 }]);
  const elf = new ElfWriter();
  elf.section({ name: '.BTF', type: 'progbits', flags: [], align: 4, bytes: btf.finish() });
  return elf.finish();
}

test.each<[string, Uint8Array, string]>([
  ['a section of maps without variables', withOddSection(), 'malformed .BTF: section .maps holds no variable'],
  ['a map that is a number', withMap(INT), "map 'm' is no struct with the properties of a map"],
  ['a map without a type', withMap(struct(numbered('max_entries', 4))), "map 'm' has no type"],
  ['an unknown property', withMap(struct(numbered('color', 4))), "map 'm': no map has the property 'color'"],
  ['endless types', withMap(endlessTypedef()), 'malformed .BTF: type 1 leads through more than 32 others'],
  [
    'maps of old objects',
    withMap(struct(numbered('type', 1)), (elf) => {
      elf.section({ name: 'maps', type: 'progbits', flags: ['alloc'], align: 4, bytes: new Uint8Array(20) });
    }),
    "maps in a section 'maps' are no longer taken by libbpf",
  ],
  [
    'more zeroes than any program has',
    withMap(struct(numbered('type', 1)), (elf) => {
      const huge = { length: 0xffff_ff00 } as Uint8Array;
      elf.section({ name: '.bss', type: 'nobits', flags: ['alloc'], align: 1, bytes: huge });
    }),
    '.bss has 4294967040 bytes: more data than the 67108864 bytes that fit',
  ],
  [
    'many zeroes in many sections',
    withMap(struct(numbered('type', 1)), (elf) => {
      const half = { length: 40 << 20 } as Uint8Array;
      for (const name of ['.bss.a', '.bss.b'])
        elf.section({ name, type: 'nobits', flags: ['alloc'], align: 1, bytes: half });
    }),
    '.bss.b has 41943040 bytes: more data than the 67108864 bytes that fit',
  ],
])('%s is refused', (_, bytes, message) => {
  expect(readObject(bytes)).toMatchObject({ ok: false, message: expect.stringContaining(message) as string });
});

/** An object with one function of these bytes, and what else `more` adds. */
function withCode(
  bytes: Uint8Array,
  more: (elf: ElfWriter, code: ReturnType<ElfWriter['section']>) => void,
): Uint8Array {
  const elf = new ElfWriter();
  const code = elf.section({ name: 'kprobe', type: 'progbits', flags: ['alloc', 'execute'], align: 8, bytes });
  more(elf, code);
  return elf.finish();
}
const main = (section: ReturnType<ElfWriter['section']>, size: number, value = 0) =>
  ({ name: 'main', binding: 'global', type: 'function', section, value, size }) as const;

test.each<[string, Uint8Array, string]>([
  ['half an instruction', withCode(new Uint8Array(12), (elf, c) => void elf.symbol(main(c, 8))), 'kprobe has 12 bytes'],
  [
    'a function that is too long',
    withCode(new Uint8Array(8), (elf, c) => void elf.symbol(main(c, 16))),
    'function main (16 bytes at 0) does not fit in kprobe',
  ],
  [
    'functions that overlap',
    withCode(new Uint8Array(24), (elf, c) => void [main(c, 16), main(c, 16, 8)].map((symbol) => elf.symbol(symbol))),
    'function main overlaps another one in kprobe',
  ],
  [
    'a call into the middle of a function',
    withCode(Uint8Array.of(0x85, 0x10, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0), (elf, c) => {
      elf.symbol(main(c, 16));
    }),
    'instruction 0 of main names a function where none starts',
  ],
])('%s is refused', (_, bytes, message) => {
  expect(readObject(bytes)).toMatchObject({ ok: false, message: expect.stringContaining(message) as string });
});

test('sections that share the bytes of a file are refused before they are read', () => {
  const size = 800_000;
  const elf = new ElfWriter();
  const flags = ['alloc', 'execute'] as const;
  for (let index = 0; index < 3000; index++) {
    const bytes = new Uint8Array(index === 0 ? size : 8);
    elf.section({ name: `code${index}`, type: 'progbits', flags, align: 8, bytes });
  }
  const file = elf.finish();
  const view = new DataView(file.buffer, file.byteOffset);
  const headers = Number(view.getBigUint64(40, true));
  const first = headers + SECTION_HEADER_SIZE;
  for (let index = 2; index <= 3000; index++) {
    const at = headers + index * SECTION_HEADER_SIZE;
    view.setBigUint64(at + 24, view.getBigUint64(first + 24, true), true);
    view.setBigUint64(at + 32, BigInt(size), true);
  }
  expect(readObject(file)).toEqual({
    ok: false,
    message: 'sections up to 2 have more bytes than the file: they overlap',
  });
});

test('more instructions than the kernel takes are refused before they are read', () => {
  const bytes = withCode(new Uint8Array(8 * 1_000_001), (elf, c) => void elf.symbol(main(c, 8)));
  expect(readObject(bytes)).toEqual({ ok: false, message: 'the object has 1000001 instructions, more than 1000000' });
});

test('a program that refers to what is not there is a problem of its own, others of the object are read', () => {
  const nothing = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0);
  const bytes = withCode(Uint8Array.of(...nothing, ...nothing), (elf, c) => {
    elf.relocate(c, 0, 'r_bpf_64_64', elf.symbol(main(c, 8)));
    elf.symbol({ ...main(c, 8, 8), name: 'other' });
  });
  const read = readObject(bytes);
  expect(read.ok && read.object.programs.map(({ name, problem }) => [name, problem])).toEqual([
    ['main', 'instruction 0 of kprobe cannot be relocated (type 1)'],
    ['other', undefined],
  ]);
});

const valued = (value: CType): CType =>
  ({
    kind: 'struct',
    name: '',
    size: 16,
    members: [numbered('type', 1), { name: 'value', type: { kind: 'pointer', to: value }, offsetBits: 64 }],
  }) as const;
const lock: CType = { kind: 'struct', name: 'bpf_spin_lock', size: 4, members: [] };

test.each<[string, CType, string]>([
  ['a type that is not known', struct(numbered('type', 999)), 'map type 999 is not known here'],
  ['locks', valued({ kind: 'array', element: lock, length: 2 }), 'its values hold a struct bpf_spin_lock'],
  ['kernel pointers', valued({ kind: 'pointer', to: lock, tag: 'kptr' }), 'its values hold a kptr'],
])('a map of %s is missed only by programs that use it', (_, type, message) => {
  expect(readMapVariable('m', type)).toContain(`map 'm': ${message}`);
  const read = readObject(withMap(type));
  expect(read.ok && read.object.maps).toEqual([]);
});

test('a map of programs or of maps needs no size of its values', () => {
  const type = { kind: 'struct', name: '', size: 16, members: [numbered('type', 3), numbered('values', 0)] } as const;
  expect(readMapVariable('m', type)).toMatchObject({ type: 'prog_array', valueSize: 4 });
});

test('a program that libbpf does not load by itself is of the type that stands behind the question mark', () => {
  expect(describeSection('?raw_tp/sched_switch')).toEqual({ type: 'raw_tracepoint' });
});
