import { errorText } from './error-text.ts';
import { ENOEXEC } from '../errno.ts';
import type { UserContext } from '../programs/user.ts';
import type { Task } from '../tasks/task.ts';
import { executableAt } from '../programs/executables.ts';
import { BUILTINS } from './builtins.ts';
import { expandAll } from './expand.ts';
import type { Lab } from './lab.ts';
import { SECOND } from '../time/units.ts';
import { readPath, readSome, readWhole, STDERR, STDIN, STDOUT, writeText } from './output.ts';
import { parseScript, SyntaxMistake } from './parse.ts';
import { fork, makePipe, setDescriptor, waitFor, withRedirects } from './processes.ts';
import { SEARCH_PATH } from './search-path.ts';
import { complain, subshell, type ShellState, type Steps } from './state.ts';
import type { Command, Script } from './syntax.ts';

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SYNTAX_ERROR = 2;
/** Of what Ctrl-C has ended. */
const INTERRUPTED = 130;

const newState = (u: UserContext, lab: Lab): ShellState => ({
  lab,
  variables: new Map([
    ['HOME', '/root'],
    ['PATH', SEARCH_PATH.join(':')],
    ['PWD', '/root'],
    ['USER', 'root'],
  ]),
  jobs: [],
  shellPid: u.task.pid,
  status: 0,
  lastBackground: 0,
  isOver: false,
});

/** `sh -c TEXT`, `sh FILE`, or what comes from standard input. */
export function* shellProgram(u: UserContext, lab: Lab, argv: readonly string[]): Steps<number> {
  const state = newState(u, lab);
  const [, first, text] = argv;
  const source = first === '-c' ? (text ?? '') : yield* first === undefined ? readWhole(u, STDIN) : readPath(u, first);
  if (typeof source === 'number') {
    yield* complain(u, `${first ?? ''}: ${errorText(source)}`);
    return NOT_FOUND;
  }
  try {
    yield* runScript(u, state, parseScript(source.endsWith('\n') ? source : `${source}\n`));
  } catch (error) {
    if (!(error instanceof SyntaxMistake)) throw error;
    yield* complain(u, error.incomplete ? 'syntax error: unexpected end of file' : error.message);
    return SYNTAX_ERROR;
  }
  return state.status;
}

/** Reads the terminal line by line and does what it says. */
export function* interactiveShell(u: UserContext, lab: Lab): Steps<number> {
  const state = newState(u, lab);
  let pending = '';
  while (!state.isOver) {
    if (lab.options.interactive) yield* prompt(u, state, pending === '' ? 'lab# ' : '> ');
    lab.interrupted = false;
    const line = yield* readSome(u, STDIN);
    if (typeof line === 'number' || line === '') {
      if (lab.options.interactive) yield* writeText(u, STDOUT, 'exit\n');
      if (pending.trim() !== '') yield* complain(u, 'syntax error: unexpected end of file');
      break;
    }
    // Ctrl-C at a prompt forgets what was begun.
    pending = lab.interrupted ? '' : pending + line;
    if (pending === '') continue;
    lab.interrupted = false;
    try {
      const script = parseScript(pending);
      pending = '';
      yield* runScript(u, state, script);
    } catch (error) {
      if (!(error instanceof SyntaxMistake)) throw error;
      if (error.incomplete) continue;
      pending = '';
      state.status = SYNTAX_ERROR;
      yield* complain(u, error.message);
    }
  }
  return state.status;
}
/** Says which jobs have ended, and asks for a line. */
function* prompt(u: UserContext, state: ShellState, text: string): Steps<void> {
  const { lab, jobs } = state;
  for (const job of jobs.filter(({ task }) => task.exitState !== 0)) {
    yield* waitFor(u, job.task);
    jobs.splice(jobs.indexOf(job), 1);
    yield* writeText(u, STDERR, `[${job.number}]+  Done                    ${job.text}\n`);
  }
  const { onPrompt } = lab.options;
  if (onPrompt === undefined) yield* writeText(u, STDOUT, text);
  else onPrompt(text, state.variables.get('PWD') ?? '/');
}

export function* runScript(u: UserContext, state: ShellState, script: Script): Steps<number> {
  for (const { command, background, text } of script) {
    if (background) yield* runInBackground(u, state, command, text);
    else state.status = yield* run(u, state, command);
    if (state.lab.interrupted) state.status = INTERRUPTED;
    if (state.isOver || state.lab.interrupted) break;
  }
  return state.status;
}

function* runInBackground(u: UserContext, state: ShellState, command: Command, text: string): Steps<void> {
  const pid = yield* fork(u, function* (child) {
    const copy = subshell(state);
    return yield* runInChild(child, copy, command);
  });
  const number = (state.jobs.at(-1)?.number ?? 0) + 1;
  state.jobs.push({ number, pid, task: state.lab.machine.tasks.get(pid)!, text });
  state.lastBackground = pid;
  state.lab.background.add(pid);
  state.status = 0;
  if (state.lab.options.interactive) yield* writeText(u, STDERR, `[${number}] ${pid}\n`);
}
function* run(u: UserContext, state: ShellState, command: Command): Steps<number> {
  switch (command.kind) {
    case 'simple':
      return yield* runSimple(u, state, command);
    case 'pipeline': {
      const status = yield* runPipeline(u, state, command.stages);
      return command.negated ? (status === 0 ? 1 : 0) : status;
    }
    case 'chain': {
      state.status = yield* run(u, state, command.left);
      if ((state.status === 0) !== (command.op === '&&')) return state.status;
      return yield* run(u, state, command.right);
    }
    case 'group': {
      if (command.isSubshell) {
        const pid = yield* fork(u, function* (child) {
          const copy = subshell(state);
          return yield* withRedirects(child, copy, command.redirects, () => runScript(child, copy, command.body));
        });
        return yield* waitFor(u, state.lab.machine.tasks.get(pid)!);
      }
      return yield* withRedirects(u, state, command.redirects, () => runScript(u, state, command.body));
    }
    case 'for': {
      const items = yield* expandAll(u, state, command.items);
      for (const item of items) {
        state.variables.set(command.name, item);
        yield* runScript(u, state, command.body);
        if (state.isOver || state.lab.interrupted) break;
      }
      return state.status;
    }
    case 'while': {
      for (;;) {
        const test = yield* runScript(u, state, command.test);
        if ((test === 0) === command.until || state.isOver || state.lab.interrupted) return 0;
        yield* runScript(u, state, command.body);
        // A loop that does nothing must not stop the machine's time.
        yield u.work(20_000);
      }
    }
    case 'if': {
      const test = yield* runScript(u, state, command.test);
      state.status = 0;
      return yield* runScript(u, state, test === 0 ? command.yes : command.no);
    }
  }
}

/** In a process of its own, which becomes the program where there is nothing else to do. */
function* runInChild(u: UserContext, state: ShellState, command: Command): Steps<number> {
  if (command.kind !== 'simple') return yield* run(u, state, command);
  const argv = yield* expandAll(u, state, command.words);
  if (argv[0] === undefined || Object.hasOwn(BUILTINS, argv[0])) return yield* runWords(u, state, command, argv);
  return yield* withRedirects(u, state, command.redirects, () => execute(u, state, argv));
}
function* runPipeline(u: UserContext, state: ShellState, stages: readonly Command[]): Steps<number> {
  const children: Task[] = [];
  let input: number | null = null;
  for (const [i, stage] of stages.entries()) {
    const isLast = i === stages.length - 1;
    const pipe: readonly [number, number] | null = isLast ? null : yield* makePipe(u);
    const from = input;
    const pid = yield* fork(u, function* (child) {
      const { files } = child.process;
      if (from !== null) {
        yield* setDescriptor(child, STDIN, files.get(from));
        yield child.close(from);
      }
      if (pipe !== null) {
        yield* setDescriptor(child, STDOUT, files.get(pipe[1]));
        yield child.close(pipe[0]);
        yield child.close(pipe[1]);
      }
      return yield* runInChild(child, subshell(state), stage);
    });
    children.push(state.lab.machine.tasks.get(pid)!);
    if (from !== null) yield u.close(from);
    if (pipe !== null) yield u.close(pipe[1]);
    input = pipe === null ? null : pipe[0];
  }
  let status = 0;
  for (const child of children) status = yield* waitFor(u, child);
  return status;
}
type Simple = Extract<Command, { kind: 'simple' }>;
function* runSimple(u: UserContext, state: ShellState, command: Simple): Steps<number> {
  return yield* runWords(u, state, command, yield* expandAll(u, state, command.words));
}
function* runWords(u: UserContext, state: ShellState, command: Simple, argv: readonly string[]): Steps<number> {
  const [name] = argv;
  for (const { name: variable, value } of command.assignments)
    if (name === undefined) state.variables.set(variable, (yield* expandAll(u, state, [value])).join(' '));
  if (name === undefined) return yield* withRedirects(u, state, command.redirects, nothing);
  if (name === TIME) return yield* runTimed(u, state, { ...command, words: command.words.slice(1) });
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (builtin !== undefined) {
    yield u.work(4_000);
    return yield* withRedirects(u, state, command.redirects, () => builtin(u, state, argv.slice(1)));
  }
  const pid = yield* fork(u, (child) =>
    withRedirects(child, state, command.redirects, () => execute(child, state, argv)),
  );
  return yield* waitFor(u, state.lab.machine.tasks.get(pid)!);
}
/** The shell's keyword: a command's time by the clock, in the program and in the kernel. */
function* runTimed(u: UserContext, state: ShellState, command: Simple): Steps<number> {
  const { machine } = state.lab;
  const startedNs = machine.now();
  const before = [...u.task.childTimes];
  const status = command.words.length === 0 ? 0 : yield* runSimple(u, state, command);
  const [user = 0, system = 0] = u.task.childTimes.map((ns, use) => ns - before[use]!);
  const line = (name: string, ns: number): string =>
    `${name}\t${Math.floor(ns / SECOND / 60)}m${((ns / SECOND) % 60).toFixed(3)}s\n`;
  yield* writeText(
    u,
    STDERR,
    `\n${line('real', machine.now() - startedNs)}${line('user', user)}${line('sys', system)}`,
  );
  return status;
}
const TIME = 'time';
function* nothing(): Steps<number> {
  return 0;
}
/** Becomes the program, or says why not. */
function* execute(u: UserContext, { lab }: ShellState, argv: readonly string[]): Steps<number> {
  // Ctrl-C came before there was anybody to be sent a signal.
  if (lab.interrupted) return INTERRUPTED;
  const name = argv[0] ?? '';
  const { fileSystem } = lab.machine;
  const candidates = name.includes('/') ? [name] : SEARCH_PATH.map((folder) => `${folder}/${name}`);
  const path = candidates
    .map((candidate) => executableAt(lab.machine, candidate)?.path)
    .find((known) => known !== undefined);
  if (path !== undefined) {
    const error = yield u.execve(path, argv);
    yield* complain(
      u,
      error === -ENOEXEC ? `${name}: cannot execute binary file: Exec format error` : `${name}: ${errorText(error)}`,
    );
    return NOT_EXECUTABLE;
  }
  const exists = name.includes('/') && fileSystem.find(name) !== undefined;
  yield* complain(
    u,
    exists
      ? `${name}: Permission denied`
      : `${name}: ${name.includes('/') ? 'No such file or directory' : 'command not found'}`,
  );
  return exists ? NOT_EXECUTABLE : NOT_FOUND;
}
