import { textSymbol, textSymbolAt, isInstructionBoundary } from '../../execution/text.ts';
import { imageAt } from '../../listing.ts';
import { layoutOf } from '../../programs/image-layout.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
const VMLINUX = 'vmlinux';
const MAX_BYTES = 7;

export const ELF_COMMANDS: readonly MakeCommand[] = [
  command('readelf', function* (c, args) {
    const { options, operands } = readOptions(args.map((arg) => (arg === '--wide' ? '-W' : arg)));
    const path = operands[0] ?? '';
    const image = imageAt(c.machine.scenario, path) ?? c.machine.images.get(path);
    if (image === undefined) return yield* c.complain(`Error: '${path}': No such file`);
    yield c.u.work(400_000);
    const layout = layoutOf(image);
    if (options.has('S')) {
      const size = layout.textEnd - layout.textAddress;
      yield* c.print(
        joinLines([
          'Section Headers:',
          '  [Nr] Name              Type             Address           Offset    Size',
          `  [ 1] .text             PROGBITS         ${hex(layout.textAddress, 16)}  ${hex(layout.textFileOffset, 8)}  ${hex(size, 16)}`,
        ]),
      );
    }
    if (options.has('s')) {
      const rows = [
        ...layout.functions.map((row) => ({ ...row, type: 'FUNC   ' })),
        ...layout.variables.map((row) => ({ ...row, type: 'OBJECT ' })),
      ];
      yield* c.print(
        joinLines([
          `Symbol table '.symtab' contains ${rows.length} entries:`,
          '   Num:    Value          Size Type    Bind   Vis      Ndx Name',
          ...rows.map(
            ({ name, offset, size, type }, i) =>
              `${String(i).padStart(6)}: ${hex(offset, 16)} ${String(size).padStart(5)} ${type} GLOBAL DEFAULT    1 ${name}`,
          ),
        ]),
      );
    }
    return 0;
  }),
  // The text of the running kernel, as a debugger on /proc/kcore would see it: with the probes that are in it now.
  command('objdump', function* (c, args) {
    const wanted = args.find((arg) => arg.startsWith('--disassemble='))?.slice('--disassemble='.length);
    const symbol = wanted === undefined ? undefined : textSymbol(wanted);
    if (symbol === undefined) return yield* c.complain(`usage: objdump --disassemble=FUNCTION ${VMLINUX}`);
    const { arena } = c.machine;
    c.machine.visibleText.show(arena, symbol);
    const lines = [`ffffffff${hex((symbol.entry | 0x80000000) >>> 0, 8)} <${symbol.name}>:`];
    for (let at = 0; at < symbol.size;) {
      let end = at + 1;
      while (end < symbol.size && !isInstructionBoundary(symbol, end)) end += 1;
      const code = arena.bytes.subarray(symbol.entry + at, symbol.entry + end);
      const bytes = Array.from(code.subarray(0, MAX_BYTES), (byte) => hex(byte, 2)).join(' ');
      lines.push(
        `ffffffff${hex(((symbol.entry + at) | 0x80000000) >>> 0, 8)}:\t${bytes.padEnd(3 * MAX_BYTES)}\t${mnemonic(code, symbol.entry + at)}`.trimEnd(),
      );
      at = end;
    }
    yield* c.print(joinLines(lines));
    return 0;
  }),
];

/** The instructions that a reader of probes looks for; others are left as bytes. */
function mnemonic(code: Uint8Array, at: number): string {
  const [first = 0, second = 0] = code;
  const target = (): string => {
    const view = new DataView(code.buffer, code.byteOffset, code.length);
    const to = at + code.length + view.getInt32(1, true);
    const symbol = textSymbolAt(to);
    return symbol === undefined
      ? ''
      : `<${symbol.name}${to === symbol.entry ? '' : `+0x${(to - symbol.entry).toString(16)}`}>`;
  };
  if (first === 0xcc) return 'int3';
  if (first === 0xe8 && code.length === 5) return `call   ${target()}`;
  if (first === 0xf3 && second === 0x0f) return 'endbr64';
  if (first === 0x0f && second === 0x1f) return 'nopl   0x0(%rax,%rax,1)';
  if (first === 0x55) return 'push   %rbp';
  if (first === 0x5d) return 'pop    %rbp';
  if (first === 0xc3) return 'ret';
  return first === 0x90 ? 'nop' : '';
}
