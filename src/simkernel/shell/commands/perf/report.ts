import { traceTime } from '../../../tracefs/trace-text.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { OptionRows } from './options.ts';
import { readSamples, type Sample } from './samples.ts';

const COLUMNS = {
  comm: { title: 'Command', of: ({ comm }: Sample) => comm },
  dso: { title: 'Shared Object', of: ({ object }: Sample) => object },
  symbol: { title: 'Symbol', of: ({ symbol }: Sample) => symbol },
  pid: { title: 'Pid:Command', of: ({ pid, comm }: Sample) => `${pid}:${comm}` },
  cpu: { title: 'CPU', of: ({ cpu }: Sample) => String(cpu) },
  trace: { title: 'Trace output', of: ({ text }: Sample) => text },
} as const;
type Column = keyof typeof COLUMNS;

function reportText(event: string, samples: readonly Sample[], sort: readonly Column[]): string {
  const groups = new Map<string, { readonly cells: readonly string[]; count: number }>();
  for (const sample of samples) {
    const cells = sort.map((column) => COLUMNS[column].of(sample));
    const key = cells.join('\0');
    const group = groups.get(key) ?? { cells, count: 0 };
    groups.set(key, group);
    group.count += 1;
  }
  const rows = [...groups.values()].sort((a, b) => b.count - a.count || (a.cells.join() < b.cells.join() ? -1 : 1));
  const widths = sort.map((column, i) =>
    Math.max(COLUMNS[column].title.length, ...rows.map(({ cells }) => cells[i]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return joinLines([
    '# To display the perf.data header info, please use --header/--header-only options.',
    '#',
    '#',
    '# Total Lost Samples: 0',
    '#',
    `# Samples: ${samples.length}  of event '${event}'`,
    `# Event count (approx.): ${samples.length}`,
    '#',
    `# Overhead  ${line(sort.map((column) => COLUMNS[column].title))}`,
    `# ........  ${line(widths.map((width) => '.'.repeat(width)))}`,
    '#',
    ...rows.map(({ cells, count }) => `${((100 * count) / samples.length).toFixed(2).padStart(9)}%  ${line(cells)}`),
    '',
  ]);
}
const OPTIONS: OptionRows = {
  input: { names: ['-i', '--input'], value: true },
  sort: { names: ['-s', '--sort'], value: true },
  fields: { names: ['-F', '--fields'], value: true },
  stdio: { names: ['--stdio'], value: false },
  header: { names: ['--header'], value: false },
  children: { names: ['--children', '--no-children'], value: false },
  samples: { names: ['-n', '--show-nr-samples'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};

/** perf report: shares of samples that agree in some columns. */
export function* perfReport(c: CommandContext, args: readonly string[]): Steps<number> {
  const usage = 'perf report [<options>]';
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, usage);
  const asked = (given.options.get('sort')?.at(-1) ?? 'comm,dso,symbol').split(',');
  const columns = asked.map((name) => (name === 'sym' ? 'symbol' : name));
  const unknown = columns.find((name) => !(name in COLUMNS));
  if (unknown !== undefined) return yield* misuse(c, ` Error: Unknown --sort key: \`${unknown}'`, usage);
  const samples = yield* readSamples(c, given.options.get('input')?.at(-1));
  if (samples === undefined) return 1;
  for (const event of new Set(samples.map((sample) => sample.event)))
    yield* c.print(
      reportText(
        event,
        samples.filter((sample) => sample.event === event),
        columns as Column[],
      ),
    );
  return 0;
}
/** perf script: sample by sample. */
export function* perfScript(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, 'perf script [<options>]');
  const samples = yield* readSamples(c, given.options.get('input')?.at(-1));
  if (samples === undefined) return 1;
  const lines = samples.map(
    ({ comm, pid, cpu, timeNs, event, text, symbol }) =>
      `${comm.padStart(16)} ${String(pid).padStart(7)} [${String(cpu).padStart(3, '0')}] ${traceTime(timeNs)}: ${event}: ${text === '' ? symbol : text}`,
  );
  yield* c.print(joinLines(lines));
  return 0;
}
