import { textSymbols } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import { nameOf, symbolNamed } from '../../probes/symbols.ts';
import { fileImage } from '../../programs/executables.ts';
import { layoutOf } from '../../programs/image-layout.ts';
import type { ImageLayout } from '../../programs/image-layout.ts';
import type { Image } from '../../programs/image.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { CommandContext, Steps } from './command.ts';
import { imageInstructions, kernelAddress, kernelInstructions } from './disassembly.ts';
import type { Instruction } from './disassembly.ts';

/** What the kernel's text goes by: the file of the build, and the running kernel's memory. */
const KERNELS = new Set(['vmlinux', '/proc/kcore', '/boot/vmlinux']);
const USAGE = 'usage: objdump -d [--disassemble=FUNCTION] [vmlinux | FILE]';
const address16 = (address: string): string => address.padStart(16, '0');

function listing(name: string, instructions: readonly Instruction[]): string {
  return joinLines([
    `${address16(instructions[0]?.address ?? '0')} <${name}>:`,
    ...instructions.map(({ address, raw, text }) => `${address}:\t${raw}\t${text}`.trimEnd()),
  ]);
}

function* disassembleKernel(c: CommandContext, name: string): Steps<number> {
  const symbol = symbolNamed(c.machine, name);
  if (symbol === undefined) return yield* c.complain(`warning: '${name}' not found in vmlinux`);
  yield* c.print(listing(nameOf(c.machine, symbol), kernelInstructions(c.machine, symbol)));
  return 0;
}
function* disassembleImage(c: CommandContext, image: Image, wanted: string | undefined): Steps<number> {
  const functions = layoutOf(image).functions.filter(({ name }) => wanted === undefined || name === wanted);
  if (functions.length === 0) return yield* c.complain(`warning: '${wanted ?? ''}' not found in ${image.path}`);
  yield* c.print(
    `\n${image.path}:     file format ${FORMATS[c.machine.abi.name]}\n\n\nDisassembly of section .text:\n`,
  );
  for (const row of functions) yield* c.print(`\n${listing(row.name, imageInstructions(c.machine, image, row))}`);
  return 0;
}
const FORMATS: Record<Machine['abi']['name'], string> = { x86_64: 'elf64-x86-64', arm64: 'elf64-littleaarch64' };

export const OBJDUMP = command('objdump', function* (c, args) {
  const long = args.find((arg) => arg.startsWith('--disassemble='));
  const { options, operands } = readOptions(args.map((arg) => (arg === '--disassemble' ? '-d' : arg)));
  const wanted = long?.slice('--disassemble='.length);
  const [path = 'vmlinux'] = operands.filter((arg) => !arg.startsWith('--'));
  if (wanted === undefined && !options.has('d')) return yield* c.complain(USAGE);
  if (KERNELS.has(path)) return wanted === undefined ? yield* c.complain(USAGE) : yield* disassembleKernel(c, wanted);
  const image = fileImage(c.machine, path);
  if (image !== undefined) return yield* disassembleImage(c, image, wanted);
  const isThere = c.machine.fileSystem.find(path) !== undefined;
  return yield* c.complain(isThere ? `${path}: file format not recognized` : `'${path}': No such file`);
});

interface NmRow {
  readonly address: string;
  readonly letter: string;
  readonly name: string;
}
function imageRows({ functions, variables, linkAddress }: ImageLayout): readonly NmRow[] {
  const row = (letter: string) => (symbol: { readonly name: string; readonly offset: number }) => ({
    address: address16((symbol.offset + linkAddress).toString(16)),
    letter,
    name: symbol.name,
  });
  return [...functions.map(row('T')), ...variables.map(row('D'))];
}
const kernelRows = (m: Machine): readonly NmRow[] =>
  textSymbols().map((symbol) => ({ address: kernelAddress(symbol.entry), letter: 'T', name: nameOf(m, symbol) }));

export const NM = command('nm', function* (c, args) {
  const { options, operands } = readOptions(args);
  const paths = operands.filter((arg) => !arg.startsWith('--'));
  let status = 0;
  for (const path of paths.length === 0 ? ['a.out'] : paths) {
    const image = KERNELS.has(path) ? undefined : fileImage(c.machine, path);
    if (image === undefined && !KERNELS.has(path)) {
      const isThere = c.machine.fileSystem.find(path) !== undefined;
      status = yield* c.complain(isThere ? `${path}: file format not recognized` : `'${path}': No such file`);
      continue;
    }
    const rows = [...(image === undefined ? kernelRows(c.machine) : imageRows(layoutOf(image)))];
    const key: keyof NmRow = options.has('n') ? 'address' : 'name';
    rows.sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0));
    if (options.has('r')) rows.reverse();
    if (paths.length > 1) yield* c.print(`\n${path}:\n`);
    yield* c.print(joinLines(rows.map(({ address, letter, name }) => `${address} ${letter} ${name}`)));
  }
  return status;
});
