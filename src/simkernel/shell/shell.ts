import { glob } from '../tracefs/filter.ts';
import type { File } from '../fs/file.ts';
import type { UserBody, UserStep } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import type { Task } from '../tasks/task.ts';
import { BUILTINS } from './builtins.ts';
import { evaluateArithmetic } from './arithmetic.ts';
import { errorText } from './error-text.ts';
import type { Lab } from './lab.ts';
import { readSome, readWhole, STDERR, STDIN, STDOUT, writeText } from './output.ts';
import { parseScript, SyntaxMistake } from './parse.ts';
import type { Command, Redirect, Script, Word, WordPart } from './syntax.ts';

export interface Job {
  readonly number: number;
  readonly pid: number;
  readonly task: Task;
  readonly text: string;
}
/** What a subshell gets a copy of. */
export interface ShellState {
  readonly lab: Lab;
  readonly variables: Map<string, string>;
  readonly jobs: Job[];
  readonly shellPid: number;
  status: number;
  lastBackground: number;
  /** Set by `exit`. */
  isOver: boolean;
}
type Steps<T> = Generator<UserStep, T, number>;

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SYNTAX_ERROR = 2;
const SIGNAL_STATUS = 128;
const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const OPEN_FLAGS: Record<Redirect['kind'], number> = { '<': 0, '>': 0o1101, '>>': 0o2101, '>&': 0 };
const NEW_FILE_MODE = 0o666;

/** Reads the terminal line by line and does what it says. */
export function* interactiveShell(u: UserContext, lab: Lab): Steps<number> {
  const state: ShellState = {
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
  };
  let pending = '';
  while (!state.isOver) {
    if (lab.options.interactive) yield* writeText(u, STDOUT, pending === '' ? 'lab# ' : '> ');
    const line = yield* readSome(u, STDIN);
    if (typeof line === 'number' || line === '') {
      if (lab.options.interactive) yield* writeText(u, STDOUT, 'exit\n');
      if (pending.trim() !== '') yield* complain(u, 'syntax error: unexpected end of file');
      break;
    }
    pending += line;
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
export function* complain(u: UserContext, message: string): Steps<void> {
  yield* writeText(u, STDERR, `bash: ${message}\n`);
}

export function* runScript(u: UserContext, state: ShellState, script: Script): Steps<number> {
  for (const { command, background, text } of script) {
    if (background) yield* runInBackground(u, state, command, text);
    else state.status = yield* run(u, state, command);
    if (state.isOver) break;
  }
  return state.status;
}

function* runInBackground(u: UserContext, state: ShellState, command: Command, text: string): Steps<void> {
  const pid = yield* fork(u, function* (child) {
    const copy = subshell(state);
    return yield* run(child, copy, command);
  });
  const number = (state.jobs.at(-1)?.number ?? 0) + 1;
  state.jobs.push({ number, pid, task: state.lab.machine.tasks.get(pid)!, text });
  state.lastBackground = pid;
  state.status = 0;
  if (state.lab.options.interactive) yield* writeText(u, STDERR, `[${number}] ${pid}\n`);
}
const subshell = (state: ShellState): ShellState => ({ ...state, variables: new Map(state.variables), jobs: [] });

function* fork(u: UserContext, body: (child: UserContext) => UserBody): Steps<number> {
  return yield u.fork(body);
}
/** wait4(), and what it stores: the exit status as the shell counts it. */
export function* waitFor(u: UserContext, task: Task): Steps<number> {
  for (;;) {
    const pid = yield u.wait4(task.pid);
    if (pid === task.pid || pid === -10) break;
    if (pid < 0 && pid !== -4) break;
  }
  const { exitCode } = task;
  return (exitCode & 0x7f) !== 0 ? SIGNAL_STATUS + (exitCode & 0x7f) : (exitCode >> 8) & 0xff;
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
        if (state.isOver) break;
      }
      return state.status;
    }
    case 'while': {
      for (;;) {
        const test = yield* runScript(u, state, command.test);
        if ((test === 0) === command.until || state.isOver) return 0;
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

/** dup2() on the tables of the process: what fd leads to from now on. */
function* setDescriptor(u: UserContext, fd: number, file: File | null): Steps<void> {
  const { files } = u.process;
  if (files.get(fd) !== null) yield u.close(fd);
  if (file === null) return;
  file.references += 1;
  files.install(fd, file);
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
      return yield* run(child, subshell(state), stage);
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
function* makePipe(u: UserContext): Steps<readonly [number, number]> {
  const at = u.buffer(8);
  yield u.call('pipe2', at, 0);
  return [u.load(at, 4), u.load(at + 4, 4)];
}

/** Opens what the redirections name, runs, and puts the old descriptors back. */
function* withRedirects(
  u: UserContext,
  state: ShellState,
  redirects: readonly Redirect[],
  body: () => Steps<number>,
): Steps<number> {
  const saved: { readonly fd: number; readonly file: File | null }[] = [];
  let status = 0;
  let failed = false;
  for (const { fd, kind, target } of redirects) {
    const name = (yield* expandAll(u, state, [target]))[0] ?? '';
    const { files } = u.process;
    const before = files.get(fd);
    if (before !== null) before.references += 1;
    saved.push({ fd, file: before });
    if (kind === '>&') {
      yield* setDescriptor(u, fd, files.get(Number(name)));
      continue;
    }
    const opened = yield u.openat(name, OPEN_FLAGS[kind], NEW_FILE_MODE);
    if (opened < 0) {
      yield* complain(u, `${name}: ${errorText(opened)}`);
      failed = true;
      break;
    }
    const file = files.get(opened)!;
    if (opened !== fd) {
      yield* setDescriptor(u, fd, file);
      yield u.close(opened);
    }
  }
  status = failed ? 1 : yield* body();
  for (const { fd, file } of saved.reverse()) {
    yield* setDescriptor(u, fd, file);
    if (file !== null) file.references -= 1;
  }
  return status;
}

type Simple = Extract<Command, { kind: 'simple' }>;
function* runSimple(u: UserContext, state: ShellState, command: Simple): Steps<number> {
  const argv = yield* expandAll(u, state, command.words);
  const [name] = argv;
  for (const { name: variable, value } of command.assignments)
    if (name === undefined) state.variables.set(variable, (yield* expandAll(u, state, [value])).join(' '));
  if (name === undefined) return yield* withRedirects(u, state, command.redirects, nothing);
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
function* nothing(): Steps<number> {
  return 0;
}
/** Becomes the program, or says why not. */
function* execute(u: UserContext, { lab }: ShellState, argv: readonly string[]): Steps<number> {
  const name = argv[0] ?? '';
  const { images, fileSystem } = lab.machine;
  const candidates = name.includes('/') ? [name] : SEARCH_PATH.map((folder) => `${folder}/${name}`);
  const path = candidates.find((candidate) => images.has(candidate));
  if (path !== undefined) {
    yield u.execve(path, argv);
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

/** Words as programs get them: variables and commands replaced, cut at blanks, patterns matched with files. */
export function* expandAll(u: UserContext, state: ShellState, words: readonly Word[]): Steps<string[]> {
  const result: string[] = [];
  for (const word of words) {
    const fields: { text: string; pattern: string; exists: boolean }[] = [{ text: '', pattern: '', exists: false }];
    for (const part of word) {
      const text = yield* expandPart(u, state, part);
      const isWhole = part.quoted || part.kind === 'text';
      const pieces = isWhole ? [text] : text.replace(/\n+$/, '').split(/\s+/);
      pieces.forEach((piece, i) => {
        if (i > 0) fields.push({ text: '', pattern: '', exists: false });
        const field = fields.at(-1)!;
        field.text += piece;
        field.pattern += part.quoted ? piece.replace(/[*?[\\]/g, '\\$&') : piece;
        field.exists ||= part.quoted || piece !== '';
      });
    }
    for (const { text, pattern, exists } of fields) {
      if (!exists) continue;
      const matches = /(^|[^\\])[*?]/.test(pattern) ? matchFiles(u, state, pattern) : [];
      result.push(...(matches.length === 0 ? [text] : matches));
    }
  }
  return result;
}

function* expandPart(u: UserContext, state: ShellState, part: WordPart): Steps<string> {
  switch (part.kind) {
    case 'text':
      return part.quoted ? part.text : part.text.replace(/^~(?=\/|$)/, state.variables.get('HOME') ?? '~');
    case 'variable':
      return variable(state, part.name);
    case 'arithmetic': {
      const text = part.text.replace(/\$(\w+)/g, (_, name: string) => variable(state, name));
      return String(evaluateArithmetic(text, (name) => variable(state, name)));
    }
    case 'command':
      return yield* substitute(u, state, part.script);
  }
}
function variable(state: ShellState, name: string): string {
  if (name === '?') return String(state.status);
  if (name === '$') return String(state.shellPid);
  if (name === '!') return String(state.lastBackground);
  return state.variables.get(name) ?? '';
}
function* substitute(u: UserContext, state: ShellState, script: Script): Steps<string> {
  const [readEnd, writeEnd] = yield* makePipe(u);
  const pid = yield* fork(u, function* (child) {
    yield* setDescriptor(child, STDOUT, child.process.files.get(writeEnd));
    yield child.close(readEnd);
    yield child.close(writeEnd);
    return yield* runScript(child, subshell(state), script);
  });
  yield u.close(writeEnd);
  const text = yield* readWhole(u, readEnd);
  yield u.close(readEnd);
  state.status = yield* waitFor(u, state.lab.machine.tasks.get(pid)!);
  return typeof text === 'number' ? '' : text.replace(/\n+$/, '');
}

/** Paths that a pattern matches, sorted. */
function matchFiles(u: UserContext, { lab }: ShellState, pattern: string): string[] {
  const { fileSystem } = lab.machine;
  const isAbsolute = pattern.startsWith('/');
  const start = isAbsolute ? fileSystem.find('/') : (u.task.fs?.dentry ?? undefined);
  let found = start === undefined ? [] : [{ path: isAbsolute ? '' : '.', dentry: start }];
  for (const component of pattern.split('/').filter((part) => part !== '')) {
    const test = glob(component);
    const isPattern = /[*?]/.test(component);
    found = found.flatMap(({ path, dentry }) => {
      const directory = dentry.mounted?.root ?? dentry;
      const child = isPattern ? [...directory.children.values()] : [directory.children.get(component)];
      return child.flatMap((entry) =>
        entry === undefined || !test.test(entry.name) || (isPattern && entry.name.startsWith('.'))
          ? []
          : [{ path: path === '.' ? entry.name : `${path}/${entry.name}`, dentry: entry }],
      );
    });
  }
  return found.map(({ path }) => path).sort();
}
