import type { Machine } from '../../../machine.ts';
import type { Task } from '../../../tasks/task.ts';
import type { CommandContext, Steps } from '../command.ts';
import { launch, programPath } from '../launch.ts';
import { misuse } from './options.ts';
import type { Given } from './options.ts';
import { eventsNamed } from './events.ts';
import type { PerfEventName } from './events.ts';

export const namesOf = ({ options }: Given, fallback: readonly string[]): readonly string[] =>
  options.get('event')?.flatMap((names) => names.split(',')) ?? fallback;

/** The events of `-e`, or the first name that there is none of. */
export function findEvents(m: Machine, names: readonly string[]): readonly PerfEventName[] | string {
  const found = names.map((name) => eventsNamed(m, name));
  const missing = found.findIndex((events) => events.length === 0);
  return missing < 0 ? found.flat() : names[missing]!;
}
export function* noEvent(c: CommandContext, name: string, usage: string): Steps<number> {
  const isTracepoint = name.includes(':');
  yield* c.report(
    `event syntax error: '${name}'\n                     \\___ ${isTracepoint ? 'unknown tracepoint' : 'parser error'}\n\n` +
      (isTracepoint
        ? `Error:\tFile /sys/kernel/tracing/events/${name.replace(':', '/')} not found.\n` +
          'Hint:\tPerhaps this kernel misses some CONFIG_ setting to enable this feature?.\n\n'
        : ''),
  );
  return yield* misuse(c, "Run 'perf list' for a list of valid events\n", usage);
}

/** The command under the tool's eye, which is told its PID first; its exit status, or -1 when there is no such program. */
export function* runCommand(c: CommandContext, argv: readonly string[], started: (pid: number) => void): Steps<number> {
  if (programPath(c.machine, argv[0] ?? '') === undefined) {
    yield* c.report('Workload failed: No such file or directory\n');
    return -1;
  }
  const pid = yield* launch(c.machine, c.u, argv);
  started(pid);
  yield c.u.wait4(pid);
  return 0;
}
/** Whether the running task is one of a process and its children. */
export function belongsTo(m: Machine, pid: number): boolean {
  for (let task: Task | null = m.cpu.current; task !== null; task = task.parent) if (task.tgid === pid) return true;
  return false;
}
