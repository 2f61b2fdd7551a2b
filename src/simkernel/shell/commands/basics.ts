import { command } from './command.ts';
import type { MakeCommand } from './command.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' };
/** Wider than anybody's terminal, and narrow enough for a string. */
const WIDEST = 65_536;
const whole = (word: string): number => Math.trunc(Number(word)) || 0;
/** What stands behind % in a format. */
const CONVERSIONS: Readonly<Record<string, (word: string, precision: number | undefined) => string>> = {
  s: (word, precision) => word.slice(0, precision),
  c: (word) => word.slice(0, 1),
  d: (word) => String(whole(word)),
  i: (word) => String(whole(word)),
  u: (word) => BigInt.asUintN(64, BigInt(whole(word))).toString(),
  o: (word) => BigInt.asUintN(64, BigInt(whole(word))).toString(8),
  x: (word) => BigInt.asUintN(64, BigInt(whole(word))).toString(16),
  X: (word) =>
    BigInt.asUintN(64, BigInt(whole(word)))
      .toString(16)
      .toUpperCase(),
  f: (word, precision = 6) => (Number(word) || 0).toFixed(Math.min(precision, 100)),
};

/** `printf`, with \n and \t; the format is used again while there are arguments and it takes some. */
function formatted(format: string, args: readonly string[]): { readonly text: string; readonly mistake?: string } {
  const rest = [...args];
  let text = '';
  let mistake: string | undefined;
  let before: number;
  do {
    before = rest.length;
    const plain = format.replace(/\\([ntr\\])/g, (_, letter: string) => ESCAPES[letter]!);
    text += plain.replace(/%([-0]*)(\d*)(?:\.(\d+))?(.?)/gs, (all, flags: string, width: string, precision, kind) => {
      if (all === '%%') return '%';
      const convert = Object.hasOwn(CONVERSIONS, kind) ? CONVERSIONS[kind] : undefined;
      if (convert === undefined) {
        mistake ??= `${all}: invalid conversion specification`;
        return '';
      }
      const shown = convert(rest.shift() ?? '', precision === undefined ? undefined : Number(precision));
      const columns = Math.min(Number(width), WIDEST);
      if (flags.includes('-')) return shown.padEnd(columns);
      if (!flags.includes('0')) return shown.padStart(columns);
      const sign = shown.startsWith('-') ? '-' : '';
      return sign + shown.slice(sign.length).padStart(columns - sign.length, '0');
    });
  } while (mistake === undefined && rest.length > 0 && rest.length < before);
  return mistake === undefined ? { text } : { text, mistake };
}

/** What shells do themselves is a program, too, for whoever executes programs: sudo, strace, xargs. */
const ECHO: MakeCommand = command('echo', function* (c, args) {
  const isBare = args[0] === '-n';
  yield* c.print((isBare ? args.slice(1) : args).join(' ') + (isBare ? '' : '\n'));
  return 0;
});
const PRINTF: MakeCommand = command('printf', function* (c, [format, ...args]) {
  if (format === undefined) return yield* c.complain("missing operand\nTry 'printf --help' for more information.");
  const { text, mistake } = formatted(format, args);
  yield* c.print(text);
  return mistake === undefined ? 0 : yield* c.complain(mistake);
});
const DATE: MakeCommand = command('date', function* (c, args) {
  const { machine } = c;
  const now = new Date((machine.bootTimeNs + machine.now()) / 1e6);
  const [day, month] = [DAYS[now.getUTCDay()]!, MONTHS[now.getUTCMonth()]!];
  const time = now.toISOString().slice(11, 19);
  const parts: Readonly<Record<string, string>> = {
    s: String(Math.floor(now.getTime() / 1000)),
    N: String((machine.bootTimeNs + machine.now()) % 1e9).padStart(9, '0'),
    F: now.toISOString().slice(0, 10),
    T: time,
    H: time.slice(0, 2),
    M: time.slice(3, 5),
    S: time.slice(6, 8),
    Y: String(now.getUTCFullYear()),
    m: String(now.getUTCMonth() + 1).padStart(2, '0'),
    d: String(now.getUTCDate()).padStart(2, '0'),
    '%': '%',
  };
  const format = args.find((arg) => arg.startsWith('+'));
  const usual = `${day} ${month} ${String(now.getUTCDate()).padStart(2)} ${time} UTC ${now.getUTCFullYear()}`;
  const text = format?.slice(1).replace(/%(.)/gs, (all, letter: string) => parts[letter] ?? all) ?? usual;
  yield* c.print(`${text}\n`);
  return 0;
});
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const BASIC_PROGRAMS: readonly MakeCommand[] = [ECHO, PRINTF, DATE];
