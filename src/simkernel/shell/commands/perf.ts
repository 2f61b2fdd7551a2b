import { glob } from '../../tracefs/glob.ts';
import { command, joinLines } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';
import { perfAnnotate } from './perf/annotate.ts';
import { listedEvents } from './perf/events.ts';
import { perfProbe } from './perf/probe.ts';
import { perfRecord } from './perf/record.ts';
import { perfReport } from './perf/report.ts';
import { perfScript } from './perf/script.ts';
import { perfStat } from './perf/stat.ts';
import { perfTop } from './perf/top.ts';
import { perfTrace } from './perf/trace.ts';

function* perfList(c: CommandContext, args: readonly string[]): Steps<number> {
  const [wanted] = args;
  const pattern = glob(wanted === undefined ? '*' : wanted.includes(':') ? wanted : `${wanted}*`);
  const rows = listedEvents(c.machine).filter(
    ([name, kind]) =>
      pattern.test(name) || (wanted !== undefined && kind.toLowerCase().startsWith(LIST_KINDS[wanted] ?? '\0')),
  );
  yield* c.print(joinLines(rows.map(([name, kind]) => `  ${name.padEnd(50)} [${kind}]`)));
  return 0;
}
/** `perf list hw` */
const LIST_KINDS: Readonly<Record<string, string>> = {
  hw: 'hardware',
  hardware: 'hardware',
  sw: 'software',
  software: 'software',
  tracepoint: 'tracepoint',
};

interface Subcommand {
  readonly about: string;
  readonly run: (c: CommandContext, args: readonly string[]) => Steps<number>;
}
const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  annotate: { about: 'Read perf.data (created by perf record) and display annotated code', run: perfAnnotate },
  list: { about: 'List all symbolic event types', run: perfList },
  probe: { about: 'Define new dynamic tracepoints', run: perfProbe },
  record: { about: 'Run a command and record its profile into perf.data', run: perfRecord },
  report: { about: 'Read perf.data (created by perf record) and display the profile', run: perfReport },
  script: { about: 'Read perf.data (created by perf record) and display trace output', run: perfScript },
  stat: { about: 'Run a command and gather performance counter statistics', run: perfStat },
  top: { about: 'System profiling tool.', run: perfTop },
  trace: { about: 'strace inspired tool', run: perfTrace },
};
/** What perf has elsewhere. */
const ELSEWHERE = new Set('bench c2c diff evlist ftrace inject kmem lock mem sched timechart'.split(' '));

function usage(): string {
  const rows = Object.entries(SUBCOMMANDS).map(([name, { about }]) => `   ${name.padEnd(15)} ${about}\n`);
  return `\n usage: perf [--version] [--help] [OPTIONS] COMMAND [ARGS]\n\n The commands of this machine's perf are:\n${rows.join('')}\n`;
}

export const PERF_COMMANDS: readonly MakeCommand[] = [
  command('perf', function* (c, [name, ...args]) {
    if (name === '--version' || name === '-v') {
      yield* c.print('perf version 7.2\n');
      return 0;
    }
    if (name === undefined || name === '--help' || name === 'help') {
      yield* c.print(usage());
      return name === undefined ? 1 : 0;
    }
    const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
    if (subcommand !== undefined) return yield* subcommand.run(c, args);
    if (ELSEWHERE.has(name)) return yield* c.complain(`'${name}' is not there on this machine. See 'perf --help'.`);
    return yield* c.complain(`'${name}' is not a perf-command. See 'perf --help'.`);
  }),
];
