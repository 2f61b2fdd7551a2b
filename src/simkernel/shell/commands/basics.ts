import { command } from './command.ts';
import type { MakeCommand } from './command.ts';

/** `printf`: %s, %d, %x, %c, %%, with \n and \t; the format is used again while there are arguments. */
function formatted(format: string, args: readonly string[]): string {
  const rest = [...args];
  let out = '';
  do {
    out += format
      .replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? '\\')
      .replace(/%(-?\d*)([sdxc%])/g, (_, width: string, kind: string) => {
        if (kind === '%') return '%';
        const word = rest.shift() ?? (kind === 's' || kind === 'c' ? '' : '0');
        const text =
          kind === 'x'
            ? Number(word).toString(16)
            : kind === 'd'
              ? String(Math.trunc(Number(word)) || 0)
              : kind === 'c'
                ? word.slice(0, 1)
                : word;
        return width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width));
      });
  } while (rest.length > 0 && /%[^%]/.test(format));
  return out;
}

/** What shells do themselves is a program, too, for whoever executes programs: sudo, strace, xargs. */
const ECHO: MakeCommand = command('echo', function* (c, args) {
  const isBare = args[0] === '-n';
  yield* c.print((isBare ? args.slice(1) : args).join(' ') + (isBare ? '' : '\n'));
  return 0;
});
const PRINTF: MakeCommand = command('printf', function* (c, [format, ...args]) {
  if (format === undefined) return yield* c.complain("missing operand\nTry 'printf --help' for more information.");
  yield* c.print(formatted(format, args));
  return 0;
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
  };
  const format = args.find((arg) => arg.startsWith('+'));
  const usual = `${day} ${month} ${String(now.getUTCDate()).padStart(2)} ${time} UTC ${now.getUTCFullYear()}`;
  const text = format?.slice(1).replace(/%([sNFTHMSY%])/g, (_, letter: string) => parts[letter] ?? '%') ?? usual;
  yield* c.print(`${text}\n`);
  return 0;
});
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const BASIC_PROGRAMS: readonly MakeCommand[] = [ECHO, PRINTF, DATE];
