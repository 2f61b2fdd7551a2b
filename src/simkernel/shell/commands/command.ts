import type { Machine } from '../../machine.ts';
import type { Image, UserStep } from '../../programs/image.ts';
import type { UserContext } from '../../programs/user.ts';
import { malloc } from '../../programs/malloc.ts';
import { errorText } from '../error-text.ts';
import { readPath, readWhole, STDERR, STDIN, STDOUT, writeText } from '../output.ts';

export type Steps<T> = Generator<UserStep, T, number>;
export type Main = (context: CommandContext, args: readonly string[]) => Steps<number>;

const STREAM_BUFFER = 4096;

/** What a command of the lab has: its process, its machine, and the usual ways to read and print. */
export class CommandContext {
  readonly u: UserContext;
  readonly machine: Machine;
  private readonly name: string;
  private hasBuffer = false;
  constructor(m: Machine, u: UserContext, name: string) {
    this.machine = m;
    this.u = u;
    this.name = name;
  }
  *print(text: string): Steps<void> {
    // stdio makes its buffer at the first write.
    if (!this.hasBuffer) yield* malloc(this.u, STREAM_BUFFER);
    this.hasBuffer = true;
    yield* writeText(this.u, STDOUT, text);
  }
  /** On standard error, as it is. */
  *report(text: string): Steps<void> {
    yield* writeText(this.u, STDERR, text);
  }
  *complain(message: string): Steps<number> {
    yield* writeText(this.u, STDERR, `${this.name}: ${message}\n`);
    return 1;
  }
  /** Says so when there is an option that it does not know. */
  *refusesOptions(options: ReadonlyMap<string, string>, known: string): Steps<boolean> {
    const wrong = [...options.keys()].find((letter) => !known.includes(letter));
    if (wrong === undefined) return false;
    yield* this.complain(`invalid option -- '${wrong}'\nTry '${this.name} --help' for more information.`);
    return true;
  }
  /** All of the files, or of standard input without any; complains of those that cannot be read. */
  *input(paths: readonly string[]): Steps<{ readonly text: string; readonly status: number }> {
    if (paths.length === 0) {
      const text = yield* readWhole(this.u, STDIN);
      return typeof text === 'number' ? { text: '', status: 1 } : { text, status: 0 };
    }
    let all = '';
    let status = 0;
    for (const path of paths) {
      const text = yield* path === '-' ? readWhole(this.u, STDIN) : readPath(this.u, path);
      if (typeof text === 'string') all += text;
      else status = yield* this.complain(`${path}: ${errorText(text)}`);
    }
    return { text: all, status };
  }
}

export type MakeCommand = (m: Machine) => Image;
export function command(name: string, main: Main, folder = '/usr/bin'): MakeCommand {
  return (m) => ({
    path: `${folder}/${name}`,
    symbols: ['main', '_dl_start', 'usage'],
    *main(u, argv) {
      return yield* main(new CommandContext(m, u, name), argv.slice(1));
    },
  });
}

/** Cuts `-n 5`, `-n5`, `-rc` into options and the rest, which may begin at the first operand; letters in `withValue` take a value. */
export function readOptions(
  args: readonly string[],
  withValue = '',
  stopAtOperand = false,
): { readonly options: ReadonlyMap<string, string>; readonly operands: readonly string[] } {
  const options = new Map<string, string>();
  const operands: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i]!;
    if (arg === '--') return { options, operands: [...operands, ...args.slice(i + 1)] };
    if (!/^-[^-]/.test(arg)) {
      if (stopAtOperand) return { options, operands: args.slice(i) };
      operands.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at += 1) {
      const letter = arg[at]!;
      if (!withValue.includes(letter)) {
        options.set(letter, '');
        continue;
      }
      options.set(letter, at + 1 < arg.length ? arg.slice(at + 1) : (args[(i += 1)] ?? ''));
      break;
    }
  }
  return { options, operands };
}
export const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
export const joinLines = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
