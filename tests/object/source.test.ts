import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DebugInfo } from '../../src/object/dwarf/debug-info.ts';
import type { SourcePlace } from '../../src/object/dwarf/source.ts';
import { readProgramFile } from '../../src/object/program-file.ts';

const COMPILED = join(import.meta.dirname, 'compiled');
const PROGRAMS = join(import.meta.dirname, '..', 'cases', 'programs');

function debugOf(bytes: Uint8Array): DebugInfo | undefined {
  const read = readProgramFile(bytes);
  return 'problem' in read ? undefined : read.debug();
}
const at = (place: SourcePlace | undefined): string =>
  place === undefined ? '?' : `${place.file.replace('/src/inlined/', '')}:${place.line}`;
function framesAt(debug: DebugInfo | undefined, address: number): string {
  const source = debug?.source(address);
  if (source === undefined) return '';
  const outer = { name: source.function?.name ?? '?', place: source.place };
  return [...source.inlined, outer].map(({ name, place }) => `${name} ${at(place)}`).join(' < ');
}

/** Each line: the first and the last address, and what binutils' or LLVM's addr2line says of all of them. */
const recorded = (name: string): readonly { from: number; to: number; frames: string }[] =>
  readFileSync(join(COMPILED, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, from, to, frames] = /^(\w+)-(\w+) (.*)$/.exec(line)!;
      return { from: parseInt(from!, 16), to: parseInt(to!, 16), frames: frames! };
    });

test.each([
  // inlined.c is DWARF 5 with lists of ranges, inlined-finish.c DWARF 4.
  ['gcc', join(PROGRAMS, 'inlined'), 'inlined.frames'],
  // clang -gdwarf-5 -ffunction-sections of the same files: addresses, texts and ranges by number.
  ['clang', join(COMPILED, 'inlined-clang'), 'inlined-clang.frames'],
])('every address of a program by %s has the frames that addr2line tells', (_, program, frames) => {
  const debug = debugOf(readFileSync(program));
  for (const row of recorded(frames))
    for (let address = row.from; address <= row.to; address += 1)
      expect(`${address.toString(16)} ${framesAt(debug, address)}`).toBe(`${address.toString(16)} ${row.frames}`);
});

test('a function begins where its name counts from, though the symbol of its copy has another name', () => {
  const debug = debugOf(readFileSync(join(PROGRAMS, 'inlined')));
  expect(debug?.source(0x401066)?.function).toEqual({ name: 'work', address: 0x401020 });
});

test('where no function and no line is, nothing is known', () => {
  const debug = debugOf(readFileSync(join(PROGRAMS, 'inlined')));
  expect([0, 0x400fff, 0x402000, 2 ** 52].map((address) => debug?.source(address))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

/** Where the contents of a section stand in a file. */
function sectionOf(bytes: Uint8Array, name: string): { readonly offset: number; readonly size: number } {
  const read = readProgramFile(bytes);
  if ('problem' in read) throw new Error(read.problem);
  const { fileOffset, size } = read.sections.find((section) => section.name === name)!;
  return { offset: fileOffset, size };
}

test.each([
  ['gcc', join(PROGRAMS, 'inlined')],
  ['clang', join(COMPILED, 'inlined-clang')],
])('damaged debugging information of %s gives frames or none, soon', (_, program) => {
  const original = new Uint8Array(readFileSync(program));
  const sections = ['.debug_info', '.debug_abbrev', '.debug_line', '.debug_rnglists'].map((name) =>
    sectionOf(original, name),
  );
  let seed = 4711;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  let known = 0;
  for (let round = 0; round < 300; round += 1) {
    const spoilt = original.slice();
    for (let i = 0; i < 1 + (round % 4); i += 1) {
      const { offset, size } = sections[next(sections.length)]!;
      spoilt[offset + next(size)] = next(2) === 0 ? 0xff : next(256);
    }
    const debug = debugOf(spoilt);
    for (let address = 0x401000; address < 0x4010d0; address += 8) if (debug?.source(address) !== undefined) known += 1;
  }
  expect(known).toBeGreaterThan(300);
  expect(known).toBeLessThan(300 * 26);
});

test('a function without an end of its own is taken for damaged', () => {
  const bytes = new Uint8Array(readFileSync(join(PROGRAMS, 'inlined')));
  const { offset, size } = sectionOf(bytes, '.debug_rnglists');
  // DW_RLE_offset_pair with offsets of one byte, on and on.
  bytes.fill(4, offset + 12, offset + size);
  expect(debugOf(bytes)?.source(0x401020)).toBeUndefined();
});
