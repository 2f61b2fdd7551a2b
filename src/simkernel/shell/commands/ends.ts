import { errorText } from '../error-text.ts';
import { readPath, readSome, STDIN } from '../output.ts';
import { command, readOptions } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';

/** head and tail: the beginnings and ends of files. */

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 512, k: 1024, K: 1024, M: 2 ** 20, G: 2 ** 30 };

/** `10`, `-3`, `+2`, `1k`: a number with the sign that says from which end it counts. */
interface Count {
  readonly sign: '' | '-' | '+';
  readonly n: number;
}
interface Wanted {
  readonly count: Count;
  /** Bytes instead of lines. */
  readonly isBytes: boolean;
  readonly paths: readonly string[];
  /** A line with its name is in front of each file. */
  readonly hasTitles: boolean;
}
function parseCount(text: string): Count | undefined {
  const match = /^([-+]?)(\d+)([a-zA-Z]?)$/.exec(text);
  const unit = match === null ? undefined : UNITS[match[3]!];
  return match === null || unit === undefined
    ? undefined
    : { sign: match[1] as Count['sign'], n: Number(match[2]) * unit };
}
/** What is asked for; a number is the exit status of who asked for something else. */
function* parse(c: CommandContext, args: readonly string[], old: RegExp): Steps<Wanted | number> {
  // -3 and, of tail, +3 and -c+3 are older ways to say so.
  const words = args.flatMap((arg, i) =>
    old.test(arg) && !/^-[nc]$/.test(args[i - 1] ?? '') ? ['-n', arg.replace(/^-/, '')] : [arg],
  );
  const { options, operands } = readOptions(words, 'nc');
  if (yield* c.refusesOptions(options, 'ncqvf')) return 1;
  const isBytes = options.has('c');
  const text = options.get('c') ?? options.get('n') ?? '10';
  const count = parseCount(text);
  if (count === undefined) return yield* c.complain(`invalid number of ${isBytes ? 'bytes' : 'lines'}: '${text}'`);
  const hasTitles = options.has('v') || (operands.length > 1 && !options.has('q'));
  return { count, isBytes, paths: operands, hasTitles };
}
/** Each file's part, under its name where there are several. */
function* parts(c: CommandContext, { paths, hasTitles }: Wanted, part: (text: string) => string): Steps<number> {
  let status = 0;
  let isFirst = true;
  for (const path of paths.length === 0 ? ['-'] : paths) {
    const text = path === '-' ? (yield* c.input([])).text : yield* readPath(c.u, path);
    if (typeof text === 'number') {
      status = yield* c.complain(`cannot open '${path}' for reading: ${errorText(text)}`);
      continue;
    }
    const title = hasTitles ? `${isFirst ? '' : '\n'}==> ${path === '-' ? 'standard input' : path} <==\n` : '';
    isFirst = false;
    yield* c.print(title + part(text));
  }
  return status;
}
/** Pieces of a text that are put together again as they were. */
const pieces = (text: string, isBytes: boolean): readonly string[] =>
  isBytes ? [...text] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);

const HEAD: MakeCommand = command('head', function* (c, args) {
  const wanted = yield* parse(c, args, /^-\d+[a-zA-Z]?$/);
  if (typeof wanted === 'number') return wanted;
  const { count, isBytes, paths } = wanted;
  const all = count.sign === '-';
  if (!all && (paths.length === 0 || isDevice(c, paths))) return yield* readHead(c, wanted);
  return yield* parts(c, wanted, (text) => {
    const found = pieces(text, isBytes);
    return found.slice(0, all ? Math.max(0, found.length - count.n) : count.n).join('');
  });
});
const isDevice = (c: CommandContext, paths: readonly string[]): boolean =>
  paths.length === 1 &&
  c.machine.fileSystem.find(paths[0]!)?.inode.operations !== undefined &&
  paths[0]!.startsWith('/dev/');
/** Stops reading once it has enough: whoever writes to a pipe gets SIGPIPE, and devices have no end. */
function* readHead(c: CommandContext, { count, isBytes, paths }: Wanted): Steps<number> {
  const [path] = paths;
  const fd = path === undefined ? STDIN : yield c.u.openat(path);
  if (fd < 0) return yield* c.complain(`cannot open '${path!}' for reading: ${errorText(fd)}`);
  let text = '';
  const isEnough = (): boolean => (isBytes ? text.length : text.split('\n').length - 1) >= count.n;
  while (!isEnough()) {
    const part = yield* readSome(c.u, fd);
    if (typeof part === 'number' || part === '') break;
    text += part;
  }
  yield* c.print(pieces(text, isBytes).slice(0, count.n).join(''));
  return 0;
}

const POLL_NS = 1e9;
const TAIL: MakeCommand = command('tail', function* (c, args) {
  const wanted = yield* parse(c, args, /^[-+]\d+$/);
  if (typeof wanted === 'number') return wanted;
  const { count, isBytes, paths } = wanted;
  const status = yield* parts(c, wanted, (text) => {
    const found = pieces(text, isBytes);
    const from = count.sign === '+' ? Math.max(0, count.n - 1) : Math.max(0, found.length - count.n);
    return found.slice(from).join('');
  });
  const [path] = paths;
  if (path === undefined || !args.includes('-f')) return status;
  // Until a signal ends it.
  let known = String(yield* readPath(c.u, path)).length;
  for (;;) {
    yield c.u.nanosleep(POLL_NS);
    const text = yield* readPath(c.u, path);
    if (typeof text === 'string' && text.length > known) yield* c.print(text.slice(known));
    if (typeof text === 'string') known = text.length;
  }
});

export const END_COMMANDS: readonly MakeCommand[] = [HEAD, TAIL];
