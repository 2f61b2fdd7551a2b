import { errorText } from './error-text.ts';
import { ENOEXEC } from '../errno.ts';
import type { UserContext } from '../programs/user.ts';
import type { Task } from '../tasks/task.ts';
import { executableAt } from '../programs/executables.ts';
import { BUILTINS } from './builtins.ts';
import { expandAll, expandPattern, expandText } from './expand.ts';
import { glob } from '../tracefs/glob.ts';
import type { Lab } from './lab.ts';
import { SECOND } from '../time/units.ts';
import { readPath, readSome, readWhole, STDERR, STDIN, STDOUT, writeText } from './output.ts';
import { parseScript, SyntaxMistake } from './parse.ts';
import { jobText } from './jobs.ts';
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
  functions: new Map(),
  parameters: [],
  locals: null,
  jump: null,
  loopDepth: 0,
  isBackground: false,
  status: 0,
  lastBackground: 0,
  isOver: false,
});

/** Ctrl-C ends what the shell does in the foreground. */
const isInterrupted = ({ lab, isBackground }: ShellState): boolean => lab.interrupted && !isBackground;

/** `sh -c TEXT`, `sh FILE`, or what comes from standard input. */
export function* shellProgram(u: UserContext, lab: Lab, argv: readonly string[]): Steps<number> {
  const state = newState(u, lab);
  const [, first, text] = argv;
  state.parameters = argv.slice(first === '-c' ? 4 : 2);
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
    lab.wantsCommand = true;
    const line = yield* readSome(u, STDIN);
    lab.wantsCommand = false;
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
    yield* writeText(u, STDERR, `${jobText(job, '+')}\n`);
  }
  const { onPrompt } = lab.options;
  if (onPrompt === undefined) yield* writeText(u, STDOUT, text);
  else onPrompt(text, state.variables.get('PWD') ?? '/');
}

export function* runScript(u: UserContext, state: ShellState, script: Script): Steps<number> {
  for (const { command, background, text } of script) {
    if (background) yield* runInBackground(u, state, command, text);
    else state.status = yield* run(u, state, command);
    if (isInterrupted(state)) state.status = INTERRUPTED;
    if (state.isOver || isInterrupted(state) || state.jump !== null) break;
  }
  return state.status;
}

function* runInBackground(u: UserContext, state: ShellState, command: Command, text: string): Steps<void> {
  const pid = yield* fork(u, function* (child) {
    const copy: ShellState = { ...subshell(state), isBackground: true };
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
    case 'for':
      return yield* runFor(u, state, command);
    case 'while':
      return yield* runWhile(u, state, command);
    case 'case':
      return yield* runCase(u, state, command);
    case 'function':
      state.functions.set(command.name, command.body);
      return 0;
    case 'if': {
      const test = yield* runScript(u, state, command.test);
      state.status = 0;
      return yield* runScript(u, state, test === 0 ? command.yes : command.no);
    }
  }
}

type Kind<K extends Command['kind']> = Extract<Command, { kind: K }>;
function* runFor(u: UserContext, state: ShellState, { items, name, body }: Kind<'for'>): Steps<number> {
  for (const item of yield* expandAll(u, state, items)) {
    state.variables.set(name, item);
    yield* runTurn(u, state, body);
    if (isLoopLeft(state)) break;
  }
  return state.status;
}
function* runWhile(u: UserContext, state: ShellState, { test, until, body }: Kind<'while'>): Steps<number> {
  for (;;) {
    const tested = yield* runScript(u, state, test);
    if ((tested === 0) === until || state.isOver || isInterrupted(state)) return 0;
    yield* runTurn(u, state, body);
    if (isLoopLeft(state)) return state.status;
    // A loop that does nothing must not stop the machine's time.
    yield u.work(20_000);
  }
}
function* runTurn(u: UserContext, state: ShellState, body: Script): Steps<void> {
  state.loopDepth += 1;
  yield* runScript(u, state, body);
  state.loopDepth -= 1;
}
/** Behind a turn: what `break` and `continue` want of this loop, and what goes on to the next one outside. */
function isLoopLeft(state: ShellState): boolean {
  const { jump } = state;
  if (state.isOver || isInterrupted(state) || jump?.kind === 'return') return true;
  if (jump === null) return false;
  jump.left -= 1;
  const isOfThis = jump.left === 0;
  if (isOfThis) state.jump = null;
  return !isOfThis || jump.kind === 'break';
}
function* runCase(u: UserContext, state: ShellState, { subject, branches }: Kind<'case'>): Steps<number> {
  const text = yield* expandText(u, state, subject);
  state.status = 0;
  for (const { patterns, body } of branches)
    for (const pattern of patterns)
      if (glob(yield* expandPattern(u, state, pattern)).test(text)) return yield* runScript(u, state, body);
  return 0;
}
/** `name ARG...` of a function: its parameters and what it calls local are its own. */
function* callFunction(u: UserContext, state: ShellState, body: Command, args: readonly string[]): Steps<number> {
  const { parameters, locals, loopDepth } = state;
  const own = new Map<string, string | undefined>();
  Object.assign(state, { parameters: args, locals: own, loopDepth: 0 });
  const status = yield* run(u, state, body);
  const returned = state.jump?.kind === 'return' ? state.status : status;
  for (const [name, before] of own)
    if (before === undefined) state.variables.delete(name);
    else state.variables.set(name, before);
  Object.assign(state, { parameters, locals, loopDepth, jump: null });
  return returned;
}

/** In a process of its own, which becomes the program where there is nothing else to do. */
function* runInChild(u: UserContext, state: ShellState, command: Command): Steps<number> {
  if (command.kind !== 'simple') return yield* run(u, state, command);
  const argv = yield* expandAll(u, state, command.words);
  if (argv[0] === undefined || Object.hasOwn(BUILTINS, argv[0]) || state.functions.has(argv[0]))
    return yield* runWords(u, state, command, argv);
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
  const body = state.functions.get(name);
  if (body !== undefined)
    return yield* withRedirects(u, state, command.redirects, () => callFunction(u, state, body, argv.slice(1)));
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
function* execute(u: UserContext, state: ShellState, argv: readonly string[]): Steps<number> {
  // Ctrl-C came before there was anybody to be sent a signal.
  if (isInterrupted(state)) return INTERRUPTED;
  const { lab } = state;
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
