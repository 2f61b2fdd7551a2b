import type { Machine } from '../machine.ts';
import { formatLogLine } from '../printk.ts';
import { HOST_NAME, unameParts } from '../version.ts';

/** What a command printed, and its status as `$?` has it. */
export interface CommandResult {
  readonly printed: string;
  readonly status: number;
}

type HostCommand = (m: Machine, args: readonly string[]) => string | CommandResult;

const NOT_FOUND = 127;

/** Commands that the tracer's `system()` may run on the simulated machine; they take no virtual time. */
const COMMANDS: { readonly [name: string]: HostCommand } = {
  echo: (_m, args) => `${args.join(' ')}\n`,
  cat: (m, args) => {
    let status = 0;
    const texts = args.map((path) => {
      const contents = m.readFile(path);
      if (contents !== undefined) return String.fromCharCode(...contents);
      status = 1;
      return `cat: ${path}: No such file or directory\n`;
    });
    return { printed: texts.join(''), status };
  },
  uname: (m, args) => uname(m, args),
  hostname: () => `${HOST_NAME}\n`,
  id: () => 'uid=0(root) gid=0(root) groups=0(root)\n',
  dmesg: (m) => m.kernelLog.map(formatLogLine).join(''),
  true: () => '',
  false: () => ({ printed: '', status: 1 }),
  ps: (m) =>
    '    PID COMMAND\n' + [...m.tasks.values()].map(({ pid, comm }) => `${String(pid).padStart(7)} ${comm}\n`).join(''),
};

function uname(m: Machine, args: readonly string[]): string {
  const parts = unameParts(m.abi.machine);
  const letters = args.join('');
  const wanted = parts.filter(([letter]) => letters.includes('a') || letters.includes(letter));
  return `${(wanted.length === 0 ? parts.slice(0, 1) : wanted).map(([, text]) => text).join(' ')}\n`;
}

/** Runs a command line: words, quotes, `;`, newlines and `exit`. */
export function runCommand(m: Machine, line: string): CommandResult {
  let printed = '';
  let status = 0;
  for (const [name, ...args] of commandsOf(line)) {
    if (name === 'exit') return { printed, status: args[0] === undefined ? status : Number(args[0]) & 0xff };
    const result = runOne(m, name!, args);
    printed += result.printed;
    status = result.status;
  }
  return { printed, status };
}

function runOne(m: Machine, name: string, args: readonly string[]): CommandResult {
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (!Object.hasOwn(COMMANDS, base)) return { printed: `sh: 1: ${name}: not found\n`, status: NOT_FOUND };
  const result = COMMANDS[base]!(m, args);
  return typeof result === 'string' ? { printed: result, status: 0 } : result;
}

function commandsOf(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/[;\n]|(?:"[^"]*"|'[^']*'|[^\s;"'])+/g)) {
    if (token === ';' || token === '\n') commands.push([]);
    else commands.at(-1)!.push(token.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  return commands.filter((words) => words.length > 0);
}
