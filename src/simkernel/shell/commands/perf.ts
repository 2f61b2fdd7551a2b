import { glob } from '../../tracefs/filter.ts';
import { traceArray } from '../../tracefs/trace-array.ts';
import { command, joinLines } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';
import { perfProbe } from './perf/probe.ts';
import { perfRecord, perfStat } from './perf/record.ts';
import { perfReport, perfScript } from './perf/report.ts';

function* perfList(c: CommandContext, args: readonly string[]): Steps<number> {
  const pattern = glob(args[0] === undefined ? '*' : args[0].includes(':') ? args[0] : `${args[0]}*`);
  const names = traceArray(c.machine)
    .events()
    .map(({ category, name }) => `${category}:${name}`);
  yield* c.print(
    joinLines(names.filter((name) => pattern.test(name)).map((name) => `  ${name.padEnd(50)} [Tracepoint event]`)),
  );
  return 0;
}

const SUBCOMMANDS: Readonly<Record<string, (c: CommandContext, args: readonly string[]) => Steps<number>>> = {
  probe: perfProbe,
  record: perfRecord,
  stat: perfStat,
  report: perfReport,
  script: perfScript,
  list: perfList,
};
export const PERF_COMMANDS: readonly MakeCommand[] = [
  command('perf', function* (c, [name = '', ...args]) {
    const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
    if (subcommand === undefined)
      return yield* c.complain(`'${name}' is not a perf-command (${Object.keys(SUBCOMMANDS).join(', ')})`);
    return yield* subcommand(c, args);
  }),
];
