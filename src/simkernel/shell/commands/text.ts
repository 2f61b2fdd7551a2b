import { command, joinLines, linesOf, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';
import { readSome, STDIN } from '../output.ts';
import { errorText } from '../error-text.ts';

/** 1 says that no line matched. */
const GREP_FAILED = 2;
const cut = (text: string): string => text.replace(/[.+^${}()|[\]\\]/g, '\\$&');

/** `[[:digit:]]` */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['alpha', 'A-Za-z'],
  ['digit', '0-9'],
  ['alnum', 'A-Za-z0-9'],
  ['upper', 'A-Z'],
  ['lower', 'a-z'],
  ['space', '\\s'],
  ['blank', ' \\t'],
  ['punct', '!-\\/:-@\\[-`\\{-~'],
  ['xdigit', '0-9A-Fa-f'],
]);
/** Basic regular expressions as JavaScript's: there `+ ? | ( ) { }` are plain unless escaped. */
export function pattern(text: string, options: ReadonlyMap<string, string>): RegExp {
  const flags = options.has('i') ? 'i' : '';
  let source = text.replace(/^(\^?)\*/, '$1\\*').replace(/\[:(\w+):\]/g, (all, name) => CLASSES.get(name) ?? all);
  if (options.has('F')) source = cut(text);
  else if (!options.has('E'))
    source = source.replace(/\\?[+?|(){}]/g, (token) => (token.startsWith('\\') ? token.slice(1) : `\\${token}`));
  if (options.has('w')) source = `(?<!\\w)(?:${source})(?!\\w)`;
  if (options.has('x')) source = `^(?:${source})$`;
  return new RegExp(source, flags);
}
/** What is wrong with a pattern, in the C library's words; the first whose sign the engine's message has. */
const PATTERN_MISTAKES: readonly (readonly [sign: RegExp, text: string])[] = [
  [/out of order in character class$/, 'Invalid range end'],
  [/character class$/, 'Unmatched [, [^, [:, [., or [='],
  [/group$/, 'Unmatched ( or \\('],
  [/Unmatched '\)'/, 'Unmatched ) or \\)'],
  [/\\ at end/, 'Trailing backslash'],
  [/numbers out of order/, 'Invalid content of \\{\\}'],
];
export const patternMistake = (message: string): string =>
  PATTERN_MISTAKES.find(([sign]) => sign.test(message))?.[1] ?? 'Invalid regular expression';

export const TEXT_COMMANDS: readonly MakeCommand[] = [
  command('cat', function* (c, args) {
    const { options, operands } = readOptions(args);
    const paths = operands.length === 0 ? ['-'] : operands;
    let status = 0;
    let number = 0;
    for (const path of paths) {
      const fd = path === '-' ? STDIN : yield c.u.openat(path);
      if (fd < 0) {
        status = yield* c.complain(`${path}: ${errorText(fd)}`);
        continue;
      }
      for (;;) {
        const part = yield* readSome(c.u, fd);
        if (typeof part === 'number' && part !== 0) status = yield* c.complain(`${path}: ${errorText(part)}`);
        if (typeof part === 'number' || part === '') break;
        const shown = options.has('n')
          ? linesOf(part)
              .map((line) => `${String((number += 1)).padStart(6)}\t${line}\n`)
              .join('')
          : part;
        yield* c.print(shown);
      }
      if (fd !== STDIN) yield c.u.close(fd);
    }
    return status;
  }),
  command('grep', function* (c, args) {
    const { options, operands } = readOptions(args, 'eABCm');
    const [wanted, ...paths] = options.has('e')
      ? [options.get('e')!, ...operands]
      : [operands[0] ?? '', ...operands.slice(1)];
    let test: RegExp;
    try {
      test = pattern(wanted, options);
    } catch (error) {
      yield* c.complain(patternMistake((error as SyntaxError).message));
      return GREP_FAILED;
    }
    const context = (letter: string): number => Number(options.get(letter) ?? options.get('C') ?? 0);
    let found = 0;
    let status = 0;
    let output = '';
    for (const path of paths.length === 0 ? ['-'] : paths) {
      const read = yield* c.input([path]);
      status ||= read.status;
      const prefix = paths.length > 1 && !options.has('h') ? `${path}:` : '';
      const lines = linesOf(read.text);
      const hits = lines.flatMap((line, i) => (test.test(line) !== options.has('v') ? [i] : []));
      found += hits.length;
      if (options.has('c')) output += `${prefix}${hits.length}\n`;
      else if (options.has('l')) output += hits.length > 0 ? `${path}\n` : '';
      else if (options.has('o'))
        for (const hit of hits)
          for (const [match] of lines[hit]!.matchAll(new RegExp(test.source, `g${test.flags}`)))
            output += `${prefix}${match}\n`;
      else {
        const shown = new Set(
          hits.slice(0, Number(options.get('m') ?? hits.length)).flatMap((hit) => {
            const from = Math.max(0, hit - context('B'));
            return Array.from(
              { length: Math.min(lines.length - 1, hit + context('A')) - from + 1 },
              (_, i) => from + i,
            );
          }),
        );
        for (const i of [...shown].sort((a, b) => a - b))
          output += `${prefix}${options.has('n') ? `${i + 1}:` : ''}${lines[i]!}\n`;
      }
    }
    if (!options.has('q')) yield* c.print(output);
    return status !== 0 ? 2 : found > 0 ? 0 : 1;
  }),
  command('wc', function* (c, args) {
    const { options, operands } = readOptions(args);
    const { text, status } = yield* c.input(operands);
    const numbers = [
      ['l', text.split('\n').length - 1],
      ['w', text.split(/\s+/).filter((word) => word !== '').length],
      ['c', text.length],
    ] as const;
    const shown = numbers.filter(([letter]) => options.size === 0 || options.has(letter)).map(([, n]) => String(n));
    const columns = shown.length === 1 ? shown : shown.map((n) => n.padStart(7));
    yield* c.print(`${columns.join(' ')}${operands.length === 0 ? '' : ` ${operands.join(' ')}`}\n`);
    return status;
  }),
  command('sort', function* (c, args) {
    const { options, operands } = readOptions(args, 'kt');
    const { text, status } = yield* c.input(operands);
    const key = Number.parseInt(options.get('k') ?? '0', 10);
    const numeric = options.has('n') || (options.get('k') ?? '').includes('n');
    const keyOf = (line: string): string =>
      key === 0
        ? line
        : line
            .trim()
            .split(options.get('t') ?? /\s+/)
            .slice(key - 1)
            .join(' ');
    const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    const lines = linesOf(text).sort((a, b) => {
      const [x, y] = [keyOf(a), keyOf(b)];
      const difference = numeric ? (Number.parseFloat(x) || 0) - (Number.parseFloat(y) || 0) : byText(x, y);
      const order = difference !== 0 ? difference : byText(a, b);
      return options.has('r') || (options.get('k') ?? '').includes('r') ? -order : order;
    });
    yield* c.print(joinLines(options.has('u') ? [...new Set(lines)] : lines));
    return status;
  }),
  command('uniq', function* (c, args) {
    const { options, operands } = readOptions(args);
    const { text, status } = yield* c.input(operands);
    const groups: { line: string; count: number }[] = [];
    for (const line of linesOf(text)) {
      const last = groups.at(-1);
      if (last?.line === line) last.count += 1;
      else groups.push({ line, count: 1 });
    }
    const kept = options.has('d') ? groups.filter((group) => group.count > 1) : groups;
    yield* c.print(
      joinLines(kept.map(({ line, count: n }) => (options.has('c') ? `${String(n).padStart(7)} ${line}` : line))),
    );
    return status;
  }),
  command('cut', function* (c, args) {
    const { options, operands } = readOptions(args, 'dfc');
    const { text, status } = yield* c.input(operands);
    const ranges = (options.get('f') ?? options.get('c') ?? '1').split(',').map((range) => {
      const [from = '', to] = range.split('-');
      return { from: Number(from || 1), to: to === undefined ? Number(from) : to === '' ? Infinity : Number(to) };
    });
    const delimiter = options.has('c') ? '' : (options.get('d') ?? '\t');
    const keep = (line: string): string => {
      if (delimiter !== '' && !line.includes(delimiter)) return line;
      const parts = line.split(delimiter);
      return parts.filter((_, i) => ranges.some(({ from, to }) => i + 1 >= from && i + 1 <= to)).join(delimiter);
    };
    yield* c.print(joinLines(linesOf(text).map(keep)));
    return status;
  }),
  command('tr', function* (c, args) {
    const { options, operands } = readOptions(args);
    const set = (text = ''): string =>
      text
        .replace(/\\n/g, '\n')
        .replace(/\\t/g, '\t')
        .replace(/\\([0-7]{1,3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
        .replace(/(.)-(.)/g, (_, a: string, b: string) =>
          String.fromCharCode(
            ...Array.from({ length: b.charCodeAt(0) - a.charCodeAt(0) + 1 }, (__, i) => a.charCodeAt(0) + i),
          ),
        );
    const [from, to] = [set(operands[0]), set(operands[1])];
    const { text } = yield* c.input([]);
    const mapped = [...text].map((char) => {
      const at = from.indexOf(char);
      if (at < 0) return char;
      return options.has('d') ? '' : (to[Math.min(at, to.length - 1)] ?? char);
    });
    const squeezed = options.has('s')
      ? mapped.filter((char, i) => char !== mapped[i - 1] || !(to || from).includes(char))
      : mapped;
    yield* c.print(squeezed.join(''));
    return 0;
  }),
  command('tee', function* (c, args) {
    const { options, operands } = readOptions(args);
    const { text } = yield* c.input([]);
    yield* c.print(text);
    let status = 0;
    for (const path of operands) {
      const fd = yield c.u.openat(path, options.has('a') ? 0o2101 : 0o1101, 0o644);
      const error = fd < 0 ? fd : yield c.u.write(fd, c.u.string(text), text.length);
      if (error < 0) status = yield* c.complain(`${path}: ${errorText(error)}`);
      if (fd >= 0) yield c.u.close(fd);
    }
    return status;
  }),
];
