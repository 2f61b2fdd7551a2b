import type { Machine } from '../../machine.ts';
import { fileImage } from '../../programs/executables.ts';
import { layoutOf, type ImageLayout } from '../../programs/image-layout.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';
import { NM, OBJDUMP } from './objdump.ts';

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

const LONG_OPTIONS: Readonly<Record<string, string>> = {
  '--wide': '-W',
  '--all': '-a',
  '--file-header': '-h',
  '--sections': '-S',
  '--section-headers': '-S',
  '--symbols': '-s',
  '--syms': '-s',
  '--segments': '-l',
  '--program-headers': '-l',
  '--notes': '-n',
};

/** What readelf shows of a file, by option, in the order in which it does. */
const TABLES: Readonly<Record<string, (layout: ImageLayout, m: Machine) => string>> = {
  h: describeHeader,
  S: describeSections,
  l: describeSegments,
  s: describeSymbols,
  n: describeNotes,
};

const USAGE = [
  'Usage: readelf <option(s)> elf-file(s)',
  ' -a --all, -h --file-header, -l --segments, -S --sections, -s --syms, -n --notes',
];

function describeHeader({ sections, segments, linkAddress, functions }: ImageLayout, { abi }: Machine): string {
  const start = functions.find(({ name }) => name === '_start') ?? functions.find(({ name }) => name === 'main');
  const rows: readonly (readonly [string, string])[] = [
    ['Class:', 'ELF64'],
    ['Data:', "2's complement, little endian"],
    ['Version:', '1 (current)'],
    ['OS/ABI:', 'UNIX - System V'],
    ['Type:', linkAddress === 0 ? 'DYN (Position-Independent Executable file)' : 'EXEC (Executable file)'],
    ['Machine:', abi.name === 'x86_64' ? 'Advanced Micro Devices X86-64' : 'AArch64'],
    ['Entry point address:', `0x${((start?.offset ?? 0) + linkAddress).toString(16)}`],
    ['Number of program headers:', String(segments.length)],
    ['Number of section headers:', String(sections.length + 1)],
  ];
  return joinLines(['ELF Header:', ...rows.map(([name, value]) => `  ${name.padEnd(34)} ${value}`)]);
}

function describeSections({ sections, linkAddress }: ImageLayout): string {
  const width = Math.max(17, ...sections.map(({ name }) => name.length));
  const rows = sections.map(({ name, type, offset, fileOffset, size }, i) => {
    const address = hex(offset === 0 ? 0 : offset + linkAddress, 16);
    return `  [${String(i + 1).padStart(2)}] ${name.padEnd(width)} ${type.padEnd(16)} ${address}  ${hex(fileOffset, 8)}  ${hex(size, 16)}`;
  });
  const heading = `  [Nr] ${'Name'.padEnd(width)} Type             Address           Offset    Size`;
  return joinLines(['Section Headers:', heading, ...rows]);
}

function describeSegments({ segments, linkAddress }: ImageLayout): string {
  const rows = segments.map(
    ({ offset, fileOffset, size, executable, writable }) =>
      `  LOAD           0x${hex(fileOffset, 6)} 0x${hex(offset + linkAddress, 16)} 0x${hex(size, 6)} ${executable ? 'R E' : writable ? 'RW' : 'R'}`,
  );
  return joinLines(['Program Headers:', '  Type           Offset   VirtAddr           FileSiz  Flg', ...rows]);
}

function describeSymbols({ functions, variables, sections, linkAddress }: ImageLayout): string {
  const sectionOf = (at: number): number =>
    sections.findIndex(({ offset, size }) => offset > 0 && at >= offset && at < offset + size) + 1;
  const rows = [
    ...functions.map((row) => ({ ...row, type: 'FUNC   ' })),
    ...variables.map((row) => ({ ...row, type: 'OBJECT ' })),
  ];
  return joinLines([
    `Symbol table '.symtab' contains ${rows.length} entries:`,
    '   Num:    Value          Size Type    Bind   Vis      Ndx Name',
    ...rows.map(({ name, offset, size, type }, i) => {
      const place = `${hex(offset + linkAddress, 16)} ${String(size).padStart(5)}`;
      const section = String(Math.max(1, sectionOf(offset))).padStart(4);
      return `${String(i).padStart(6)}: ${place} ${type} GLOBAL DEFAULT ${section} ${name}`;
    }),
  ]);
}

function describeNotes(layout: ImageLayout): string {
  return describeBuildId(layout) + describeProbes(layout);
}
function describeBuildId({ buildId }: ImageLayout): string {
  if (buildId === '') return '';
  return joinLines([
    'Displaying notes found in: .note.gnu.build-id',
    '  Owner                Data size \tDescription',
    `  GNU                  0x${hex(buildId.length / 2, 8)}\tNT_GNU_BUILD_ID (unique build ID bitstring)`,
    `    Build ID: ${buildId}`,
    '',
  ]);
}
function describeProbes({ usdt, linkAddress }: ImageLayout): string {
  if (usdt.length === 0) return '';
  const address = (offset: number): string => `0x${hex(offset === 0 ? 0 : offset + linkAddress, 16)}`;
  const notes = usdt.flatMap(({ probe: { provider, name, operands }, offset, semaphore }) => [
    '  stapsdt              NT_STAPSDT (SystemTap probe descriptors)',
    `    Provider: ${provider}`,
    `    Name: ${name}`,
    `    Location: ${address(offset)}, Semaphore: ${address(semaphore)}`,
    `    Arguments: ${operands}`,
  ]);
  return joinLines(['Displaying notes found in: .note.stapsdt', '  Owner                Description', ...notes]);
}

export const ELF_COMMANDS: readonly MakeCommand[] = [
  command('readelf', function* (c, args) {
    const { options, operands } = readOptions(args.map((arg) => LONG_OPTIONS[arg] ?? arg));
    const tables = Object.entries(TABLES).filter(([letter]) => options.has(letter) || options.has('a'));
    if (tables.length === 0 || operands.length === 0) {
      if (options.size > 0) yield* c.complain('Warning: Nothing to do.');
      yield* c.report(joinLines(USAGE));
      return 1;
    }
    let status = 0;
    for (const path of operands) {
      const image = fileImage(c.machine, path);
      if (image === undefined) {
        const isThere = c.machine.fileSystem.find(path) !== undefined;
        const why = isThere ? 'Not an ELF file - it has the wrong magic bytes at the start' : `'${path}': No such file`;
        status = yield* c.complain(`Error: ${why}`);
        continue;
      }
      yield c.u.work(400_000);
      if (operands.length > 1) yield* c.print(`\nFile: ${path}\n`);
      for (const [, describe] of tables) yield* c.print(describe(layoutOf(image), c.machine));
    }
    return status;
  }),
  OBJDUMP,
  NM,
];
