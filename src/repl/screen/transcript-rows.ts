import { classify } from '../../pipeline/highlight.ts';
import { EXAMPLES } from '../model/examples.ts';
import type { LineKind, Model, TranscriptLine } from '../model/model.ts';
import { fitRow, rowOf, span, wrap, type Row, type Style } from './row.ts';

const STYLE_OF: Record<LineKind, Style> = {
  input: 'strong',
  output: 'plain',
  error: 'error',
  warning: 'warning',
  note: 'note',
};
/** Rows are only made of lines that may be seen. */
const SPARE = 4;

/** The end of what was said, or an earlier part when it is scrolled. */
export function transcriptRows(model: Model, columns: number, height: number): readonly Row[] {
  const { transcript, scroll } = model;
  if (transcript.length === 0) return model.attached.length === 0 ? welcome(columns, height) : [];
  const end = Math.max(Math.min(height, transcript.length), transcript.length - scroll);
  const rows = transcript.slice(Math.max(0, end - height - SPARE), end).flatMap((line) => lineRows(line, columns));
  return rows.slice(-height);
}

function lineRows({ kind, text, program }: TranscriptLine, columns: number): readonly Row[] {
  const label = kind === 'input' ? '> ' : program === undefined ? '' : `${program} │ `;
  const style = STYLE_OF[kind];
  return wrap(text, Math.max(8, columns - label.length)).map((piece, i): Row => {
    const front =
      label === '' ? [] : [span(i === 0 ? label : ' '.repeat(label.length), kind === 'input' ? 'prompt' : 'dim')];
    return [...front, ...rowOf(piece, style)];
  });
}

/** What somebody sees who has not written anything yet. */
function welcome(columns: number, height: number): readonly Row[] {
  const head: readonly Row[] = [
    [],
    [span('  bpftrace without a kernel', 'strong'), span(': write a script and press Enter. For example:')],
    [],
  ];
  const foot: readonly Row[] = [
    [],
    [
      span('  :examples N', 'builtin'),
      span(' to edit one, '),
      span('Tab', 'builtin'),
      span(' to complete, '),
      span('F1', 'builtin'),
      span(' for all keys and commands.'),
    ],
  ];
  const room = Math.floor((height - head.length - foot.length) / 2);
  const rows = [...head, ...exampleRows().slice(0, Math.max(0, room)).flat(), ...foot];
  return rows.map((row) => fitRow(row, columns)).slice(0, height);
}

let examples: readonly (readonly Row[])[] | undefined;

/** Always the same, and looked at with every key. */
function exampleRows(): readonly (readonly Row[])[] {
  return (examples ??= EXAMPLES.map(({ question, script }, i): readonly Row[] => [
    [span(`  ${i + 1}  `, 'number'), span(question, 'strong')],
    [span('     '), ...codeSpans(script.replace(/\s*\n\s*/g, ' '))],
  ]));
}

const CODE: Readonly<Partial<Record<string, Style>>> = {
  probe: 'probe',
  builtin: 'builtin',
  function: 'function',
  map: 'map',
  string: 'string',
  number: 'number',
};

function codeSpans(script: string): Row {
  let at = 0;
  const spans = classify(script).flatMap(({ start, end, class: found, text }) => {
    const gap = span(script.slice(at, start));
    at = end;
    return [gap, span(text, CODE[found] ?? 'plain')];
  });
  return spans.filter(({ text }) => text !== '');
}
