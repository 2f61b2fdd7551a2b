import { positionAt, createSource } from '../../source/source.ts';
import { COMMAND_NAMES, commandRow } from '../model/commands.ts';
import { KEYMAP } from '../model/keymap.ts';
import type { Model } from '../model/model.ts';
import { paneRow, type PaneName } from '../model/panes.ts';
import { fit, fitRow, rowOf, span, widthOf, type Row } from './row.ts';
import { timelineRows } from './timeline-rows.ts';

/** The pane with its title, as high as asked for. */
export function paneRows(model: Model, columns: number, height: number): readonly Row[] {
  const { pane } = model;
  if (pane === undefined) return [];
  const body = bodyRows(model, pane.name, columns);
  const room = height - 1;
  const most = Math.max(0, body.length - room);
  const current = body.findIndex((row) => row[0]?.style === 'current');
  // Until somebody scrolls, the part of the script that is being written is in sight.
  const wanted = pane.scroll > 0 || current < room ? pane.scroll : current - 2;
  const first = Math.min(most, Math.max(0, wanted));
  const shown = body.slice(first, first + room);
  const place = most === 0 ? '' : ` ${first + 1}-${first + shown.length} of ${body.length}`;
  return [titleRow(` ${paneRow(pane.name).title} `, `${place} Esc closes `, columns), ...shown];
}

/** A rule with a title in it. */
export function titleRow(title: string, right: string, columns: number): Row {
  const rest = columns - widthOf(title) - widthOf(right) - 2;
  if (rest < 1) return fitRow([span(title, 'strong')], columns);
  return [span('──', 'dim'), span(title, 'strong'), span('─'.repeat(rest), 'dim'), span(right, 'dim')];
}

function bodyRows(model: Model, name: PaneName, columns: number): readonly Row[] {
  const { frame } = model;
  switch (name) {
    case 'help':
      return helpRows(columns);
    case 'interrupts':
      return frame?.interrupts === undefined
        ? waiting('Run a script: interrupts are counted while the machine runs.')
        : interruptRows(frame.interrupts, columns);
    case 'timeline':
      return frame?.timeline === undefined || frame.timeline.cpus.length === 0
        ? waiting('Run a script: the CPUs are drawn while the machine runs.')
        : timelineRows(frame.timeline, columns, model.isColored);
    default:
      return stageRows(model, columns);
  }
}

const waiting = (text: string): readonly Row[] => [[], rowOf(`  ${text}`, 'dim')];

function helpRows(columns: number): readonly Row[] {
  const keys = KEYMAP.flatMap(({ label, help }) =>
    label === undefined || help === undefined ? [] : [[label, help] as const],
  );
  const commands = COMMAND_NAMES.map((name) => {
    const { operand, help } = commandRow(name);
    return [`:${name}${operand === undefined ? '' : ` ${operand}`}`, help] as const;
  });
  const width = Math.max(...[...keys, ...commands].map(([label]) => label.length)) + 3;
  const entry = ([label, help]: readonly [string, string]): Row =>
    fitRow([span(` ${label.padEnd(width)}`, 'builtin'), span(help)], columns);
  return [...keys.map(entry), [], ...commands.map(entry)];
}

/** The file's columns as narrow as their numbers let them be: what an interrupt is for stands at the end. */
function interruptRows(text: string, columns: number): readonly Row[] {
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const cpus = head.trim().split(/\s+/);
  const table = lines.map((line) => {
    const [name = '', ...words] = line.trim().split(/\s+/);
    const counts = words.slice(0, cpus.length).filter((word) => /^\d+$/.test(word));
    return { name, counts, purpose: words.slice(counts.length).join(' ') };
  });
  const widths = cpus.map((cpu, i) => Math.max(cpu.length, ...table.map(({ counts }) => counts[i]?.length ?? 0)) + 2);
  const nameWidth = Math.max(4, ...table.map(({ name }) => name.length));
  const cells = (words: readonly string[]): string =>
    widths.map((width, i) => (words[i] ?? '').padStart(width)).join('');
  return [
    fitRow(rowOf(' '.repeat(nameWidth) + cells(cpus), 'strong'), columns),
    ...table.map(({ name, counts, purpose }) =>
      fitRow([span(name.padStart(nameWidth), 'builtin'), span(cells(counts)), span(`  ${purpose}`, 'dim')], columns),
    ),
  ];
}

/** `; 3:5: @[comm] = count()`: what follows is made from this line of the script. */
const HEADING = /^\s*; (\d+)(?::\d+)?: /;

/** What a stage made, with what comes from the cursor's line marked. */
function stageRows(model: Model, columns: number): readonly Row[] {
  const { pane, editor } = model;
  if (pane === undefined || pane.text === '')
    return waiting('Write or run a script: what becomes of it is shown here.');
  const isOfEditor = pane.script === editor.text;
  const line = isOfEditor ? positionAt(createSource('', editor.text), editor.cursor).line : 0;
  let isCurrent = false;
  return pane.text
    .trimEnd()
    .split('\n')
    .map((text) => {
      const heading = HEADING.exec(text);
      if (heading !== null) isCurrent = Number(heading[1]) === line;
      else if (/^(?:program|function) |^\S+:$/.test(text)) isCurrent = false;
      const style =
        heading !== null ? 'comment' : /\bERROR\b/.test(text) ? 'error' : /^HINT/.test(text) ? 'note' : 'plain';
      const mark = isCurrent ? span('▌', 'current') : span(' ');
      return [mark, span(fit(text.replaceAll('\t', '  '), columns - 1), style)];
    });
}
