import type { TextProps } from 'ink';
import type { Style } from '../screen/row.ts';

type Look = Pick<TextProps, 'color' | 'backgroundColor' | 'bold' | 'dimColor' | 'inverse' | 'underline' | 'italic'>;

/** What each style looks like: the terminal's own sixteen colours, so that its theme decides. */
const THEME: Record<Style, Look> = {
  plain: {},
  dim: { dimColor: true },
  strong: { bold: true },
  title: { inverse: true },
  prompt: { color: 'cyan', bold: true },
  selected: { inverse: true },
  error: { color: 'red' },
  warning: { color: 'yellow' },
  note: { dimColor: true, italic: true },
  probe: { color: 'magenta' },
  keyword: { color: 'blue', bold: true },
  builtin: { color: 'cyan' },
  function: { color: 'blue' },
  field: { color: 'cyan' },
  variable: { color: 'green' },
  map: { color: 'yellow' },
  number: { color: 'green' },
  string: { color: 'red' },
  comment: { dimColor: true },
  definition: { color: 'magenta' },
  partner: { bold: true, underline: true },
  bar: { color: 'blue' },
  user: { color: 'green' },
  kernel: { color: 'red' },
  irq: { color: 'magenta' },
  softirq: { color: 'yellow' },
  iowait: { color: 'cyan' },
  current: { color: 'cyan' },
};

/** Without colours weight and underlines stay. */
export function lookOf(style: Style, isColored: boolean): Look {
  const { color, backgroundColor, ...rest } = THEME[style];
  return isColored ? { ...rest, ...(color && { color }), ...(backgroundColor && { backgroundColor }) } : rest;
}
