import type { LineKind, Model, TranscriptLine } from './model.ts';

const MOST_LINES = 5000;

/** Sequences that would move the terminal's cursor or ring its bell. */
const CONTROL_SEQUENCES = /\u001b(?:\[[0-9;?]*[A-Za-z]|[^[])|[\u0000-\u0008\u000b-\u001f\u007f]/g;
const TAB_WIDTH = 8;

function expandTabs(line: string): string {
  let text = '';
  for (const letter of line) text += letter === '\t' ? ' '.repeat(TAB_WIDTH - (text.length % TAB_WIDTH)) : letter;
  return text;
}

/** Adds whole lines. */
export function say(model: Model, kind: LineKind, text: string): Model {
  return append(model, kind, text.endsWith('\n') ? text : `${text}\n`, undefined);
}

/** Adds what a script printed: a line that it left open is gone on with. */
export function append(model: Model, kind: LineKind, text: string, program: string | undefined): Model {
  if (text === '') return model;
  const lines = [...model.transcript];
  const parts = text.split('\n');
  // Text that ends with a line break leaves nothing open.
  const isOpen = parts.at(-1) !== '';
  if (!isOpen) parts.pop();
  parts.forEach((part, i) => {
    const clean = part.replace(CONTROL_SEQUENCES, '');
    const last = lines.at(-1);
    const goesOn = i === 0 && last?.isOpen === true && last.kind === kind && last.program === program;
    const line: TranscriptLine = {
      kind,
      text: expandTabs(goesOn ? last.text + clean : clean),
      ...(program === undefined ? {} : { program }),
      ...(isOpen && i === parts.length - 1 ? { isOpen: true } : {}),
    };
    if (goesOn) lines[lines.length - 1] = line;
    else lines.push(line);
  });
  return { ...model, transcript: lines.slice(-MOST_LINES) };
}
