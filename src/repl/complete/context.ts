import { classify, type ClassifiedToken } from '../../pipeline/highlight.ts';
import type { Unfinished } from '../../pipeline/members.ts';

/** What may be completed at a place of a text. `from` is where the completed word begins. */
export type CompletionContext =
  | { readonly kind: 'none' }
  /** An attach point: `kprobe:vfs_` */
  | { readonly kind: 'probe'; readonly from: number; readonly text: string }
  | {
      readonly kind: 'word' | 'variable' | 'map' | 'config' | 'struct';
      readonly from: number;
      readonly prefix: string;
    }
  /** Behind `.` or `->`: ways to read the script up to there, the best first. */
  | {
      readonly kind: 'member';
      readonly from: number;
      readonly prefix: string;
      readonly readings: readonly Unfinished[];
    }
  | { readonly kind: 'command'; readonly from: number; readonly words: readonly string[] };

const NONE: CompletionContext = { kind: 'none' };
/** Stands for the letter that would be typed next: it makes a word of whatever is there. */
const NEXT_LETTER = 'x';
const AGGREGATES: ReadonlySet<string> = new Set(['struct', 'union', 'enum']);

export function completionContext(text: string, cursor: number): CompletionContext {
  const typed = text.slice(0, cursor);
  if (/^\s*:/.test(typed)) return commandContext(typed);
  const tokens = classify(typed + NEXT_LETTER);
  const last = tokens.at(-1);
  if (last === undefined || last.end !== cursor + 1) return NONE;
  const prefix = typed.slice(last.start);
  switch (last.class) {
    case 'probe':
      return { kind: 'probe', from: last.start, text: prefix };
    case 'variable':
    case 'map':
      return { kind: last.class, from: last.start, prefix };
    case 'field':
      return { kind: 'member', from: last.start, prefix, readings: readingsOf(typed, tokens.slice(0, -2)) };
    case 'word':
    case 'builtin':
    case 'function':
    case 'keyword':
      if (AGGREGATES.has(tokens.at(-2)?.text ?? '')) return { kind: 'struct', from: last.start, prefix };
      return { kind: inConfig(tokens) ? 'config' : 'word', from: last.start, prefix };
    default:
      return NONE;
  }
}

function commandContext(typed: string): CompletionContext {
  const words = typed.trimStart().split(/\s+/);
  return { kind: 'command', from: typed.length - words.at(-1)!.length, words };
}

function inConfig(tokens: readonly ClassifiedToken[]): boolean {
  const item = tokens.findLast(({ class: found, text }) => found === 'probe' || text === 'config');
  return item?.text === 'config' && item.class === 'keyword';
}

const OPENS: Readonly<Record<string, string>> = { ')': '(', ']': '[' };

/** Where the operand that ends with the last token begins: `((struct file *)arg0)->f_path`, `@m[1, 2]`, `$a.b`. */
function operandStart(tokens: readonly ClassifiedToken[]): number {
  let at = tokens.length - 1;
  for (;;) {
    const closed = OPENS[tokens[at]?.text ?? ''];
    if (closed !== undefined) {
      const close = tokens[at]!.text;
      let depth = 0;
      for (; at >= 0; at--) {
        if (tokens[at]!.text === close) depth++;
        else if (tokens[at]!.text === closed && --depth === 0) break;
      }
      // What an index or a call belongs to.
      const before = tokens[at - 1]?.class;
      if (before === 'map' || before === 'variable' || before === 'field' || before === 'function' || before === 'word')
        at--;
    }
    if (tokens[at - 1]?.text === '.' || tokens[at - 1]?.text === '->') at -= 2;
    else return Math.max(at, 0);
  }
}

/** The script up to the statement of the operand: with all that stands before, then with its own probe only. */
function readingsOf(typed: string, tokens: readonly ClassifiedToken[]): readonly Unfinished[] {
  const last = tokens.at(-1);
  if (last === undefined) return [];
  const start = operandStart(tokens);
  const expression = typed.slice(tokens[start]!.start, last.end);
  let item = start;
  while (item > 0 && !(tokens[item]!.class === 'probe' && tokens[item - 1]!.text !== ',')) item--;
  let statement = start;
  while (statement > item && !/^[{};]$/.test(tokens[statement - 1]!.text)) statement--;
  // In a predicate there is no brace yet.
  const hasBody = statement > item;
  const lastName = tokens.slice(item, start).findLastIndex(({ class: found }) => found === 'probe') + item;
  const end = hasBody ? tokens[statement - 1]!.end : tokens[lastName]!.end;
  const depth = tokens
    .slice(item, statement)
    .reduce((sum, { text }) => sum + (text === '{' ? 1 : text === '}' ? -1 : 0), 0);
  const open = hasBody ? depth : 1;
  const brace = hasBody ? '' : ' {';
  const begin = tokens[item]!.start;
  return [typed.slice(0, end), definitionsOf(typed.slice(0, begin)) + typed.slice(begin, end)].map((before) => ({
    before: before + brace,
    open,
    expression,
  }));
}

/** What other probes leave when only types and constants of a script count. */
function definitionsOf(text: string): string {
  return classify(text)
    .filter((token) => token.class === 'definition')
    .map((token) => `${token.text}\n`)
    .join('');
}
