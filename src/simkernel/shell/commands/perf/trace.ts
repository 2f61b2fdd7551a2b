import { SIGINT, SIGTERM } from '../../../tasks/signals.ts';
import { MS } from '../../../time/units.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { launch, programPath } from '../launch.ts';
import { resultText } from '../strace.ts';
import type { CallStyle } from '../syscalls/arguments.ts';
import { isBelow, missingProcess, selectCalls } from '../syscalls/selection.ts';
import { CallWatcher } from '../syscalls/watcher.ts';
import type { Call } from '../syscalls/watcher.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { Given, OptionRows } from './options.ts';

const USAGE = 'perf trace [<options>] [<command>]\n    or: perf trace [<options>] -- <command> [<options>]';
const OPTIONS: OptionRows = {
  expression: { names: ['-e', '--expr', '--event'], value: true },
  pid: { names: ['-p', '--pid'], value: true },
  duration: { names: ['--duration'], value: true },
  summary: { names: ['-s', '--summary'], value: false },
  withSummary: { names: ['-S', '--with-summary'], value: false },
  all: { names: ['-a', '--all-cpus'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const POLL_NS = 2 * MS;
/** Where the results of calls stand when their lines are short (trace.args_alignment). */
const ARGS_WIDTH = 70;
const STYLE: CallStyle = { prefixes: false, textLimit: 0, contents: false, descriptorPaths: true };

/** `     0.012 ( 0.003 ms): cat/20005 close(fd: 3)     = 0` */
function lineOf({ tid, comm, call, enteredNs, before, known, done }: Call, startNs: number): string {
  const { texts, result, atNs } = done!;
  // Arguments that say nothing are left out.
  const args = call.parameters.flatMap(({ name }, i) => {
    const text = i < known ? before[i] : texts[i];
    return text === undefined || text === '0' || text === 'NULL' ? [] : [`${name}: ${text}`];
  });
  const text = `${call.name}(${args.join(', ')}`;
  const at = ((enteredNs - startNs) / MS).toFixed(3).padStart(10);
  const duration = ((atNs - enteredNs) / MS).toFixed(3).padStart(6);
  return `${at} (${duration} ms): ${comm.slice(0, 14)}/${tid} ${text})${' '.repeat(Math.max(1, ARGS_WIDTH - text.length))}= ${resultText(call, result)}`;
}

interface Statistics {
  readonly durations: number[];
  errors: number;
}
const TABLE_HEAD = [
  '   syscall            calls  errors  total       min       avg       max       stddev',
  '                                     (msec)    (msec)    (msec)    (msec)        (%)',
  '   --------------- --------  ------ -------- --------- --------- ---------     ------',
];
function statisticsLine(name: string, { durations, errors }: Statistics): string {
  const total = durations.reduce((sum, ns) => sum + ns, 0);
  const mean = total / durations.length;
  const variance =
    durations.length < 2 ? 0 : durations.reduce((sum, ns) => sum + (ns - mean) ** 2, 0) / (durations.length - 1);
  // Of the mean, relative to it, as stddev_stats() and rel_stddev_stats() have it.
  const deviation = mean === 0 ? 0 : (100 * Math.sqrt(variance / durations.length)) / mean;
  const ms = (ns: number): string => (ns / MS).toFixed(3).padStart(9);
  return `   ${name.padEnd(15)} ${String(durations.length).padStart(8)} ${String(errors).padStart(6)} ${[total, Math.min(...durations), mean, Math.max(...durations)].map(ms).join(' ')} ${deviation.toFixed(2).padStart(9)}%`;
}
/** Thread by thread, those with the most calls first. */
function summaryText(calls: readonly Call[]): string {
  const threads = new Map<number, { readonly comm: string; readonly calls: Call[] }>();
  for (const call of calls) {
    const thread = threads.get(call.tid) ?? { comm: call.comm, calls: [] };
    threads.set(call.tid, { comm: call.comm, calls: thread.calls });
    thread.calls.push(call);
  }
  const parts = [...threads]
    .sort(([a, x], [b, y]) => y.calls.length - x.calls.length || a - b)
    .map(([tid, thread]) => {
      const rows = new Map<string, Statistics>();
      for (const { call, done, enteredNs } of thread.calls) {
        const row = rows.get(call.name) ?? { durations: [], errors: 0 };
        rows.set(call.name, row);
        row.durations.push(done!.atNs - enteredNs);
        if (done!.result < 0 && done!.result >= -4095) row.errors += 1;
      }
      const total = ({ durations }: Statistics): number => durations.reduce((sum, ns) => sum + ns, 0);
      const sorted = [...rows].sort(([a, x], [b, y]) => total(y) - total(x) || (a < b ? -1 : 1));
      // Each call is an event when it begins and when it ends.
      const share = ((100 * thread.calls.length) / calls.length).toFixed(1);
      return joinLines([
        ` ${thread.comm} (${tid}), ${2 * thread.calls.length} events, ${share}%`,
        '',
        ...TABLE_HEAD,
        ...sorted.map(([name, row]) => statisticsLine(name, row)),
        '',
        '',
      ]);
    });
  return `\n Summary of events:\n\n${parts.join('')}`;
}

/** What is wrong with the options; undefined: nothing. */
function* complaint(
  c: CommandContext,
  { options, operands }: Given,
  pids: readonly number[],
): Steps<number | undefined> {
  if (missingProcess(c.machine, pids) !== undefined) {
    yield* c.report(
      "Problems parsing the target to trace, check your options!\nCouldn't create thread/CPU maps: No such process\n",
    );
    return 255;
  }
  if (operands.length > 0 && programPath(c.machine, operands[0]!) === undefined) {
    yield* c.report('Workload failed: No such file or directory\n');
    return 255;
  }
  const duration = options.get('duration')?.at(-1);
  return duration !== undefined && !(Number(duration) >= 0)
    ? yield* misuse(c, " Error: option `duration' expects a numerical value", USAGE)
    : undefined;
}

/** perf trace: system calls as they end, of a command, of processes or of the whole machine. */
export function* perfTrace(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, true);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options, operands } = given;
  const { machine, u } = c;
  const only = (options.get('pid') ?? []).flatMap((list) => list.split(',')).map(Number);
  const problem = yield* complaint(c, given, only);
  if (problem !== undefined) return problem;
  const isWanted = selectCalls((options.get('expression') ?? ['all']).join(','));
  if (typeof isWanted === 'string') {
    yield* c.report(
      `event syntax error: '${isWanted}'\n                     \\___ parser error\n\nRun 'perf list' for a list of valid events\n`,
    );
    return yield* misuse(c, '', USAGE);
  }
  let isOver = false;
  for (const signal of [SIGINT, SIGTERM])
    yield u.onSignal(signal, function* () {
      isOver = true;
      return 0;
    });
  const pids = new Set(only);
  const isWhole = options.has('all') || (only.length === 0 && operands.length === 0);
  const own = u.task.tgid;
  // The program begins with its execve; what the child did before is perf's own.
  let hasBegun = operands.length === 0 || isWhole;
  const watcher = new CallWatcher(
    machine,
    STYLE,
    (task) => task.tgid !== own && (isWhole || isBelow(task, pids, operands.length > 0)),
    (call) => {
      hasBegun ||= call.name === 'execve';
      return hasBegun && isWanted(call);
    },
  );
  const child = operands.length === 0 ? undefined : yield* launch(machine, u, operands);
  if (child !== undefined) pids.add(child);
  const task = child === undefined ? undefined : machine.tasks.get(child);
  const least = Number(options.get('duration')?.at(-1) ?? 0) * MS;
  const calls: Call[] = [];
  let startNs: number | undefined;
  const isSummaryOnly = options.has('summary');
  for (let isLast = false; !isLast;) {
    yield u.nanosleep(POLL_NS);
    isLast =
      isOver ||
      (task !== undefined ? task.exitState !== 0 : only.length > 0 && only.every((pid) => !machine.tasks.has(pid)));
    let text = '';
    for (const event of watcher.take()) {
      if (event.kind === 'gone') continue;
      startNs ??= event.call.enteredNs;
      if (event.kind === 'enter' || event.call.done!.atNs - event.call.enteredNs < least) continue;
      calls.push(event.call);
      if (!isSummaryOnly) text += `${lineOf(event.call, startNs)}\n`;
    }
    if (text !== '') yield* c.report(text);
  }
  watcher.close();
  if (child !== undefined && !isOver) yield u.wait4(child);
  if (isSummaryOnly || options.has('withSummary')) yield* c.report(summaryText(calls));
  return 0;
}
