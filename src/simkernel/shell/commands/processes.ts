import { PF_KTHREAD, TASK_STIME, TASK_UTIME } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { SIGINT, SIGKILL, SIGTERM } from '../../tasks/signals.ts';
import { USERS } from '../../tasks/users.ts';
import { MS, SECOND } from '../../time/units.ts';
import { errorText } from '../error-text.ts';
import { SIGNAL_NUMBERS } from '../signal-numbers.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';
import { launch, missing, NOT_FOUND } from './launch.ts';

const PID_WIDTH = 7;
const TIMED_OUT = 124;
const POLL_NS = 5 * MS;

/** A process as ps names it: its command line, or a kernel thread's name in brackets. */
const isKernelThread = ({ flags }: Task): boolean => (flags & PF_KTHREAD) !== 0;
const commandLine = (task: Task): string =>
  isKernelThread(task) ? `[${task.comm}]` : (task.process?.argv.join(' ') ?? task.comm);
const cpuSeconds = ({ times }: Task): number => (times[TASK_UTIME]! + times[TASK_STIME]!) / SECOND;
const clockText = (seconds: number): string => {
  const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) =>
    String(Math.floor(part)).padStart(2, '0'),
  );
  return `${h}:${m}:${s}`;
};
const owner = ({ uid }: Task): string => USERS.get(uid) ?? String(uid);
function stateLetter(c: CommandContext, task: Task): Steps<string> {
  return (function* () {
    const text = c.machine.fileSystem.find(`/proc/${task.tgid}/stat`)?.inode.contents?.(c.machine) ?? '';
    return /\) (\w)/.exec(text)?.[1] ?? '?';
  })();
}

interface PsColumn {
  readonly title: string;
  /** Negative: to the left. */
  readonly width: number;
  readonly of: (c: CommandContext, task: Task) => Steps<string>;
}
const column = (title: string, width: number, of: (task: Task) => string | number): PsColumn => ({
  title,
  width,
  *of(_, task) {
    return String(of(task));
  },
});
const PS_COLUMNS: Readonly<Record<string, PsColumn>> = {
  user: column('USER', -12, owner),
  uid: column('UID', 5, ({ uid }) => uid),
  pid: column('PID', PID_WIDTH, ({ tgid }) => tgid),
  ppid: column('PPID', PID_WIDTH, ({ parent }) => parent?.tgid ?? 0),
  tid: column('TID', PID_WIDTH, ({ pid }) => pid),
  lwp: column('LWP', PID_WIDTH, ({ pid }) => pid),
  nlwp: column('NLWP', 4, ({ process }) => process?.threads.length ?? 1),
  psr: column('PSR', 3, ({ cpu }) => cpu),
  ni: column('NI', 3, ({ prio }) => prio - 120),
  pri: column('PRI', 3, ({ prio }) => 139 - prio),
  time: column('TIME', 8, (task) => clockText(cpuSeconds(task))),
  comm: column('COMMAND', -15, ({ comm }) => comm),
  ucmd: column('CMD', -15, (task) => (isKernelThread(task) ? `[${task.comm}]` : task.comm)),
  args: column('COMMAND', -15, commandLine),
  cmd: column('CMD', -15, commandLine),
  stat: { title: 'STAT', width: -4, of: stateLetter },
  s: { title: 'S', width: -1, of: stateLetter },
  wchan: {
    title: 'WCHAN',
    width: -20,
    *of(c, task) {
      return c.machine.fileSystem.find(`/proc/${task.tgid}/wchan`)?.inode.contents?.(c.machine) ?? '-';
    },
  },
};
const PS_NAMES: Readonly<Record<string, string>> = { command: 'args', tgid: 'pid', spid: 'tid', state: 's' };

const PS_OPTIONS = 'AaCdefHLNOopTtuUVwxly';
const PS_USAGE = `
Usage:
 ps [options]

 Try 'ps --help <simple|list|output|threads|misc|all>'
  or 'ps --help <s|l|o|t|m|a>'
 for additional help text.

For more details see ps(1).
`;
const PS: MakeCommand = command('ps', function* (c, args) {
  const { options, operands } = readOptions(args, 'opCO');
  if ([...options.keys()].some((letter) => !PS_OPTIONS.includes(letter))) {
    yield* c.report(`error: unsupported SysV option\n${PS_USAGE}`);
    return 1;
  }
  const asked = options
    .get('o')
    ?.split(',')
    .map((name) => name.replace(/=.*$/, ''));
  const columns = (asked ?? (options.has('f') ? ['user', 'pid', 'ppid', 'time', 'cmd'] : ['pid', 'ppid', 'ucmd'])).map(
    (name) => ({ name, row: PS_COLUMNS[PS_NAMES[name] ?? name] }),
  );
  const unknown = columns.find(({ row }) => row === undefined);
  if (unknown !== undefined) {
    yield* c.report(`error: unknown user-defined format specifier "${unknown.name}"\n\nUsage:\n ps [options]\n`);
    return 1;
  }
  const pids = [...(options.get('p')?.split(',') ?? []), ...operands.filter((word) => /^\d+$/.test(word))].map(Number);
  const names = options.get('C')?.split(',');
  const withThreads = options.has('L') || options.has('T') || operands.includes('H');
  const tasks = [...c.machine.tasks.values()].filter(
    (task) =>
      (withThreads || task.pid === task.tgid) &&
      (pids.length === 0 || pids.includes(task.tgid)) &&
      names?.includes(task.comm) !== false,
  );
  const cell = (text: string, width: number, isLast: boolean): string =>
    isLast && width < 0 ? text : width < 0 ? text.padEnd(-width) : text.padStart(width);
  const line = (texts: readonly string[]): string =>
    texts.map((text, i) => cell(text, columns[i]!.row!.width, i === texts.length - 1)).join(' ');
  const lines = [line(columns.map(({ row }) => row!.title))];
  for (const task of tasks) {
    const texts: string[] = [];
    for (const { row } of columns) texts.push(yield* row!.of(c, task));
    lines.push(line(texts));
  }
  yield* c.print(joinLines(lines));
  return tasks.length === 0 ? 1 : 0;
});

/** Those whose name, or with -f whose command line, a pattern matches; neither the command itself nor threads. */
function matching(c: CommandContext, pattern: string, options: ReadonlyMap<string, string>): readonly Task[] {
  let wanted: RegExp;
  try {
    wanted = new RegExp(options.has('x') ? `^(?:${pattern})$` : pattern);
  } catch {
    return [];
  }
  return [...c.machine.tasks.values()].filter(
    (task) =>
      task.pid === task.tgid &&
      task !== c.u.task &&
      wanted.test(options.has('f') ? commandLine(task) : task.comm) &&
      (!options.has('u') || owner(task) === options.get('u')),
  );
}
const PGREP: MakeCommand = command('pgrep', function* (c, args) {
  const { options, operands } = readOptions(args, 'u');
  if (operands.length !== 1) {
    yield* c.report("pgrep: no matching criteria specified\nTry `pgrep --help' for more information.\n");
    return 2;
  }
  const found = matching(c, operands[0]!, options);
  yield* c.print(
    joinLines(
      found.map((task) =>
        options.has('a')
          ? `${task.pid} ${commandLine(task)}`
          : options.has('l')
            ? `${task.pid} ${task.comm}`
            : String(task.pid),
      ),
    ),
  );
  return found.length > 0 ? 0 : 1;
});

/** `-9`, `-INT`, `-SIGINT` out of the arguments; undefined: no such signal. */
function signalOption(args: readonly string[]): {
  readonly signal: number | undefined;
  readonly rest: readonly string[];
} {
  const first = args.find((arg) => /^-(SIG)?[A-Z]+\d?$|^-\d+$/.test(arg));
  if (first === undefined) return { signal: SIGTERM, rest: args };
  const name = first.slice(1).replace(/^SIG/, '');
  const signal = /^\d+$/.test(name) ? Number(name) : SIGNAL_NUMBERS[name];
  return { signal, rest: args.filter((arg) => arg !== first) };
}
const PKILL: MakeCommand = command('pkill', function* (c, args) {
  const { signal, rest } = signalOption(args);
  const { options, operands } = readOptions(rest, 'u');
  if (operands.length !== 1 || signal === undefined) {
    yield* c.report("pkill: no matching criteria specified\nTry `pkill --help' for more information.\n");
    return 2;
  }
  const found = matching(c, operands[0]!, options);
  for (const { pid } of found) yield c.u.call('kill', pid, signal);
  return found.length > 0 ? 0 : 1;
});
const KILL: MakeCommand = command('kill', function* (c, args) {
  const { signal, rest } = signalOption(args);
  if (signal === undefined || rest.length === 0) return yield* c.complain('not enough arguments');
  let status = 0;
  for (const target of rest) {
    const error = /^\d+$/.test(target) ? ((yield c.u.call('kill', Number(target), signal)) as number) : -22;
    if (error < 0) status = yield* c.complain(`sending signal to ${target} failed: ${errorText(error)}`);
  }
  return status;
});

/** Runs a command as a child; its exit status. */
function* runChild(c: CommandContext, argv: readonly string[]): Steps<number> {
  const pid = yield* launch(c.machine, c.u, argv);
  const task = c.machine.tasks.get(pid);
  yield c.u.wait4(pid);
  return exitStatus(task);
}
function exitStatus(task: Task | undefined): number {
  const code = task?.exitCode ?? 0;
  return (code & 0x7f) === 0 ? (code >> 8) & 0xff : 128 + (code & 0x7f);
}
/** `1.5`, `200ms`, `2m`; NaN: none of them. */
function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|[smhd])?$/.exec(text);
  const units: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400 };
  return match === null ? Number.NaN : Number(match[1]) * units[match[2] ?? 's']!;
}
const TIMEOUT: MakeCommand = command('timeout', function* (c, args) {
  const { options, operands } = readOptions(args, 'sk', true);
  const [limit = '', ...argv] = operands;
  const signal = SIGNAL_NUMBERS[(options.get('s') ?? 'TERM').replace(/^SIG/, '')] ?? Number(options.get('s'));
  if (argv.length === 0) return yield* c.complain("missing operand\nTry 'timeout --help' for more information.");
  if (!(seconds(limit) >= 0)) return yield* c.complain(`invalid time interval '${limit}'`);
  if (!(signal > 0)) return yield* c.complain(`'${options.get('s') ?? ''}': invalid signal`);
  if (yield* missing(c, argv, (name) => `failed to run command '${name}': No such file or directory`)) return NOT_FOUND;
  const { machine, u } = c;
  const pid = yield* launch(machine, u, argv);
  const task = machine.tasks.get(pid)!;
  const end = machine.now() + seconds(limit) * SECOND;
  while (task.exitState === 0 && machine.now() < end)
    yield u.nanosleep(Math.max(1, Math.min(POLL_NS, end - machine.now())));
  const isLate = task.exitState === 0;
  if (isLate) yield u.call('kill', pid, signal);
  yield u.wait4(pid);
  return isLate && signal !== SIGKILL ? TIMED_OUT : exitStatus(task);
});

const WATCH: MakeCommand = command('watch', function* (c, args) {
  const { options, operands } = readOptions(args, 'n', true);
  const interval = seconds(options.get('n') ?? '2');
  if (operands.length === 0) return yield* c.complain("bad usage\nTry 'watch --help' for more information.");
  if (!(interval > 0)) return yield* c.complain(`failed to parse argument: '${options.get('n') ?? ''}'`);
  let isOver = false;
  for (const signal of [SIGINT, SIGTERM])
    yield c.u.onSignal(signal, function* () {
      isOver = true;
      return 0;
    });
  while (!isOver) {
    yield* c.print(`Every ${interval.toFixed(1)}s: ${operands.join(' ')}\n\n`);
    yield* runChild(c, options.has('x') ? operands : ['sh', '-c', operands.join(' ')]);
    yield c.u.nanosleep(interval * SECOND);
  }
  return 0;
});

/** Everybody in the lab is root already. */
const SUDO: MakeCommand = command('sudo', function* (c, args) {
  const { operands } = readOptions(args, 'ugCp', true);
  const argv = operands.filter(
    (word, i) => !(/^\w+=/.test(word) && operands.slice(0, i).every((w) => /^\w+=/.test(w))),
  );
  if (argv.length === 0) {
    yield* c.report('usage: sudo [-u user] [VAR=value] command\n');
    return 1;
  }
  if (yield* missing(c, argv, (name) => `${name}: command not found`)) return 1;
  return yield* runChild(c, argv);
});
const PIDOF: MakeCommand = command('pidof', function* (c, args) {
  const pids = [...c.machine.tasks.values()]
    .filter(({ comm, pid, tgid }) => pid === tgid && args.includes(comm))
    .map(({ pid }) => pid);
  if (pids.length > 0) yield* c.print(`${pids.reverse().join(' ')}\n`);
  return pids.length > 0 ? 0 : 1;
});

export const PROCESS_COMMANDS: readonly MakeCommand[] = [PS, PGREP, PKILL, KILL, PIDOF, TIMEOUT, WATCH, SUDO];
