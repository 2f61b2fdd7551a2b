import type { UserStep } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import { errorText } from './error-text.ts';
import { fileAt } from './file-at.ts';
import { readSome, STDERR, STDIN, STDOUT, writeText } from './output.ts';
import { jobText } from './jobs.ts';
import { waitFor } from './processes.ts';
import { complain, type ShellState } from './state.ts';
import { SIGNAL_NUMBERS } from './signal-numbers.ts';

export type Builtin = (
  u: UserContext,
  state: ShellState,
  args: readonly string[],
) => Generator<UserStep, number, number>;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

function* echo(u: UserContext, _state: ShellState, args: readonly string[]): ReturnType<Builtin> {
  let words = args;
  let end = '\n';
  let escapes = false;
  while (/^-[neE]+$/.test(words[0] ?? '')) {
    if (words[0]!.includes('n')) end = '';
    escapes ||= words[0]!.includes('e');
    words = words.slice(1);
  }
  const text = words.join(' ');
  const printed = escapes ? text.replace(/\\(.)/g, (whole, c: string) => ESCAPES[c] ?? whole) : text;
  const error = yield* writeText(u, STDOUT, printed + end);
  if (error >= 0) return 0;
  yield* complain(u, `echo: write error: ${errorText(error)}`);
  return 1;
}

/** `test`: files, texts and numbers. */
function evaluateTest(u: UserContext, state: ShellState, args: readonly string[]): boolean {
  const [a = '', b, c] = args;
  if (a === '!') return !evaluateTest(u, state, args.slice(1));
  if (b === undefined) return a !== '';
  if (c === undefined) {
    const dentry = fileAt(state.lab.machine, u.task, b);
    if (a === '-z') return b === '';
    if (a === '-n') return b !== '';
    if (a === '-e' || a === '-r' || a === '-w') return dentry !== undefined;
    if (a === '-f') return dentry?.inode.isDirectory === false;
    if (a === '-x') return dentry !== undefined && (dentry.inode.mode & 0o111) !== 0;
    if (a === '-s') return dentry !== undefined && dentry.inode.size > 0;
    if (a === '-d') return dentry?.inode.isDirectory === true;
    return false;
  }
  const compare = Object.hasOwn(COMPARISONS, b) ? COMPARISONS[b] : undefined;
  return compare?.(a, c) ?? false;
}
const COMPARISONS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '-eq': (a, b) => Number(a) === Number(b),
  '-ne': (a, b) => Number(a) !== Number(b),
  '-lt': (a, b) => Number(a) < Number(b),
  '-le': (a, b) => Number(a) <= Number(b),
  '-gt': (a, b) => Number(a) > Number(b),
  '-ge': (a, b) => Number(a) >= Number(b),
};

function* leaveLoop(
  u: UserContext,
  state: ShellState,
  kind: 'break' | 'continue',
  [levels = '1']: readonly string[],
): ReturnType<Builtin> {
  if (state.loopDepth === 0) {
    yield* complain(u, `${kind}: only meaningful in a \`for', \`while', or \`until' loop`);
    return 0;
  }
  const left = Number(levels);
  if (!(left >= 1)) {
    yield* complain(u, `${kind}: ${levels}: loop count out of range`);
    return 1;
  }
  state.jump = { kind, left: Math.min(left, state.loopDepth) };
  return 0;
}

/** `help`: what there is, by purpose. */
const HELP = `This is a simulated machine. Every command is a process of it; time passes only while commands run.

shell     cd clear echo exit export help history jobs kill local pwd read return shift test time unset wait   sh -c
          for while until if case f() { } break continue   $(...) $((...)) | < > >> << <<< 2>&1 &
files     cat chmod cp cut dd grep head ln ls mkdir mv printf readlink rm rmdir sed sort tail tee touch tr uniq wc which
machine   date dmesg free hostname id mount nproc sleep seq sysctl uname uptime whoami   /proc: maps, status, stack, fd ... of processes
processes chrt kill nice pgrep pidof pkill ps renice sudo taskset timeout watch
tracing   bpftrace  perf annotate|list|probe|record|report|script|stat|top|trace  strace  nm  objdump -d  readelf
modules   insmod lsmod modinfo rmmod   (open_logger, irq_nesting, probe_the_prober, see_int3, or a file of yours)
tracefs   /sys/kernel/tracing: kprobe_events uprobe_events events/ trace current_tracer set_ftrace_filter
          /sys/kernel/debug/kprobes: list blacklist enabled

Programs in your own directory run by their path, ./a.out; Tab completes, Ctrl-C ends what runs, Ctrl-D leaves.
`;

/** What the shell does itself. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  echo,
  *':'() {
    return 0;
  },
  break: (u, state, args) => leaveLoop(u, state, 'break', args),
  continue: (u, state, args) => leaveLoop(u, state, 'continue', args),
  *return(u, state, [code = String(state.status)]) {
    if (state.locals === null) {
      yield* complain(u, "return: can only `return' from a function or sourced script");
      return 1;
    }
    state.jump = { kind: 'return', left: 1 };
    return Number(code) & 0xff;
  },
  *shift(_u, state, [count = '1']) {
    if (Number(count) > state.parameters.length) return 1;
    state.parameters = state.parameters.slice(Number(count));
    return 0;
  },
  *local(u, state, args) {
    if (state.locals === null) {
      yield* complain(u, 'local: can only be used in a function');
      return 1;
    }
    for (const arg of args) {
      const equals = arg.indexOf('=');
      const name = equals < 0 ? arg : arg.slice(0, equals);
      if (!state.locals.has(name)) state.locals.set(name, state.variables.get(name));
      state.variables.set(name, equals < 0 ? '' : arg.slice(equals + 1));
    }
    return 0;
  },
  *unset(_u, state, args) {
    for (const name of args) if (!state.variables.delete(name)) state.functions.delete(name);
    return 0;
  },
  *cd(u, state, [path = '/root']) {
    const error = yield u.paths('chdir', [path]);
    if (error < 0) {
      yield* complain(u, `cd: ${path}: ${errorText(error)}`);
      return 1;
    }
    const from = state.variables.get('PWD') ?? '/';
    const parts: string[] = [];
    for (const part of (path.startsWith('/') ? path : `${from}/${path}`).split('/'))
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    state.variables.set('PWD', `/${parts.join('/')}`);
    return 0;
  },
  *pwd(u, state) {
    return yield* writeText(u, STDOUT, `${state.variables.get('PWD') ?? '/'}\n`);
  },
  *help(u) {
    return yield* writeText(u, STDOUT, HELP);
  },
  *history(u, state) {
    const lines = state.lab.history.map((line, i) => `${String(i + 1).padStart(5)}  ${line}\n`);
    return yield* writeText(u, STDOUT, lines.join(''));
  },
  *clear(u) {
    return yield* writeText(u, STDOUT, '\u001b[H\u001b[2J\u001b[3J');
  },
  *exit(_u, state, [code = String(state.status)]) {
    state.isOver = true;
    return Number(code) & 0xff;
  },
  *export(_u, state, args) {
    for (const arg of args) {
      const equals = arg.indexOf('=');
      if (equals > 0) state.variables.set(arg.slice(0, equals), arg.slice(equals + 1));
    }
    return 0;
  },
  *read(u, state, args) {
    const line = yield* readSome(u, STDIN);
    const names = args.filter((arg) => !arg.startsWith('-'));
    const words = typeof line === 'string' ? line.trim().split(/\s+/) : [];
    names.forEach((name, i) =>
      state.variables.set(name, i === names.length - 1 ? words.slice(i).join(' ') : (words[i] ?? '')),
    );
    return line === '' || typeof line === 'number' ? 1 : 0;
  },
  *jobs(u, state) {
    const marks = ['-', '+'];
    const lines = state.jobs.map((job, i) => `${jobText(job, marks[i - state.jobs.length + 2] ?? ' ')}\n`);
    const status = yield* writeText(u, STDOUT, lines.join(''));
    // What has been told to have ended is no job any more.
    for (const job of state.jobs.filter(({ task }) => task.exitState !== 0)) {
      yield* waitFor(u, job.task);
      state.jobs.splice(state.jobs.indexOf(job), 1);
    }
    return Math.min(0, status);
  },
  *wait(u, state, args) {
    const wanted = args.map((arg) => (arg.startsWith('%') ? Number(arg.slice(1)) : Number(arg)));
    let status = 0;
    for (const job of [...state.jobs]) {
      if (wanted.length > 0 && !wanted.includes(job.number) && !wanted.includes(job.pid)) continue;
      status = yield* waitFor(u, job.task);
      state.jobs.splice(state.jobs.indexOf(job), 1);
    }
    return status;
  },
  *kill(u, state, args) {
    const [first = ''] = args;
    if (args.length === 0) {
      yield* writeText(u, STDERR, KILL_USAGE);
      return 2;
    }
    if (first === '-l') return Math.min(0, yield* writeText(u, STDOUT, signalList()));
    const signal = first.startsWith('-') ? signalNumber(first.slice(1)) : SIGNAL_NUMBERS.TERM!;
    if (!(signal >= 0)) {
      yield* complain(u, `kill: ${first.slice(1)}: invalid signal specification`);
      return 1;
    }
    for (const target of first.startsWith('-') ? args.slice(1) : args) {
      const job = state.jobs.find(({ number }) => target === `%${number}`);
      if (job === undefined && !/^-?\d+$/.test(target)) {
        const isJob = target.startsWith('%');
        yield* complain(u, `kill: ${target}: ${isJob ? 'no such job' : 'arguments must be process or job IDs'}`);
        return 1;
      }
      const error = yield u.call('kill', job?.pid ?? Number(target), signal);
      if (error < 0) {
        yield* complain(u, `kill: (${target}) - ${errorText(error)}`);
        return 1;
      }
    }
    return 0;
  },
  *test(u, state, args) {
    return evaluateTest(u, state, args) ? 0 : 1;
  },
  *'['(u, state, args) {
    return evaluateTest(u, state, args.slice(0, -1)) ? 0 : 1;
  },
};
const KILL_USAGE = 'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n';
function signalList(): string {
  const rows = Object.entries(SIGNAL_NUMBERS).sort(([, a], [, b]) => a - b);
  return `${rows.map(([name, n]) => `${String(n).padStart(2)}) SIG${name}`).join('\t')}\n`;
}
function signalNumber(text: string): number {
  const name = text.replace(/^SIG/, '');
  return Object.hasOwn(SIGNAL_NUMBERS, name) ? SIGNAL_NUMBERS[name]! : Number(text);
}
