import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { CallGraph, parseGraphOptions } from './call-graph.ts';
import type { GraphOptions } from './call-graph.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { Given, OptionRows } from './options.ts';
import { readRecording, type Place, type Recording, type Sample } from './samples.ts';

/** `[k] vfs_read` */
export function symbolText({ isKernel, symbol, address }: Place): string {
  return `[${isKernel ? 'k' : '.'}] ${symbol === '' ? `0x${address.padStart(16, '0')}` : symbol}`;
}
/** As perf report names files: without their folders. */
export const shortObject = (object: string): string => object.slice(object.lastIndexOf('/') + 1);

/** What lines can be told apart by: of a sample, or of a caller in its chain. */
const COLUMNS = {
  comm: { title: 'Command', of: ({ comm }: Sample) => comm },
  dso: { title: 'Shared Object', of: (_: Sample, { object }: Place) => shortObject(object) },
  symbol: { title: 'Symbol', of: (_: Sample, place: Place) => symbolText(place) },
  pid: { title: 'Pid:Command', of: ({ tid, comm }: Sample) => `${tid}:${comm}` },
  cpu: { title: 'CPU', of: ({ cpu }: Sample) => String(cpu).padStart(3, '0') },
  trace: { title: 'Trace output', of: ({ text }: Sample) => text },
} as const satisfies Record<string, { readonly title: string; readonly of: (sample: Sample, place: Place) => string }>;
type Column = keyof typeof COLUMNS;
const OTHER_NAMES: Readonly<Record<string, Column>> = { sym: 'symbol', trace_output: 'trace', tid: 'pid' };

interface Row {
  readonly cells: readonly string[];
  self: number;
  withCallees: number;
  samples: number;
  readonly graph: CallGraph;
}
interface Look {
  readonly columns: readonly Column[];
  readonly graph: GraphOptions;
  /** Callers get a share of what they call. */
  readonly hasChildren: boolean;
  readonly showsSamples: boolean;
  readonly percentLimit: number;
}

function rowsOf(samples: readonly Sample[], { columns, graph, hasChildren }: Look): readonly Row[] {
  const rows = new Map<string, Row>();
  const rowAt = (sample: Sample, place: Place): Row => {
    const cells = columns.map((column) => COLUMNS[column].of(sample, place));
    const key = cells.join('\0');
    let row = rows.get(key);
    if (row === undefined)
      rows.set(key, (row = { cells, self: 0, withCallees: 0, samples: 0, graph: new CallGraph(graph) }));
    return row;
  };
  for (const sample of samples) {
    const { place, period } = sample;
    const chain = graph.order === 'caller' ? [...sample.chain].reverse() : sample.chain;
    const leaf = rowAt(sample, place);
    leaf.self += period;
    leaf.withCallees += period;
    leaf.samples += 1;
    leaf.graph.add(chain, period);
    if (!hasChildren) continue;
    const seen = new Set([leaf]);
    chain.forEach((caller, i) => {
      const row = rowAt(sample, caller);
      // Whoever calls itself counts once.
      if (seen.has(row)) return;
      seen.add(row);
      row.withCallees += period;
      row.graph.add(chain.slice(i), period);
    });
  }
  const size = (row: Row): number => (hasChildren ? row.withCallees : row.self);
  return [...rows.values()].sort(
    (a, b) => size(b) - size(a) || b.self - a.self || (a.cells.join() < b.cells.join() ? -1 : 1),
  );
}

const PERCENT_WIDTH = 8;
const SAMPLES_WIDTH = 12;
/** `1K`, as the head of a report counts samples. */
const rounded = (count: number): string => (count > 1000 ? `${Math.floor(count / 1000)}K` : `${count} `);

function reportText(event: string, samples: readonly Sample[], look: Look, hidesFirst: boolean): string {
  const { columns, hasChildren, showsSamples } = look;
  const total = samples.reduce((sum, { period }) => sum + period, 0);
  const percent = (part: number): string => `${((100 * part) / total).toFixed(2)}%`.padStart(PERCENT_WIDTH);
  const rows = rowsOf(samples, look).filter(
    (row) => (100 * (hasChildren ? row.withCallees : row.self)) / total >= look.percentLimit,
  );
  const widths = columns.map((column, i) =>
    Math.max(COLUMNS[column].title.length, ...rows.map(({ cells }) => cells[i]!.length)),
  );
  const numbers = [
    ...(hasChildren ? ['Children', 'Self'] : ['Overhead']).map((title) => title.padStart(PERCENT_WIDTH)),
    ...(showsSamples ? ['Samples'.padStart(SAMPLES_WIDTH)] : []),
  ];
  const line = (front: readonly string[], cells: readonly string[]): string =>
    [...front, ...cells.map((cell, i) => cell.padEnd(widths[i]!))].join('  ').trimEnd();
  return joinLines([
    '# To display the perf.data header info, please use --header/--header-only options.',
    '#',
    '#',
    '# Total Lost Samples: 0',
    '#',
    `# Samples: ${rounded(samples.length)} of event '${event}'`,
    `# Event count (approx.): ${total}`,
    '#',
    `# ${line(
      numbers,
      columns.map((column) => COLUMNS[column].title),
    )}`,
    `# ${line(
      numbers.map(({ length }) => '.'.repeat(length)),
      widths.map((width) => '.'.repeat(width)),
    )}`,
    '#',
    ...rows.flatMap((row) => [
      `  ${line(
        [
          ...(hasChildren ? [percent(row.withCallees)] : []),
          percent(row.self),
          ...(showsSamples ? [String(row.samples).padStart(SAMPLES_WIDTH)] : []),
        ],
        row.cells,
      )}`,
      ...row.graph.lines(hasChildren ? row.withCallees : row.self, total, hidesFirst),
    ]),
    '',
    '',
  ]);
}

const OPTIONS: OptionRows = {
  input: { names: ['-i', '--input'], value: true },
  sort: { names: ['-s', '--sort'], value: true },
  graph: { names: ['-g', '--call-graph'], value: 'optional' },
  inverted: { names: ['-G', '--inverted'], value: false },
  children: { names: ['--children'], value: false },
  noChildren: { names: ['--no-children'], value: false },
  comms: { names: ['-c', '--comms'], value: true },
  dsos: { names: ['-d', '--dsos'], value: true },
  symbols: { names: ['-S', '--symbols'], value: true },
  percentLimit: { names: ['--percent-limit'], value: true },
  samples: { names: ['-n', '--show-nr-samples'], value: false },
  header: { names: ['--header'], value: false },
  stdio: { names: ['--stdio'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const USAGE = 'perf report [<options>]';

/** `comm,sym` as columns; a text is what is wrong. */
function columnsOf({ options }: Given, fallback: readonly Column[]): readonly Column[] | string {
  const asked = options.get('sort')?.at(-1)?.split(',');
  if (asked === undefined) return fallback;
  const columns = asked.map((name) => OTHER_NAMES[name] ?? name);
  const unknown = columns.find((name) => !Object.hasOwn(COLUMNS, name));
  return unknown === undefined ? (columns as Column[]) : ` Error: Unknown --sort key: \`${unknown}'`;
}
/** Those that `--comms`, `--dsos` and `--symbols` let through. */
function filtered({ options }: Given, samples: readonly Sample[]): readonly Sample[] {
  const listed = (name: string): ReadonlySet<string> | undefined => {
    const lists = options.get(name);
    return lists && new Set(lists.flatMap((list) => list.split(',')));
  };
  const [comms, dsos, symbols] = ['comms', 'dsos', 'symbols'].map(listed);
  return samples.filter(
    ({ comm, place }) =>
      comms?.has(comm) !== false &&
      dsos?.has(shortObject(place.object)) !== false &&
      symbols?.has(place.symbol) !== false,
  );
}

/** perf report: shares of samples that agree in some columns. */
export function* perfReport(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options } = given;
  const recording = yield* readRecording(c, options.get('input')?.at(-1));
  if (recording === undefined) return 1;
  for (const event of new Set(recording.samples.map((sample) => sample.event))) {
    const look = lookOf(given, recording, event);
    if (typeof look === 'string') return yield* misuse(c, look, USAGE);
    const samples = filtered(
      given,
      recording.samples.filter((sample) => sample.event === event),
    );
    yield* c.print(reportText(event, samples, look, options.get('sort')?.at(-1)?.startsWith('sym') === true));
  }
  return 0;
}
function lookOf(given: Given, { hasChains, isTracepoint }: Recording, event: string): Look | string {
  const { options } = given;
  // A tracepoint's samples are told apart by what they say.
  const columns = columnsOf(given, isTracepoint[event] === true ? ['trace'] : ['comm', 'dso', 'symbol']);
  if (typeof columns === 'string') return columns;
  const hasChildren = hasChains && !options.has('noChildren') && columns.some((column) => column !== 'trace');
  const isCaller = hasChildren || options.has('inverted');
  const graph = parseGraphOptions(options.get('graph')?.at(-1) ?? '', isCaller ? 'caller' : 'callee');
  if (typeof graph === 'string') return graph;
  return {
    columns,
    graph,
    hasChildren,
    showsSamples: options.has('samples'),
    percentLimit: Number(options.get('percentLimit')?.at(-1) ?? 0),
  };
}
