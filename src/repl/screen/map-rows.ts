import type { LiveProgramView } from '../../pipeline/live-machine.ts';
import type { Bucket, MapRow, MapView } from '../../pipeline/map-view.ts';
import { fit, fitRow, grouped, rowOf, span, widthOf, type Row } from './row.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const MOST_BAR = 52;

/** A bar of `share` of the width, to an eighth of a cell; what is not nothing is seen. */
function bar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8);
  const shown = share > 0 ? Math.max(1, eighths) : 0;
  return '█'.repeat(shown >> 3) + EIGHTHS[shown & 7]!;
}

/** Maps of the attached scripts, cut so that each has its part of the height. */
export function liveRows(programs: readonly LiveProgramView[], columns: number, height: number): readonly Row[] {
  const blocks = programs.flatMap((program) => [
    [programRow(program, columns)],
    ...program.maps.filter(({ rows }) => rows.length > 0).map((map) => mapRows(map, columns)),
  ]);
  const heights = shareOut(
    blocks.map((block) => block.length),
    height,
  );
  return blocks.flatMap((block, i) => cutBlock(block, heights[i]!));
}

/** How many rows each block gets: those that want little get it all. */
function shareOut(wanted: readonly number[], height: number): readonly number[] {
  const given = wanted.map(() => 0);
  let left = height;
  for (let hungry = true; hungry && left > 0;) {
    hungry = false;
    for (let i = 0; i < wanted.length && left > 0; i++) {
      if (given[i]! >= wanted[i]!) continue;
      given[i]!++;
      left--;
      hungry = true;
    }
  }
  return given;
}

function cutBlock(block: readonly Row[], height: number): readonly Row[] {
  if (block.length <= height) return block;
  if (height < 2) return block.slice(0, height);
  return [...block.slice(0, height - 1), rowOf(`  … ${block.length - height + 1} more`, 'dim')];
}

function programRow({ name, probes }: LiveProgramView, columns: number): Row {
  const fired = probes.filter(({ hits }) => hits > 0);
  const hits = (fired.length > 0 ? fired : probes).map(({ probe, hits }) => `${probe} ${grouped(hits)}`);
  return fitRow([span('● ', 'prompt'), span(name, 'strong'), span(`  ${hits.join('  ')}`, 'dim')], columns);
}

function mapRows({ name, rows, size }: MapView, columns: number): readonly Row[] {
  const [first] = rows;
  const isPlain = first !== undefined && first.key === '' && size === 1;
  if (isPlain && first.buckets === undefined && first.lines === undefined)
    return [
      fitRow(
        [
          span(name, 'map'),
          span(': '),
          span(grouped(Number(first.text)) === 'NaN' ? first.text : groupedText(first.text), 'number'),
        ],
        columns,
      ),
    ];
  const count = isPlain ? '' : `  ${grouped(size)} ${size === 1 ? 'key' : 'keys'}`;
  if (rows.some(({ buckets, lines }) => buckets !== undefined || lines !== undefined))
    return rows.flatMap((row) => blockRows(name, row, columns));
  return [[span(name, 'map'), span(count, 'dim')], ...tableRows(rows, columns)];
}

const groupedText = (text: string): string => (/^-?\d+$/.test(text) ? grouped(Number(text)) : text);

/** A stack as one line, the innermost function first. */
function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ← ');
}

function tableRows(rows: readonly MapRow[], columns: number): readonly Row[] {
  const largest = Math.max(0, ...rows.map(({ amount }) => amount ?? 0));
  const values = rows.map(({ text }) => groupedText(oneLine(text)));
  const valueWidth = Math.min(40, Math.max(0, ...values.map(widthOf)));
  const keys = rows.map(({ key }) => oneLine(key));
  const room = columns - valueWidth - 4;
  const hasBars = largest > 0;
  const keyWidth = Math.min(Math.max(0, ...keys.map(widthOf)), hasBars ? Math.floor(room * 0.6) : room);
  const barWidth = Math.min(MOST_BAR, room - keyWidth - 1);
  return rows.map(({ amount = 0 }, i) => {
    const key = fit(keys[i]!, keyWidth);
    return [
      span(`  ${key}${' '.repeat(keyWidth - widthOf(key))}  `),
      span(values[i]!.padStart(valueWidth), 'number'),
      ...(hasBars ? [span(' '), span(bar(amount / largest, barWidth), 'bar')] : []),
    ];
  });
}

function blockRows(name: string, { key, buckets, lines = [], text }: MapRow, columns: number): readonly Row[] {
  const title = key === '' ? name : `${name}[${oneLine(key)}]`;
  const total = buckets === undefined ? text : `n = ${groupedText(text)}`;
  const head = fitRow([span(title, 'map'), span(`  ${total}`, 'dim')], columns);
  const body =
    buckets === undefined ? lines.map((line) => rowOf(fit(`  ${line}`, columns))) : histogramRows(buckets, columns);
  return [head, ...body];
}

function histogramRows(buckets: readonly Bucket[], columns: number): readonly Row[] {
  const largest = Math.max(1, ...buckets.map(({ count }) => count));
  const counts = buckets.map(({ count }) => grouped(count));
  const intervalWidth = Math.max(...buckets.map(({ interval }) => interval.length));
  const countWidth = Math.max(6, ...counts.map((text) => text.length));
  const barWidth = Math.min(MOST_BAR, columns - intervalWidth - countWidth - 5);
  return buckets.map(({ interval, count }, i) => [
    span(`  ${interval.padEnd(intervalWidth)}  `),
    span(counts[i]!.padStart(countWidth), 'number'),
    span(' '),
    span(bar(count / largest, barWidth), 'bar'),
  ]);
}
