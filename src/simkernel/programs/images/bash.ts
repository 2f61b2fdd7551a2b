import type { Image } from '../image.ts';
import { free, malloc } from '../malloc.ts';
import { runPipeline } from './shell.ts';
import type { UserCall } from '../sockets.ts';
import type { UserContext } from '../user.ts';
import { userFunction } from '../user-function.ts';
import { SIGTERM } from '../../tasks/signals.ts';
import { O_RDWR } from '../../fs/fcntl.ts';

const LINE_BYTES = 256;
const NEWLINE = 10;
const PROMPT = '$ ';
const COMMAND_NOT_FOUND = 127;

/** Shell functions of ~/.bashrc: what they run. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  newest: ['ls -lt', 'date'],
  failures: ['grep -c Failed /var/log/syslog'],
};

/** Shows a prompt and reads a line without its end; NULL at the end of the input. */
const readline = userFunction('char *readline(const char *prompt)', function* (u, prompt: number) {
  const terminal = u.load(u.variable('rl_instream'), 4);
  yield u.write(terminal, prompt, PROMPT.length);
  const line = u.sharedBuffer('line', LINE_BYTES);
  const count = yield u.read(terminal, line, LINE_BYTES);
  if (count <= 0) return 0;
  const bytes = u.bytes(line, LINE_BYTES);
  const end = bytes.indexOf(NEWLINE);
  if (end >= 0) bytes[end] = 0;
  return line;
});

/** A function's definition by its name; 0 when there is none. */
const findFunctionDef = userFunction('void *find_function_def(const char *name)', function* (u, name: number) {
  yield u.work(900);
  return Object.hasOwn(FUNCTIONS, u.cString(name)) ? name : 0;
});
const restoreFuncarrayState = userFunction('void restore_funcarray_state(void *state)', function* (u, _state: number) {
  yield u.work(1_200);
  return 0;
});
/** struct variable: the name comes first. */
const VARIABLE_BYTES = 48;
const executeFunction = userFunction(
  'int execute_function(struct variable *var, void *words, int flags)',
  function* (u, variable: number, _words: number, _flags: number) {
    const name = u.load(variable, 6);
    yield* findFunctionDef(u, name);
    for (const command of FUNCTIONS[u.cString(name)] ?? []) yield* executeDiskCommand(u, command);
    yield* restoreFuncarrayState(u, variable);
    return 0;
  },
);
function* executeDiskCommand(u: UserContext, line: string): UserCall {
  const mask = u.sharedBuffer('signals', 16);
  u.in('main', 'reader_loop', 'execute_command', 'execute_disk_command', 'make_child');
  // Nobody may be told of the child before it is known, and the terminal is the job's while it runs.
  yield u.call('rt_sigprocmask', SIG_BLOCK, mask, mask + 8, 8);
  yield* runPipeline(u, line.split(' | '), function* (v, command) {
    const [name = '', ...args] = command.split(' ');
    yield v.getpid();
    yield v.call('setpgid', 0, 0);
    yield v.call('rt_sigprocmask', SIG_SETMASK, mask + 8, 0, 8);
    yield v.execve(`/usr/bin/${name}`, [name, ...args]);
    return COMMAND_NOT_FOUND;
  });
  yield u.call('rt_sigprocmask', SIG_SETMASK, mask + 8, 0, 8);
  return yield u.call('ioctl', u.load(u.variable('rl_instream'), 4), TIOCSPGRP, mask);
}
/** include/uapi/asm-generic/signal-defs.h and ioctls.h */
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const TIOCSPGRP = 0x5410;
/** The builtin: `kill PID` or `kill -N PID`. */
function* kill(u: UserContext, text: string): UserCall {
  const [, signal = `${SIGTERM}`, pid = '0'] = /^kill (?:-(\d+) )?(\d+)$/.exec(text) ?? [];
  const status = yield u.call('kill', Number(pid), Number(signal));
  if (status >= 0) return status;
  const complaint = `-bash: kill: (${pid}) - No such process\n`;
  return yield u.write(2, u.string(complaint), complaint.length);
}
/** The variable that holds a function: made when it is first called. */
function functionVariable(u: UserContext, name: string): number {
  const at = u.sharedBuffer(`function ${name}`, VARIABLE_BYTES);
  u.store(at, 8, u.string(name));
  return at;
}

/** A shell at a terminal: reads lines, runs the commands and functions that they name. */
function shellAt(terminal: string): Image {
  return {
    path: '/usr/bin/bash',
    symbols: [
      'main',
      'reader_loop',
      readline,
      'execute_command',
      'execute_disk_command',
      'make_child',
      findFunctionDef,
      restoreFuncarrayState,
      executeFunction,
    ],
    /** The terminal; a descriptor where the real one has a stream. */
    variables: [
      { name: 'rl_instream', type: 'int', value: 0 },
      { name: 'primary_prompt', type: 'char[16]', value: PROMPT },
      { name: 'ps1_prompt', type: 'char *', value: { addressOf: 'primary_prompt' } },
    ],
    *main(u) {
      u.in('main', 'reader_loop');
      const fd = yield u.openat(terminal, O_RDWR);
      if (fd < 0) return 1;
      for (let standard = 0; standard <= 2; standard += 1) yield u.call('dup2', fd, standard);
      u.store(u.variable('rl_instream'), 4, fd);
      for (;;) {
        u.in('main', 'reader_loop');
        const line = Number(yield* readline(u, u.string(PROMPT)));
        if (line === 0) return 0;
        const text = u.cString(line).trim();
        if (text === '') continue;
        const copy = yield* malloc(u, text.length + 1);
        u.in('main', 'reader_loop', 'execute_command');
        yield u.work(u.random.logNormal(180_000, 0.3));
        if (text.startsWith('kill ')) yield* kill(u, text);
        else if (Object.hasOwn(FUNCTIONS, text)) yield* executeFunction(u, functionVariable(u, text), 0, 0);
        else yield* executeDiskCommand(u, text);
        u.in('main', 'reader_loop');
        yield* free(u, copy);
      }
    },
  };
}
/** At the keyboard, and at the pseudo terminal of an ssh session. */
export const CONSOLE_BASH = shellAt('/dev/tty1');
export const BASH = shellAt('/dev/pts/0');
