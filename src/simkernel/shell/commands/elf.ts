import { instructionLength, textSymbolAt } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { nameOf, symbolNamed } from '../../probes/symbols.ts';
import { fileImage } from '../../programs/executables.ts';
import { layoutOf, type ImageLayout } from '../../programs/image-layout.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
const VMLINUX = 'vmlinux';

const LONG_OPTIONS: Readonly<Record<string, string>> = {
  '--wide': '-W',
  '--sections': '-S',
  '--section-headers': '-S',
  '--symbols': '-s',
  '--syms': '-s',
  '--segments': '-l',
  '--program-headers': '-l',
  '--notes': '-n',
};

/** What readelf shows of a file, by option, in the order in which it does. */
const TABLES: Readonly<Record<string, (layout: ImageLayout) => string>> = {
  S: describeSections,
  l: describeSegments,
  s: describeSymbols,
  n: describeProbes,
};

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
    const path = operands[0] ?? '';
    const image = fileImage(c.machine, path);
    if (image === undefined) return yield* c.complain(`Error: '${path}': No such file`);
    yield c.u.work(400_000);
    const layout = layoutOf(image);
    for (const [letter, describe] of Object.entries(TABLES)) if (options.has(letter)) yield* c.print(describe(layout));
    return 0;
  }),
  // The text of the running kernel, as a debugger on /proc/kcore would see it: with the probes that are in it now.
  command('objdump', function* (c, args) {
    const wanted = args.find((arg) => arg.startsWith('--disassemble='))?.slice('--disassemble='.length);
    const symbol = wanted === undefined ? undefined : symbolNamed(c.machine, wanted);
    if (symbol === undefined) return yield* c.complain(`usage: objdump --disassemble=FUNCTION ${VMLINUX}`);
    const { arena, arch } = c.machine;
    const { kernelCode } = arch;
    c.machine.visibleText.show(arena, symbol);
    const lines = [`ffffffff${hex((symbol.entry | 0x80000000) >>> 0, 8)} <${nameOf(c.machine, symbol)}>:`];
    for (let at = 0; at < symbol.size;) {
      const end = at + instructionLength(kernelCode, symbol, at);
      const code = arena.bytes.subarray(symbol.entry + at, symbol.entry + end);
      const text = kernelCode.disassemble(code, symbol.entry + at, (target) => targetText(c.machine, target));
      const address = hex(((symbol.entry + at) | 0x80000000) >>> 0, 8);
      lines.push(`ffffffff${address}:\t${kernelCode.rawText(code)}\t${text}`.trimEnd());
      at = end;
    }
    yield* c.print(joinLines(lines));
    return 0;
  }),
];

/** Where a call leads. */
function targetText(m: Machine, target: number): string {
  const symbol = textSymbolAt(target);
  if (symbol === undefined) return '';
  return `<${nameOf(m, symbol)}${target === symbol.entry ? '' : `+0x${(target - symbol.entry).toString(16)}`}>`;
}
