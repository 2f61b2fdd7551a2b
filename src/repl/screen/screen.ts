import { speedName } from '../model/commands.ts';
import { hintAt } from '../model/hint.ts';
import type { Model } from '../model/model.ts';
import { editorRows, PROMPT_WIDTH } from './editor-rows.ts';
import { liveRows } from './map-rows.ts';
import { paneRows, titleRow } from './pane-rows.ts';
import { fit, fitRow, padRow, rowOf, span, spread, widthOf, type Row } from './row.ts';
import { transcriptRows } from './transcript-rows.ts';

/** The parts of the screen from top to bottom; together they are as high as the terminal. */
export interface Screen {
  readonly title: Row;
  readonly body: readonly Row[];
  readonly rule: Row;
  readonly editor: readonly Row[];
  readonly list: readonly Row[];
  readonly hint: Row;
  readonly cursor: { readonly row: number; readonly column: number };
}

/** From so many columns on, the pane stands beside the rest. */
const WIDE = 120;
/** Rows of title, rule and hint. */
const FRAME_ROWS = 3;
/** Of the terminal's height: what editor and list have at least while something is written. */
const STEADY_PART = 4;
const LEAST_LISTED = 4;
/** The transcript keeps so many rows when maps want all. */
const LEAST_TRANSCRIPT = 3;

export function screenOf(model: Model): Screen {
  const { columns, rows } = model;
  const room = Math.max(1, rows - FRAME_ROWS);
  const { rows: whole, cursor } = model.search === undefined ? editorRows(model, columns) : searchRows(model);
  // Lists and mistakes come and go while somebody types: they get room that stays.
  const steady = model.editor.text === '' ? 1 : Math.floor(rows / STEADY_PART);
  const least = Math.min(LEAST_LISTED, Math.max(0, room - 2));
  const list = listRows(model, columns, Math.max(least, steady - whole.length));
  const editorRoom = Math.max(1, Math.min(whole.length, Math.floor(room / 2) + 1, room - list.length));
  const first = Math.max(0, Math.min(cursor.row - editorRoom + 2, whole.length - editorRoom));
  const editor = whole.slice(first, first + editorRoom);
  const used = Math.max(editor.length + list.length, Math.min(steady, room));
  const bodyHeight = Math.max(0, room - used);
  const gap = room - bodyHeight - editor.length - list.length;
  return {
    title: titleBar(model, columns),
    body: bodyRows(model, columns, bodyHeight).map((row) => fitRow(row, columns)),
    rule: ruleRow(model, columns),
    editor: editor.map((row) => fitRow(row, columns)),
    list: filled(list, list.length + gap),
    hint: fitRow(hintRow(model), columns),
    cursor: { row: 2 + bodyHeight + cursor.row - first, column: Math.min(cursor.column, columns - 1) },
  };
}

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(3)} s`;

function titleBar({ settings, cpus, attached, frame, isPaused, speed }: Model, columns: number): Row {
  const left = ` tsbpftrace  ${settings.scenario}, seed ${settings.seed}${cpus === undefined ? '' : `, ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}`}`;
  const state =
    attached.length === 0
      ? ''
      : `${isPaused ? '‖ paused' : '▶'} ${seconds(frame?.elapsedNs ?? 0)}  ${speed === Infinity ? 'full speed' : `×${speedName(speed)}`} `;
  return spread(rowOf(left, 'title'), rowOf(state, 'title'), columns).map(({ text }) => span(text, 'title'));
}

function ruleRow({ attached }: Model, columns: number): Row {
  if (attached.length === 0) return rowOf('─'.repeat(columns), 'dim');
  return titleRow(` attached: ${attached.map(({ name }) => name).join(', ')} `, '', columns);
}

function bodyRows(model: Model, columns: number, height: number): readonly Row[] {
  if (model.pane === undefined) return filled(mainRows(model, columns, height), height);
  if (columns < WIDE) return filled(paneRows(model, columns, height), height);
  const left = Math.floor((columns - 1) / 2);
  const main = filled(mainRows(model, left, height), height);
  const pane = filled(paneRows(model, columns - left - 1, height), height);
  return main.map((row, i) => [...padRow(row, left), span('│', 'dim'), ...pane[i]!]);
}

/** What was said, and below it what is measured. */
function mainRows(model: Model, columns: number, height: number): readonly Row[] {
  const { frame, attached } = model;
  const programs = attached.length === 0 ? [] : (frame?.programs ?? []);
  const said = Math.min(LEAST_TRANSCRIPT, model.transcript.length);
  const live = liveRows(programs, columns, Math.max(0, height - said));
  const rows = transcriptRows(model, columns, height - live.length);
  const hasGap = rows.length > 0 && live.length > 0 && rows.length + live.length < height;
  return [...rows, ...(hasGap ? [[]] : []), ...live];
}

function filled(rows: readonly Row[], height: number): readonly Row[] {
  return [...rows, ...Array.from({ length: Math.max(0, height - rows.length) }, (): Row => [])].slice(0, height);
}

function listRows(model: Model, columns: number, height: number): readonly Row[] {
  const { completion } = model;
  if (completion === undefined) return [];
  const { items, selected = 0, count } = completion;
  const first = Math.max(0, Math.min(selected - height + 2, items.length - height));
  const shown = items.slice(first, first + height);
  const nameWidth = Math.min(Math.max(...shown.map(({ text }) => widthOf(text))), Math.floor(columns / 2));
  const more = count - shown.length;
  return shown.map(({ text, detail }, i) => {
    const isSelected = completion.selected === first + i;
    const name = fit(text, nameWidth);
    const label = ` ${name}${' '.repeat(nameWidth - widthOf(name))} `;
    const left: Row = [
      span(' '.repeat(PROMPT_WIDTH)),
      span(label, isSelected ? 'selected' : 'builtin'),
      span(` ${detail}`, 'dim'),
    ];
    const isLast = i === shown.length - 1;
    return isLast && more > 0 ? spread(left, rowOf(` ${more} more`, 'dim'), columns) : fitRow(left, columns);
  });
}

function hintRow(model: Model): Row {
  if (model.message !== '') return rowOf(` ${model.message.split('\n')[0]!}`, 'warning');
  if (model.search !== undefined) return rowOf(' Ctrl-R: older   Enter: take it   Esc: back', 'dim');
  const hint = hintAt(model);
  if (hint !== undefined) return [span(` ${hint.before}`), span(hint.strong, 'strong'), span(hint.after, 'note')];
  return rowOf(` ${tips(model)}`, 'dim');
}

function tips({ attached, editor, isPaused }: Model): string {
  if (attached.length > 0 && editor.text === '')
    return `Space ${isPaused ? 'go on' : 'pause'} · n step · + - speed · Ctrl-C end · F7 irqs · F8 CPUs · F1 help`;
  if (editor.text !== '') return 'Enter run · Alt-Enter new line · Tab complete · F4 bytecode · F1 help';
  return 'Tab complete · Up recall · Ctrl-R search · F1 help · Ctrl-D leave';
}

function searchRows({ search, editor }: Model): ReturnType<typeof editorRows> {
  const query = search?.query ?? '';
  const label = `search: ${query}`;
  const failed = query !== '' && search?.found === undefined;
  const at = query === '' ? -1 : editor.text.indexOf(query);
  const rows = editor.text.split('\n').map((line): Row => [span('. ', 'dim'), span(line)]);
  const marked = at < 0 ? rows : markQuery(editor.text, at, query.length);
  return {
    rows: [[span(label, 'prompt'), span(failed ? '   nothing found' : '', 'error')], ...marked],
    cursor: { row: 0, column: widthOf(label) },
  };
}

function markQuery(text: string, at: number, length: number): readonly Row[] {
  let start = 0;
  return text.split('\n').map((line): Row => {
    const from = Math.max(0, Math.min(line.length, at - start));
    const to = Math.max(from, Math.min(line.length, at + length - start));
    start += line.length + 1;
    return [span('. ', 'dim'), span(line.slice(0, from)), span(line.slice(from, to), 'partner'), span(line.slice(to))];
  });
}
