import { textSymbolAt, textSymbols } from '../../execution/text.ts';
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
const USAGE = 'usage: objdump -d [--disassemble=FUNCTION] [--start-address=A] [--stop-address=A] [vmlinux | FILE]';
const address16 = (address: string): string => address.padStart(16, '0');

function listing(name: string, instructions: readonly Instruction[]): string {
  return joinLines([
    `${address16(instructions[0]?.address ?? '0')} <${name}>:`,
    ...instructions.map(({ address, raw, text }) => `${address}:\t${raw}\t${text}`.trimEnd()),
  ]);
}

/** --start-address, --stop-address: only what lies between. */
interface Range {
  readonly from: bigint;
  readonly to: bigint;
}
const LAST = 2n ** 64n;
const isInside = ({ from, to }: Range, { address }: Instruction): boolean => {
  const at = BigInt(`0x${address.trim()}`);
  return at >= from && at < to;
};
/** undefined: one of them is no number. */
function rangeOf(args: readonly string[]): Range | undefined {
  const bound = (name: string, fallback: bigint): bigint | undefined => {
    const text = args.find((arg) => arg.startsWith(`--${name}-address=`))?.split('=')[1];
    if (text === undefined) return fallback;
    return /^(0x[\da-f]+|\d+)$/i.test(text) ? BigInt(text) : undefined;
  };
  const [from, to] = [bound('start', 0n), bound('stop', LAST)];
  return from === undefined || to === undefined ? undefined : { from, to };
}

function* disassembleKernel(c: CommandContext, name: string | undefined, range: Range): Steps<number> {
  const { machine } = c;
  const inText = textSymbolAt(Number(BigInt.asUintN(31, range.from)));
  const symbol = name === undefined ? inText : symbolNamed(machine, name);
  if (symbol === undefined)
    return yield* c.complain(name === undefined ? USAGE : `warning: '${name}' not found in vmlinux`);
  const shown = kernelInstructions(machine, symbol).filter((instruction) => isInside(range, instruction));
  const [first] = shown;
  const offset = first === undefined || first.offset === 0 ? '' : `+0x${first.offset.toString(16)}`;
  yield* c.print(listing(nameOf(machine, symbol) + offset, shown));
  return 0;
}
function* disassembleImage(c: CommandContext, image: Image, wanted: string | undefined, range: Range): Steps<number> {
  const functions = layoutOf(image).functions.filter(({ name }) => wanted === undefined || name === wanted);
  if (functions.length === 0) return yield* c.complain(`warning: '${wanted ?? ''}' not found in ${image.path}`);
  yield* c.print(
    `\n${image.path}:     file format ${FORMATS[c.machine.abi.name]}\n\n\nDisassembly of section .text:\n`,
  );
  for (const row of functions) {
    const shown = imageInstructions(c.machine, image, row).filter((instruction) => isInside(range, instruction));
    const [first] = shown;
    if (first === undefined) continue;
    const offset = first.offset === 0 ? '' : `+0x${first.offset.toString(16)}`;
    yield* c.print(`\n${listing(row.name + offset, shown)}`);
  }
  return 0;
}
const FORMATS: Record<Machine['abi']['name'], string> = { x86_64: 'elf64-x86-64', arm64: 'elf64-littleaarch64' };

export const OBJDUMP = command('objdump', function* (c, args) {
  const long = args.find((arg) => arg.startsWith('--disassemble='));
  const { options, operands } = readOptions(args.map((arg) => (arg === '--disassemble' ? '-d' : arg)));
  const wanted = long?.slice('--disassemble='.length);
  const [path = 'vmlinux'] = operands.filter((arg) => !arg.startsWith('--'));
  if (wanted === undefined && !options.has('d')) return yield* c.complain(USAGE);
  const range = rangeOf(args);
  if (range === undefined) return yield* c.complain('bad number in --start-address or --stop-address');
  if (KERNELS.has(path))
    return wanted === undefined && range.from === 0n
      ? yield* c.complain(USAGE)
      : yield* disassembleKernel(c, wanted, range);
  const image = fileImage(c.machine, path);
  if (image !== undefined) return yield* disassembleImage(c, image, wanted, range);
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
