import type { CpuUse, TimelineCell, TimelineView } from '../../pipeline/timeline.ts';
import { fitRow, rowOf, span, type Row, type Span, type Style } from './row.ts';

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const STYLE_OF: Record<CpuUse, Style> = {
  idle: 'dim',
  iowait: 'iowait',
  user: 'user',
  kernel: 'kernel',
  irq: 'irq',
  softirq: 'softirq',
};
/** Without colours a letter says what the height of a bar cannot. */
const LEGEND: readonly (readonly [use: CpuUse, text: string, letter: string])[] = [
  ['user', 'user', 'u'],
  ['kernel', 'kernel', 'k'],
  ['irq', 'interrupt', 'i'],
  ['softirq', 'softirq', 's'],
  ['iowait', 'waits for a disk', '·'],
];
const LETTERS: ReadonlyMap<CpuUse, string> = new Map(LEGEND.map(([use, , letter]) => [use, letter]));
const LABEL_WIDTH = 7;
/** ` 100%` */
const SHARE_WIDTH = 5;

const plainCell = ({ use }: TimelineCell): string => LETTERS.get(use) ?? ' ';
const levelCell = ({ use, busy }: TimelineCell): string =>
  busy > 0 ? LEVELS[Math.min(LEVELS.length - 1, Math.floor(busy * LEVELS.length))]! : use === 'iowait' ? '·' : ' ';

/** What each CPU was busy with, column by column, and who ran. */
export function timelineRows(view: TimelineView, columns: number, isColored: boolean): readonly Row[] {
  const width = Math.max(1, columns - LABEL_WIDTH - SHARE_WIDTH);
  const rows = view.cpus.flatMap((cells, cpu): readonly Row[] => {
    const shown = cells.slice(-width);
    return [
      [
        span(`CPU ${cpu}`.padEnd(LABEL_WIDTH), 'strong'),
        ...cellSpans(shown, isColored ? levelCell : plainCell),
        share(shown, width),
      ],
      [span(' '.repeat(LABEL_WIDTH)), span(whoRan(shown), 'dim')],
    ];
  });
  const legend = LEGEND.flatMap(([use, text, letter]) => [
    span(isColored ? '■ ' : `${letter} `, STYLE_OF[use]),
    span(`${text}  `, 'dim'),
  ]);
  const scale = `one column is ${timeText(view.columnNs)}; the last ends ${(view.endNs / 1e9).toFixed(4)} s after boot`;
  return [...rows, fitRow(legend, columns), fitRow(rowOf(scale, 'dim'), columns)];
}

function timeText(ns: number): string {
  if (ns >= 1e9) return `${ns / 1e9} s`;
  return ns >= 1e6 ? `${ns / 1e6} ms` : `${ns / 1e3} µs`;
}

/** How much of the time that is shown the CPU was busy, behind the cells. */
function share(cells: readonly TimelineCell[], width: number): Span {
  const busy = cells.reduce((sum, cell) => sum + cell.busy, 0) / Math.max(1, cells.length);
  return span(' '.repeat(width - cells.length) + `${Math.round(100 * busy)}%`.padStart(SHARE_WIDTH), 'number');
}

function cellSpans(cells: readonly TimelineCell[], letter: (cell: TimelineCell) => string): readonly Span[] {
  const spans: Span[] = [];
  for (const cell of cells) {
    const style = STYLE_OF[cell.use];
    const last = spans.at(-1);
    if (last?.style === style) spans[spans.length - 1] = span(last.text + letter(cell), style);
    else spans.push(span(letter(cell), style));
  }
  return spans;
}

/** Names under the stretches in which a task ran, where they have room. */
function whoRan(cells: readonly TimelineCell[]): string {
  let text = '';
  for (let from = 0; from < cells.length;) {
    const { pid, comm } = cells[from]!;
    let to = from;
    while (to < cells.length && cells[to]!.pid === pid) to++;
    const name = pid === 0 ? '' : comm;
    const room = to - from;
    text += (name.length < room ? name : room > 1 ? name.slice(0, room - 1) : '').padEnd(room);
    from = to;
  }
  return text;
}
