import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assembleFile, disassembleFile, readPrograms } from '../../src/pipeline/bpf-file.ts';
import type { RawFile } from '../../src/pipeline/bpf-program.ts';
import { printFile } from '../../src/pipeline/bpf-text.ts';

const NAME = { program: 'main', path: 'main.s' };
const PACKETS = readFileSync(join(import.meta.dirname, '../object/compiled/packets.o'));

function read(file: Uint8Array | string): RawFile {
  const result = readPrograms(typeof file === 'string' ? new TextEncoder().encode(file) : file, NAME, { maps: [] });
  if (!result.ok) throw new Error(result.errors.map(({ line, message }) => `${line ?? ''}: ${message}`).join('\n'));
  return result.value;
}

/** What a text says of programs, without the lines that they are from. */
const contents = ({ programs, maps, license }: RawFile) => ({
  programs: programs.map(({ program, section }) => ({
    section,
    program: {
      ...program,
      lines: [],
      // Functions that nobody calls need no record.
      functions: program.functions.length > 1 ? program.functions : [],
    },
  })),
  maps: maps.map(({ initial, ...map }) => ({
    ...map,
    initial: initial === undefined ? '' : Buffer.from(initial).toString('hex'),
  })),
  license,
});

const SEVERAL = `
.license Dual MIT/GPL
.map counts array 4 8 4
.map greeting array 4 8 1 0x80
.data greeting 68656c6c6f00   ; hello
.program first
.attach uprobe//bin/bash:readline
        r1 = map[greeting]+1
        r2 = func[step]
        call twice
again:
        r0 = 0
        exit
step:
        r0 = 1
        exit
twice:
        r1 = map[counts]
        r0 = 2
        exit
.program second   // another one
.type tracepoint
        r0 = 0
again:
        exit
`;

test('a text may hold several programs, each with labels of its own', () => {
  const file = read(SEVERAL);
  expect(file.license).toBe('Dual MIT/GPL');
  expect(file.maps[1]!.initial).toEqual(new TextEncoder().encode('hello\0\0\0'));
  const [first, second] = file.programs;
  expect(first!.section).toBe('uprobe//bin/bash:readline');
  expect(first!.program).toMatchObject({
    name: 'first',
    type: 'kprobe',
    functions: [
      { slot: 0, name: 'first' },
      { slot: 7, name: 'step' },
      { slot: 9, name: 'twice' },
    ],
    relocations: [
      { slot: 0, map: 1, offset: 1 },
      { slot: 9, map: 0 },
    ],
  });
  expect(first!.program.lines[0]).toMatchObject({ line: 8, text: 'r1 = map[greeting]+1', sourceName: 'main.s' });
  expect(second!.program).toMatchObject({ name: 'second', type: 'tracepoint' });
  expect(second!.section).toBe('tracepoint');
});

test.each([
  ['text of several programs', () => read(SEVERAL)],
  ["clang's object", () => read(PACKETS)],
  ['an object of text', () => read(elf(SEVERAL))],
])('%s, printed, is the same again', (_, make) => {
  const file = make();
  expect(contents(read(printFile(file)))).toEqual(contents(file));
});

function elf(text: string): Uint8Array {
  const result = assembleFile(text, NAME, 'elf');
  if (!result.ok) throw new Error(result.errors[0]!.message);
  return result.value as Uint8Array;
}

test('a program of an object is printed alone when it is named', () => {
  const all = disassembleFile(PACKETS, undefined);
  const one = disassembleFile(PACKETS, 'on_read');
  expect(all.ok && all.value.match(/^\.program .*$/gm)).toEqual([
    '.program count',
    '.program second',
    '.program on_read',
  ]);
  expect(one.ok && one.value).toContain(
    '.program on_read\n.attach kprobe/vfs_read\n; ./packets.c:71: return 0;\n       0: (b4) w0 = 0\n       1: (95) exit\n',
  );
  expect(one.ok && one.value.match(/^\.program .*$/gm)).toHaveLength(1);
});

test.each<[string, string, number, string]>([
  ['a second map of a name', '.map c array 4 8 1\n.map c array 4 8 1\nexit', 2, "there are two maps 'c'"],
  ['a second program of a name', '.program p\nexit\n.program p\nexit', 3, "there are two programs 'p'"],
  ['a program without a name', '.program 1\nexit', 1, "'1' cannot be the name of a program"],
  ['data of no map', '.data c 00\nexit', 1, "data for map 'c', which no .map line in front declares"],
  ['too much data', '.map c array 4 1 1\n.data c 0000\nexit', 2, "map 'c' has a value of 1 bytes, not more"],
  ['data that are no hex', '.map c array 4 1 1\n.data c xy\nexit', 2, 'expected bytes as hex'],
  [
    'a mistake in the second program',
    '.program a\nexit\n.program b\nr0 = nothing\nexit',
    4,
    'cannot read the instruction',
  ],
])('%s is a mistake at its line', (_, text, line, message) => {
  const result = readPrograms(new TextEncoder().encode(text), NAME, { maps: [] });
  expect(result).toMatchObject({ ok: false, errors: [{ line, message: expect.stringContaining(message) as string }] });
});

test('an unknown section leaves the type to the command line', () => {
  const text = new TextEncoder().encode('.attach lsm/file_open\nr0 = 0\nexit');
  const unknown = readPrograms(text, NAME, { maps: [] });
  expect(unknown.ok && unknown.value.programs[0]!.problem).toContain("no program type is known for 'lsm/file_open'");
  const given = readPrograms(text, NAME, { maps: [], type: 'kprobe' });
  expect(given.ok && given.value.programs[0]).toMatchObject({ section: 'lsm/file_open', program: { type: 'kprobe' } });
  expect(given.ok && given.value.programs[0]!.problem).toBeUndefined();
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  '%s is neither a directive nor the type of a map or program',
  (name) => {
    const errors = (text: string): readonly string[] => {
      const result = readPrograms(new TextEncoder().encode(text), NAME, { maps: [] });
      return result.ok ? [] : result.errors.map(({ message }) => message);
    };
    const code = 'r0 = 0\nexit\n';
    expect(errors(`.${name} x\n${code}`)).toEqual([`cannot read the instruction '.${name} x'`]);
    expect(errors(`.map m ${name} 4 4 4\n${code}`)[0]).toMatch(`no map type '${name}'; there are `);
    expect(errors(`.type ${name}\n${code}`)[0]).toMatch(`no program type '${name}'; there are `);
  },
);

test('a text whose lines end with CR LF is read as any other', () => {
  const text = `; what it does\r\n${SEVERAL.replace(/\n/g, '\r\n')}; the end\r\n`;
  expect(contents(read(text))).toEqual(contents(read(SEVERAL)));
  const hex = '; bytes\r\nb700000000000000 # zero\r\n9500000000000000\r\n';
  expect(read(hex).programs[0]!.program.insns).toHaveLength(2);
});

test('blanks in a directive take no more than linear time', () => {
  const text = `.license GPL${' '.repeat(200_000)}x;\ry${' '.repeat(200_000)}\nr0 = 0\nexit\n`;
  expect(read(text).license).toBe(`GPL${' '.repeat(200_000)}x`);
});

test('thousands of programs take linear time, and the lines of each keep their numbers', () => {
  const text = Array.from({ length: 3000 }, (_, index) => `.program p${index}\nr0 = ${index}\nexit\n`).join('');
  const { programs } = read(text);
  expect(programs).toHaveLength(3000);
  expect(programs.at(-1)!.program.lines.map(({ line, text: source }) => [line, source])).toEqual([
    [8999, 'r0 = 2999'],
    [9000, 'exit'],
  ]);
  const wrong = readPrograms(new TextEncoder().encode(`${text}.program last\nwhat\n`), NAME, { maps: [] });
  expect(wrong).toMatchObject({ ok: false, errors: [{ line: 9002, message: "cannot read the instruction 'what'" }] });
});

test('data of any size survive printing', () => {
  const initial = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
  const map = { name: 'big', type: 'array', keySize: 4, valueSize: 400_000, maxEntries: 1, flags: 0 } as const;
  const file = read('r0 = 0\nexit\n');
  const [own] = read(printFile({ ...file, maps: [{ ...map, initial }] })).maps;
  expect(own).toMatchObject(map);
  expect(Buffer.compare(own!.initial!.subarray(0, 300_000), initial)).toBe(0);
  expect(own!.initial).toHaveLength(400_000);
});

test.each([
  ['.map m array 4 2 1\n.data m 00\n.data m 0102', "map 'm' has a value of 2 bytes, not more"],
  ['.map m array 4 0xffffffff 1\n.data m 00', "map 'm': the data of all maps is more than 67108864 bytes"],
])('%j is refused', (text, message) => {
  const result = readPrograms(new TextEncoder().encode(`${text}\nr0 = 0\nexit\n`), NAME, { maps: [] });
  expect(result).toMatchObject({ ok: false, errors: [{ message }] });
});
