import type { Machine } from '../machine.ts';
import { formatLogLine } from '../printk.ts';
import { HOST_NAME, unameParts } from '../version.ts';

/** Commands that the tracer's `system()` may run on the simulated machine; they take no virtual time. */
const COMMANDS: { readonly [name: string]: (m: Machine, args: readonly string[]) => string } = {
  echo: (_m, args) => `${args.join(' ')}\n`,
  cat: (m, args) =>
    args
      .map((path) => {
        const contents = m.readFile(path);
        return contents === undefined ? `cat: ${path}: No such file or directory\n` : String.fromCharCode(...contents);
      })
      .join(''),
  uname: (m, args) => uname(m, args),
  hostname: () => `${HOST_NAME}\n`,
  id: () => 'uid=0(root) gid=0(root) groups=0(root)\n',
  dmesg: (m) => m.kernelLog.map(formatLogLine).join(''),
  true: () => '',
  ps: (m) =>
    '    PID COMMAND\n' + [...m.tasks.values()].map(({ pid, comm }) => `${String(pid).padStart(7)} ${comm}\n`).join(''),
};

function uname(m: Machine, args: readonly string[]): string {
  const parts = unameParts(m.abi.machine);
  const letters = args.join('');
  const wanted = parts.filter(([letter]) => letters.includes('a') || letters.includes(letter));
  return `${(wanted.length === 0 ? parts.slice(0, 1) : wanted).map(([, text]) => text).join(' ')}\n`;
}

/** Runs a command line (words, quotes, `;` and newlines) and returns what it prints. */
export function runCommand(m: Machine, line: string): string {
  let printed = '';
  let words: string[] = [];
  const run = (): void => {
    const [name, ...args] = words;
    words = [];
    if (name === undefined) return;
    const base = name.slice(name.lastIndexOf('/') + 1);
    printed += Object.hasOwn(COMMANDS, base) ? COMMANDS[base]!(m, args) : `sh: 1: ${name}: not found\n`;
  };
  for (const [token] of line.matchAll(/[;\n]|(?:"[^"]*"|'[^']*'|[^\s;"'])+/g)) {
    if (token === ';' || token === '\n') run();
    else words.push(token.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  run();
  return printed;
}
