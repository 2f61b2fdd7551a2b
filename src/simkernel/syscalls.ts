import { SYSCALL_LINES } from './generated/syscalls.ts';

/** A system call of x86-64. */
export interface Syscall {
  readonly number: number;
  /** `stat`; what programs call it. */
  readonly name: string;
  /** `newstat`; what the kernel calls it: __x64_sys_newstat, sys_enter_newstat. */
  readonly entry: string;
  readonly parameters: readonly { readonly type: string; readonly name: string }[];
}

let parsed: readonly Syscall[] | undefined;

/** The whole table in order of number. */
export function syscalls(): readonly Syscall[] {
  return (parsed ??= SYSCALL_LINES.trimEnd().split('\n').map(parseLine));
}

let byNumber: ReadonlyMap<number, Syscall> | undefined;
export function syscallByNumber(number: number): Syscall | undefined {
  byNumber ??= new Map(syscalls().map((row) => [row.number, row]));
  return byNumber.get(number);
}

const byName = new Map<string, Syscall | undefined>();

/** By either name; reads only that line of the table, since declaring the implemented calls is part of every start. */
export function syscallByName(name: string): Syscall | undefined {
  if (byName.has(name)) return byName.get(name);
  const found = [`\t${name}\t`, `\t${name}:`, `:${name}\t`]
    .map((part) => SYSCALL_LINES.indexOf(part))
    .find((at) => at >= 0);
  let row: Syscall | undefined;
  if (found !== undefined) {
    const start = SYSCALL_LINES.lastIndexOf('\n', found) + 1;
    row = parseLine(SYSCALL_LINES.slice(start, SYSCALL_LINES.indexOf('\n', found)));
  }
  byName.set(name, row);
  return row;
}

function parseLine(line: string): Syscall {
  const [number, names, parameters] = line.split('\t');
  const [name, entry] = names!.split(':');
  return {
    number: Number(number),
    name: name!,
    entry: entry ?? name!,
    parameters: (parameters === '' ? [] : parameters!.split(', ')).map((text) => {
      const space = text.lastIndexOf(' ');
      return { type: text.slice(0, space), name: text.slice(space + 1) };
    }),
  };
}
