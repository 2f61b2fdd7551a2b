import { expect, test } from 'vitest';
import { ElfWriter } from '../../src/object/elf-writer.ts';
import { isElf, readElf } from '../../src/object/elf-reader.ts';

/** Two sections, of which the second refers to the first, and a symbol of each binding. */
function small(): Uint8Array {
  const elf = new ElfWriter();
  const data = elf.section({
    name: '.data',
    type: 'progbits',
    flags: ['alloc', 'write'],
    align: 8,
    bytes: Uint8Array.of(1, 2, 3),
  });
  elf.section({ name: '.bss', type: 'nobits', flags: ['alloc', 'write'], align: 16, bytes: new Uint8Array(40) });
  const code = elf.section({
    name: 'code',
    type: 'progbits',
    flags: ['alloc', 'execute'],
    align: 8,
    bytes: new Uint8Array(16),
  });
  const main = elf.symbol({ name: 'main', binding: 'global', type: 'function', section: code, value: 0, size: 16 });
  elf.symbol({ name: 'local', binding: 'local', type: 'object', section: data, value: 1, size: 2 });
  elf.relocate(code, 0, 'r_bpf_64_64', elf.sectionSymbol(data));
  elf.relocate(code, 8, 'r_bpf_64_32', main);
  return elf.finish();
}

test('sections, symbols and relocations come back as they were written', () => {
  const elf = readElf(small());
  expect(elf.sections.map(({ name, size, bytes }) => [name, size, [...bytes].slice(0, 3)]).slice(0, 4)).toEqual([
    ['', 0, []],
    ['.data', 3, [1, 2, 3]],
    ['.bss', 40, []],
    ['code', 16, [0, 0, 0]],
  ]);
  expect(elf.symbols).toEqual([
    { name: '', binding: 0, type: 0, section: 0, value: 0, size: 0 },
    { name: 'local', binding: 0, type: 1, section: 1, value: 1, size: 2 },
    { name: '', binding: 0, type: 3, section: 1, value: 0, size: 0 },
    { name: 'main', binding: 1, type: 2, section: 3, value: 0, size: 16 },
  ]);
  expect(elf.relocations(3)).toEqual([
    { offset: 0, type: 1, symbol: elf.symbols[2] },
    { offset: 8, type: 10, symbol: elf.symbols[3] },
  ]);
  expect(elf.relocations(1)).toEqual([]);
});

test('local symbols stand before global ones, and the table says where those begin', () => {
  const symtab = readElf(small()).sections.find(({ name }) => name === '.symtab')!;
  expect(symtab.info).toBe(3);
});

test('a file is ELF by its first four bytes', () => {
  expect(isElf(small())).toBe(true);
  expect(isElf(new TextEncoder().encode('exit\n'))).toBe(false);
  expect(isElf(new Uint8Array(3))).toBe(false);
});

test.each<[string, (bytes: Uint8Array, view: DataView) => Uint8Array | void, string]>([
  ['a torn header', (bytes) => bytes.subarray(0, 63), 'the ELF header needs 64 bytes, the file has 63'],
  ['a 32-bit file', (bytes) => void (bytes[4] = 1), 'not a 64-bit little-endian ELF file'],
  ['another machine', (_, view) => view.setUint16(18, 62, true), 'the code is for machine 62, eBPF has 247'],
  ['a program', (_, view) => view.setUint16(16, 2, true), 'not a relocatable object file'],
  ['torn section headers', (bytes) => bytes.subarray(0, bytes.length - 1), 'section headers'],
  ['headers behind the file', (_, view) => view.setBigUint64(40, 1n << 40n, true), 'the place of the section headers'],
  ['names nowhere', (_, view) => view.setUint16(62, 99, true), 'the section of names has number 99'],
])('%s is a mistake of the file', (_, damage, message) => {
  const bytes = small();
  const damaged = damage(bytes, new DataView(bytes.buffer)) ?? bytes;
  expect(() => readElf(damaged)).toThrow(message);
});

test.each<[string, string, number, number, string]>([
  ['contents behind the file', 'code', 32, 1 << 20, 'ends behind the file'],
  ['a symbol table of half symbols', '.symtab', 32, 25, 'each symbol 24'],
  ['a symbol table without names', '.symtab', 40, 1, 'the symbol table has no names'],
  ['half a relocation', '.relcode', 32, 15, 'each relocation 16'],
])('%s is a mistake of the file', (_, name, field, value, message) => {
  const bytes = small();
  const view = new DataView(bytes.buffer);
  const { index } = readElf(bytes).sections.find((section) => section.name === name)!;
  view.setUint32(view.getUint32(40, true) + index * 64 + field, value, true);
  expect(() => readElf(bytes).relocations(3)).toThrow(message);
});
