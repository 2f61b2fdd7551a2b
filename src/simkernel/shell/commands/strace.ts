import { errnoName } from '../../errno-names.ts';
import { O_CREAT, O_TRUNC, O_WRONLY } from '../../fs/fcntl.ts';
import { SIGINT, SIGTERM } from '../../tasks/signals.ts';
import { MS, SECOND } from '../../time/units.ts';
import { errorText } from '../error-text.ts';
import { STDERR, writeText } from '../output.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { CommandContext, Steps } from './command.ts';
import { launch, programPath } from './launch.ts';
import type { CallStyle } from './syscalls/arguments.ts';
import { isBelow, missingProcess, selectCalls } from './syscalls/selection.ts';
import { constantText } from './syscalls/symbols.ts';
import { CallWatcher } from './syscalls/watcher.ts';
import type { Call, CallEvent } from './syscalls/watcher.ts';

const POLL_NS = 2 * MS;
const DEFAULT_TEXT_LIMIT = 32;
/** Where the results stand when a line is short. */
const RESULT_COLUMN = 40;
const NOT_OPEN = 1;

/** Calls that return addresses. */
const RETURNS_ADDRESS = new Set(['mmap', 'brk', 'mremap', 'shmat']);
export function resultText({ name }: { readonly name: string }, result: number): string {
  const restart = RESTARTS[-result];
  if (restart !== undefined) return `? ${restart}`;
  if (result < 0 && result >= -4095) return `-1 ${errnoName(result)} (${errorText(result)})`;
  return RETURNS_ADDRESS.has(name) && result !== 0 ? `0x${result.toString(16)}` : String(result);
}

/** What the kernel answers to itself when a signal came in between (include/linux/errno.h). */
const RESTARTS: Readonly<Record<number, string>> = {
  512: 'ERESTARTSYS (To be restarted if SA_RESTART is set)',
  514: 'ERESTARTNOHAND (To be restarted if no handler)',
  516: 'ERESTART_RESTARTBLOCK (Interrupted by signal)',
};

interface Options {
  /** Nothing, seconds of the day, those with microseconds, or since the last line. */
  readonly clock: '' | 't' | 'tt' | 'r';
  readonly durations: boolean;
}

/** Lines as strace has them: a call that another task's line comes between is taken up again. */
class Transcript {
  private readonly options: Options;
  private readonly bootTimeNs: number;
  /** Whose line is not over. */
  private open: Call | undefined;
  private text = '';
  private column = 0;
  private lastNs = 0;
  /** Those that have been seen, and are not gone: lines name theirs where there are several. */
  private readonly tids: Set<number>;

  constructor(options: Options, tids: readonly number[], bootTimeNs: number) {
    this.options = options;
    this.tids = new Set(tids);
    this.bootTimeNs = bootTimeNs;
  }
  add(event: CallEvent): void {
    if (event.kind === 'gone') {
      this.interrupt();
      const signal = event.status & 0x7f;
      const what =
        signal === 0
          ? `exited with ${(event.status >> 8) & 0xff}`
          : `killed by ${constantText('signal', signal, true)}`;
      this.begin(event.tid, event.atNs);
      this.put(`+++ ${what} +++\n`);
      this.tids.delete(event.tid);
      return;
    }
    const { call } = event;
    if (!this.tids.has(call.tid)) this.attached(call.tid);
    if (event.kind === 'enter') {
      this.interrupt();
      this.begin(call.tid, call.enteredNs);
      const hasMore = call.known < call.before.length;
      this.put(
        `${call.call.name}(${call.before.slice(0, call.known).join(', ')}${call.known > 0 && hasMore ? ', ' : ''}`,
      );
      if (NEVER_RETURNS.has(call.call.name)) this.put(`${this.upTo(RESULT_COLUMN - 1, ')')}= ?\n`);
      else this.open = call;
      return;
    }
    const { texts, result, atNs } = call.done!;
    const rest = texts.slice(call.known);
    if (this.open !== call) {
      this.interrupt();
      this.begin(call.tid, atNs);
      this.put(`<... ${call.call.name} resumed>`);
    }
    this.open = undefined;
    this.put(rest.join(', '));
    const duration = this.options.durations ? ` <${((atNs - call.enteredNs) / SECOND).toFixed(6)}>` : '';
    this.put(`${this.upTo(RESULT_COLUMN - 1, ')')}= ${resultText(call.call, result)}${duration}\n`);
  }
  /** What has been written since the last call, up to the end of a line. */
  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
  private attached(tid: number): void {
    const isFirst = this.tids.size === 0;
    this.tids.add(tid);
    if (isFirst) return;
    this.interrupt();
    this.put(`strace: Process ${tid} attached\n`);
  }
  private interrupt(): void {
    if (this.open === undefined) return;
    this.open = undefined;
    this.put(' <unfinished ...>\n');
  }
  private begin(tid: number, atNs: number): void {
    const { clock } = this.options;
    const since = this.lastNs === 0 ? 0 : (atNs - this.lastNs) / SECOND;
    const clocks = { '': '', t: this.dayTime(atNs, 8), tt: this.dayTime(atNs, 15), r: since.toFixed(6).padStart(13) };
    this.lastNs = atNs;
    this.put(
      `${this.tids.size > 1 ? `[pid ${String(tid).padStart(5)}] ` : ''}${clock === '' ? '' : `${clocks[clock]} `}`,
    );
    this.column = 0;
  }
  private dayTime(atNs: number, length: number): string {
    const us = Math.floor((this.bootTimeNs + atNs) / 1000);
    return `${new Date(us / 1000).toISOString().slice(11, 19)}.${String(us % 1e6).padStart(6, '0')}`.slice(0, length);
  }
  private put(text: string): void {
    this.text += text;
    this.column += text.length;
  }
  private upTo(column: number, text: string): string {
    return `${text}${' '.repeat(Math.max(1, column - this.column - text.length))}`;
  }
}
const NEVER_RETURNS = new Set(['exit', 'exit_group']);

/** strace -c: time in the kernel by call. */
function summary(calls: readonly Call[]): string {
  const rows = new Map<string, { ns: number; calls: number; errors: number }>();
  for (const { call, done, enteredNs } of calls) {
    if (done === undefined) continue;
    const row = rows.get(call.name) ?? { ns: 0, calls: 0, errors: 0 };
    rows.set(call.name, row);
    row.ns += done.atNs - enteredNs;
    row.calls += 1;
    if (done.result < 0 && done.result >= -4095) row.errors += 1;
  }
  const sum = (of: (row: { ns: number; calls: number; errors: number }) => number): number =>
    [...rows.values()].reduce((total, row) => total + of(row), 0);
  const total = { ns: sum(({ ns }) => ns), calls: sum((row) => row.calls), errors: sum(({ errors }) => errors) };
  const line = (name: string, row: { readonly ns: number; readonly calls: number; readonly errors: number }): string =>
    [
      (total.ns === 0 ? 0 : (100 * row.ns) / total.ns).toFixed(2).padStart(6),
      (row.ns / SECOND).toFixed(6).padStart(11),
      String(row.calls === 0 ? 0 : Math.floor(row.ns / 1000 / row.calls)).padStart(11),
      String(row.calls).padStart(9),
      (row.errors === 0 ? '' : String(row.errors)).padStart(9),
      name,
    ].join(' ');
  const rule = '------ ----------- ----------- --------- --------- ----------------';
  return joinLines([
    '% time     seconds  usecs/call     calls    errors syscall',
    rule,
    ...[...rows].sort(([a, x], [b, y]) => y.ns - x.ns || (a < b ? -1 : 1)).map(([name, row]) => line(name, row)),
    rule,
    line('total', total),
  ]);
}

/** Waits while there is something to watch, and hands on what is seen. */
function* watch(
  c: CommandContext,
  watcher: CallWatcher,
  isOver: () => boolean,
  seen: (events: readonly CallEvent[]) => Steps<void>,
): Steps<void> {
  while (!isOver()) {
    yield c.u.nanosleep(POLL_NS);
    yield* seen(watcher.take());
  }
}

export const STRACE = command('strace', function* (c, args) {
  const { machine, u } = c;
  // A command's own options are behind its name.
  const { options, operands } = readOptions(args, 'peosSE', true);
  const only = (options.get('p') ?? '')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(Number);
  if (only.length === 0 && operands.length === 0) {
    yield* c.report("strace: must have PROG [ARGS] or -p PID\nTry 'strace -h' for more information.\n");
    return 1;
  }
  const expression = options.get('e')?.replace(/^(trace|t)=/, '') ?? 'all';
  const isWanted = selectCalls(expression);
  if (typeof isWanted === 'string') return yield* c.complain(`invalid system call '${isWanted}'`);
  const missing = missingProcess(machine, only);
  if (missing !== undefined) return yield* c.complain(`attach: ptrace(PTRACE_SEIZE, ${missing}): No such process`);
  if (operands.length > 0 && programPath(machine, operands[0]!) === undefined)
    return yield* c.complain(`Can't stat '${operands[0]!}': No such file or directory`);
  const textLimit = options.get('s') ?? String(DEFAULT_TEXT_LIMIT);
  if (!/^\d+$/.test(textLimit)) return yield* c.complain(`invalid -s argument: '${textLimit}'`);
  const style: CallStyle = {
    prefixes: true,
    textLimit: Number(textLimit),
    contents: true,
    descriptorPaths: options.has('y'),
  };
  const letters = args
    .filter((arg) => /^-t+$/.test(arg))
    .join('')
    .replaceAll('-', '');
  const pids = new Set(only);
  const follows = options.has('f');
  let isOver = false;
  for (const signal of [SIGINT, SIGTERM])
    yield u.onSignal(signal, function* () {
      isOver = true;
      return 0;
    });
  const transcript = new Transcript(
    {
      clock: options.has('r') ? 'r' : letters.length > 1 ? 'tt' : letters === 't' ? 't' : '',
      durations: options.has('T'),
    },
    only,
    machine.bootTimeNs,
  );
  const counts = options.has('c');
  const calls: Call[] = [];
  const path = options.get('o');
  const output = path === undefined ? STDERR : yield u.openat(path, O_CREAT | O_TRUNC | O_WRONLY, 0o666);
  if (output < 0) {
    yield* c.complain(`Can't fopen '${path ?? ''}': ${errorText(output)}`);
    return NOT_OPEN;
  }
  // The program begins with its execve; what its child did before is strace's own.
  let hasBegun = only.length > 0;
  const watcher = new CallWatcher(
    machine,
    style,
    (task) => isBelow(task, pids, follows),
    (call) => {
      hasBegun ||= call.name === 'execve';
      return hasBegun && isWanted(call);
    },
  );
  const child = operands.length === 0 ? undefined : yield* launch(machine, u, operands);
  if (child !== undefined) pids.add(child);
  for (const pid of only) yield* c.report(`strace: Process ${pid} attached\n`);
  const task = child === undefined ? undefined : machine.tasks.get(child);
  const isGone = (): boolean =>
    isOver || (task === undefined ? only.every((pid) => !machine.tasks.has(pid)) : task.exitState !== 0);
  yield* watch(c, watcher, isGone, function* (events) {
    for (const event of events) {
      if (counts && event.kind === 'exit') calls.push(event.call);
      if (!counts) transcript.add(event);
    }
    const text = transcript.take();
    if (text !== '') yield* writeText(u, output, text);
  });
  watcher.close();
  if (child !== undefined && !isOver) yield u.wait4(child);
  if (isOver) for (const pid of pids) yield* c.report(`strace: Process ${pid} detached\n`);
  if (counts) yield* writeText(u, output, summary(calls));
  return task === undefined ? 0 : (task.exitCode >> 8) & 0xff;
});
