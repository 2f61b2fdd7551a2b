import { expect, test } from 'vitest';
import { HELPERS } from '../../src/abi/helpers.ts';
import type { LineInfo, MapDefinition, Program } from '../../src/abi/program-image.ts';
import { decodeBtf } from '../../src/btf/decode.ts';
import { NO_TYPES } from '../../src/btf/type-set.ts';
import type { IntType, StructType, TypeSet } from '../../src/btf/types.ts';
import { assemble } from '../../src/isa/assemble.ts';
import { disassemble } from '../../src/isa/disassemble.ts';
import { readElf } from '../../src/object/elf-reader.ts';
import type { LinkedProgram } from '../../src/object/link-program.ts';
import type { EbpfObject } from '../../src/object/read-object.ts';
import { readObject } from '../../src/object/read-object.ts';
import { type ObjectContents, writeObject } from '../../src/object/write-object.ts';

const MAPS: readonly MapDefinition[] = [
  { name: 'counts', type: 'percpu_hash', keySize: 12, valueSize: 8, maxEntries: 4096, flags: 1 },
  { name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 1 << 18, flags: 0 },
  {
    name: 'rodata',
    type: 'array',
    keySize: 4,
    valueSize: 6,
    maxEntries: 1,
    flags: 128,
    initial: new TextEncoder().encode('hello\0'),
  },
  { name: 'data.start', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 0, initial: new Uint8Array(8) },
];

/** A program from text: `label:` lines in `functions` begin functions. */
function program(
  name: string,
  text: string,
  functions: readonly string[] = [],
  lines: readonly LineInfo[] = [],
): Program {
  const result = assemble(text, { helper: (helper) => HELPERS[helper as keyof typeof HELPERS]?.id });
  if (!result.ok) throw new Error(result.errors[0]!.message);
  const { insns, labels, mapReferences } = result.program;
  return {
    name,
    type: 'kprobe',
    insns,
    relocations: mapReferences.map(({ map, ...rest }) => ({ ...rest, map: MAPS.findIndex((row) => row.name === map) })),
    functions: [{ slot: 0, name }, ...functions.map((label) => ({ slot: labels.get(label)!, name: label }))],
    lines,
  };
}

const line = (slot: number, number: number, text: string): LineInfo => ({
  slot,
  sourceName: 'script.bt',
  line: number,
  column: 3,
  text,
  start: 0,
  end: 0,
});

const LEAF = 'r1 = map[counts]\nr2 = r10\nr2 += -12\ncall map_lookup_elem\nr1 = map[rodata]+2\nr0 = 0\nexit';
const CALLER = `r6 = r1
call second
r2 = func[first]
r1 = 3
r3 = 0
r4 = 0
call loop
r1 = map[data.start]+0
exit
first:
r6 = r1
call second
r0 = 0
exit
second:
r1 = map[events]
r0 = 0
exit`;

const write = (programs: ObjectContents['programs'], maps = MAPS): Uint8Array => {
  const written = writeObject({ programs, maps, license: 'GPL' });
  if (!written.ok) throw new Error(written.message);
  return written.bytes;
};
const read = (bytes: Uint8Array): EbpfObject => {
  const result = readObject(bytes);
  if (!result.ok) throw new Error(result.message);
  return result.object;
};

/** A program's text by function, with names instead of distances and numbers: what does not depend on where things stand. */
function textOf(
  { insns, functions, relocations, lines }: Pick<LinkedProgram, 'insns' | 'functions' | 'relocations' | 'lines'>,
  maps: readonly MapDefinition[],
): Record<string, readonly string[]> {
  const nameAt = (slot: number): string => functions.find((fn) => fn.slot === slot)?.name ?? `?${slot}`;
  return Object.fromEntries(
    functions.map(({ slot: start, name }) => {
      const end = Math.min(...functions.filter(({ slot }) => slot > start).map(({ slot }) => slot), insns.length);
      const text = insns.slice(start, end).map((insn, index) => {
        const slot = start + index;
        const relocation = relocations.find((row) => row.slot === slot);
        const map = relocation === undefined ? '' : ` ${maps[relocation.map]!.name}+${relocation.offset ?? '-'}`;
        const source = lines.find((row) => row.slot === slot);
        const isCall = (insn.code === 0x85 && insn.src === 1) || (insn.code === 0x18 && insn.src === 4);
        const named = isCall
          ? `${insn.code === 0x85 ? 'call' : 'address of'} ${nameAt(slot + 1 + insn.imm)}`
          : undefined;
        return `${named ?? disassemble(insn, insns[slot + 1])}${map}${source === undefined ? '' : ` ; ${source.text}`}`;
      });
      return [name, text];
    }),
  );
}

test('a program with maps, data, functions and a callback comes back from its object', () => {
  const original = program(
    'probe',
    CALLER,
    ['first', 'second'],
    [line(0, 1, 'one'), line(4, 2, 'two'), line(12, 7, 'seven')],
  );
  const object = read(write([{ program: original, sections: ['kprobe/vfs_read'] }]));
  expect(object.license).toBe('GPL');
  const byName = (a: MapDefinition, b: MapDefinition): number => a.name.localeCompare(b.name);
  expect([...object.maps].sort(byName)).toEqual([...MAPS].sort(byName));
  const [linked] = object.programs;
  expect(linked).toMatchObject({ name: 'probe', section: 'kprobe/vfs_read' });
  const expected = textOf(original, MAPS);
  expect(textOf(linked!, object.maps)).toEqual({
    probe: expected['probe'],
    // The kernel wants a line at the start of every function: the next one of the function, else the last one in front.
    first: [`${expected['first']![0]!} ; seven`, ...expected['first']!.slice(1)],
    second: [`${expected['second']![0]!} ; seven`, ...expected['second']!.slice(1)],
  });
});

test('a program that attaches to several places stands in the section of each, its functions once', () => {
  const probe = program('probe', CALLER, ['first', 'second']);
  const sections = ['kprobe/vfs_read', 'kprobe/vfs_write'];
  const bytes = write([{ program: probe, sections }]);
  const { programs, maps } = read(bytes);
  expect(programs.map(({ name, section }) => [name, section])).toEqual([
    ['probe', 'kprobe/vfs_read'],
    ['probe_2', 'kprobe/vfs_write'],
  ]);
  const [first, second] = programs.map((linked) => textOf(linked, maps));
  expect(second!['probe_2']).toEqual(first!['probe']);
  expect(second!['first']).toEqual(first!['first']);
});

test('programs of one section keep apart, and equal names of functions do not clash', () => {
  const one = program('one', CALLER, ['first', 'second']);
  const two = program('two', CALLER.replace('r1 = 3', 'r1 = 4'), ['first', 'second']);
  const { programs, maps } = read(write([one, two].map((p) => ({ program: p, sections: ['perf_event'] }))));
  expect(programs.map(({ name }) => name)).toEqual(['one', 'two']);
  expect(programs.map(({ functions }) => functions.map(({ name }) => name))).toEqual([
    ['one', 'second', 'first'],
    ['two', 'second_2', 'first_2'],
  ]);
  expect(textOf(programs[1]!, maps)['two']).toContain('r1 = 4');
});

test('what was read writes the same object again, when functions stand in the order of their calls', () => {
  const object = read(write([{ program: program('leaf', LEAF), sections: ['tp/sched/sched_switch'] }]));
  const again = (from: EbpfObject): Uint8Array =>
    write(
      from.programs.map((linked) => ({ program: { ...linked, type: 'tracepoint' }, sections: [linked.section] })),
      from.maps,
    );
  const bytes = again(object);
  expect(again(read(bytes))).toEqual(bytes);
});

test('equal contents give equal bytes', () => {
  const contents = [{ program: program('leaf', LEAF), sections: ['kprobe/vfs_read'] }];
  expect(write(contents)).toEqual(write(contents));
});

test.each<[string, string, readonly string[], string]>([
  [
    'a map that is data too',
    'r1 = map[rodata]\nr2 = map[rodata]+1\nexit',
    [],
    "map 'rodata': an object cannot hold both",
  ],
  ['the value of a hash', 'r1 = map[counts]+1\nexit', [], "map 'counts': only an array with one element"],
  [
    'a jump into another function',
    'if r1 == 0 goto f\nexit\nf:\nexit',
    ['f'],
    'probe: instruction 0 jumps out of probe',
  ],
  ['a call of no function', 'call +0\nexit', [], 'instruction 0 names a function at 1, none starts there'],
  ['a call of itself', 'exit\nf:\ncall -2\nexit', ['f'], 'instruction 1 calls the program itself'],
])('%s is refused with the reason', (_, text, functions, message) => {
  const written = writeObject({
    programs: [{ program: program('probe', text, functions), sections: ['kprobe'] }],
    maps: MAPS,
    license: 'GPL',
  });
  expect(written).toMatchObject({ ok: false, message: expect.stringContaining(message) as string });
});

test('a call of a function of the kernel is a symbol that nobody defines, and comes back as the call', () => {
  const reads = program('reads', 'call kfunc#66736\nr0 = 0\nexit');
  const [back] = read(write([{ program: reads, sections: ['kprobe.session/vfs_read'] }], [])).programs;
  expect(back?.insns).toEqual(reads.insns);
});

test("a variable of the kernel is a symbol that nobody defines, of the type that the kernel's BTF says", () => {
  const long: IntType = { kind: 'int', name: 'unsigned long', size: 8, signed: false, bool: false, char: false };
  const rq: StructType = {
    kind: 'struct',
    name: 'rq',
    size: 8,
    members: [{ name: 'nr_running', type: long, offsetBits: 0 }],
  };
  const runqueues = { name: 'runqueues', id: 12, type: rq, offset: 0 };
  const types: TypeSet = {
    ...NO_TYPES,
    perCpuVariable: (which) => (which === 12 || which === 'runqueues' ? runqueues : undefined),
  };
  const asks = program('asks', 'r1 = btf_id[12]\ncall 154\nr0 = 0\nexit');
  const written = writeObject({
    programs: [{ program: asks, sections: ['kprobe/vfs_read'] }],
    maps: [],
    license: 'GPL',
    kernelVariable: types.perCpuVariable,
  });
  const bytes = written.ok ? written.bytes : new Uint8Array();
  const btf = decodeBtf(readElf(bytes).sections.find(({ name }) => name === '.BTF')!.bytes);
  expect(btf.dataSection('.ksyms')).toMatchObject([
    { name: 'runqueues', type: { type: { kind: 'struct', members: [] } } },
  ]);
  const back = readObject(bytes, types);
  expect(back.ok && back.object.programs[0]?.insns).toEqual(asks.insns);
  const without = readObject(bytes);
  expect(without.ok && without.object.programs).toMatchObject([
    { name: 'asks', problem: expect.stringContaining("'runqueues'") as string },
  ]);
});

test('a call of a function that the kernel does not have is refused', () => {
  const unknown = program('reads', 'call kfunc#1\nr0 = 0\nexit');
  const programs = [{ program: unknown, sections: ['kprobe/vfs_read'] }];
  expect(writeObject({ programs, maps: [], license: 'GPL' })).toEqual({
    ok: false,
    message: 'reads: instruction 0 calls kernel function 1, which has no name',
  });
});
