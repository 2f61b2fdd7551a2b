import { command, linesOf, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';
import { pattern, patternMistake } from './text.ts';

/** Which lines a command of sed is for: one, the last, or those that match. */
type Address = { readonly line: number } | { readonly isLast: true } | { readonly matches: RegExp };
interface Edit {
  readonly from: Address | null;
  readonly to: Address | null;
  readonly isNegated: boolean;
  readonly letter: string;
  /** Of `s`. */
  readonly search: RegExp | null;
  readonly replacement: string;
  /** Which of the matches: 1 for the first. */
  readonly nth: number;
  readonly printsChanged: boolean;
}
class Mistake extends Error {}
const LETTERS = 'pdq=s';

/** A script of sed, as much of it as one-liners use: addresses, ranges, `!`, and the commands p d q = s. */
class Script {
  private readonly text: string;
  private readonly options: ReadonlyMap<string, string>;
  private at = 0;
  constructor(text: string, options: ReadonlyMap<string, string>) {
    this.text = text;
    this.options = options;
  }
  edits(): readonly Edit[] {
    const found: Edit[] = [];
    for (;;) {
      this.skip(/[\s;]*/y);
      if (this.at >= this.text.length) return found;
      found.push(this.edit());
    }
  }
  private edit(): Edit {
    const from = this.address();
    const to = from !== null && this.skip(/\s*,\s*/y) !== '' ? this.address() : null;
    const isNegated = this.skip(/\s*!\s*/y) !== '';
    this.skip(/\s*/y);
    const letter = this.text[this.at];
    if (letter === undefined) throw this.mistake('missing command');
    this.at += 1;
    if (!LETTERS.includes(letter)) throw this.mistake(`unknown command: \`${letter}'`);
    const plain = { from, to, isNegated, letter, search: null, replacement: '', nth: 1, printsChanged: false };
    if (letter === 's') return { ...plain, ...this.substitution() };
    this.skip(/[ \t]*/y);
    if (!/^[\n;]?$/.test(this.text[this.at] ?? '')) throw this.mistake('extra characters after command');
    return plain;
  }
  private substitution(): Pick<Edit, 'search' | 'replacement' | 'nth' | 'printsChanged'> {
    const mark = this.text[this.at] ?? '';
    this.at += 1;
    const [search, replacement] = [this.until(mark), this.until(mark)];
    if (mark === '' || search === undefined || replacement === undefined)
      throw this.mistake("unterminated `s' command");
    const flags = this.skip(/[gpiI\d]*/y);
    const options = new Map(this.options);
    if (/i/i.test(flags)) options.set('i', '');
    const source = this.expression(search, options);
    return {
      search: new RegExp(source.source, `${source.flags}g`),
      replacement,
      nth: flags.includes('g') ? 0 : Number(/\d+/.exec(flags)?.[0] ?? 1),
      printsChanged: flags.includes('p'),
    };
  }
  private address(): Address | null {
    const number = this.skip(/\d+/y);
    if (number !== '') return { line: Number(number) };
    if (this.skip(/\$/y) !== '') return { isLast: true };
    if (this.skip(/\//y) === '') return null;
    const text = this.until('/');
    if (text === undefined) throw this.mistake('unterminated address regex');
    return { matches: this.expression(text, this.options) };
  }
  private expression(text: string, options: ReadonlyMap<string, string>): RegExp {
    try {
      return pattern(text, new Map([...options].map(([letter, value]) => [letter === 'r' ? 'E' : letter, value])));
    } catch (error) {
      throw this.mistake(patternMistake((error as SyntaxError).message));
    }
  }
  /** Text up to a mark, which a backslash hides. */
  private until(mark: string): string | undefined {
    let text = '';
    for (; this.at < this.text.length; this.at += 1) {
      const c = this.text[this.at]!;
      if (c === mark) {
        this.at += 1;
        return text;
      }
      if (c === '\\' && this.at + 1 < this.text.length) {
        this.at += 1;
        text += this.text[this.at] === mark ? mark : `\\${this.text[this.at]!}`;
      } else text += c;
    }
    return undefined;
  }
  private skip(expected: RegExp): string {
    expected.lastIndex = this.at;
    const text = expected.exec(this.text)?.[0] ?? '';
    this.at += text.length;
    return text;
  }
  private mistake(message: string): Mistake {
    return new Mistake(`-e expression #1, char ${this.at}: ${message}`);
  }
}

/** `&`, `\1`, `\n` and plain text of a replacement. */
function replaced(template: string, match: readonly (string | undefined)[]): string {
  return template.replace(/\\(.)|&/gs, (all, escaped: string | undefined) => {
    if (all === '&') return match[0] ?? '';
    if (/\d/.test(escaped!)) return match[Number(escaped)] ?? '';
    return escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped!;
  });
}
function substitute({ search, replacement, nth }: Edit, line: string): string {
  let count = 0;
  return line.replace(search!, (...parts: unknown[]) => {
    count += 1;
    const end = parts.findIndex((part) => typeof part === 'number');
    const match = parts.slice(0, end) as (string | undefined)[];
    return nth === 0 || count === nth ? replaced(replacement, match) : match[0]!;
  });
}

export const SED: MakeCommand = command('sed', function* (c, args) {
  const { options, operands } = readOptions(args, 'e');
  if (yield* c.refusesOptions(options, 'neEr')) return 1;
  const [first, ...rest] = operands;
  const text = options.get('e') ?? first;
  if (text === undefined) return yield* c.complain('usage: sed [-nEr] [-e SCRIPT | SCRIPT] [FILE]...');
  let edits: readonly Edit[];
  try {
    edits = new Script(text, options).edits();
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return yield* c.complain(error.message);
  }
  const input = yield* c.input(options.has('e') ? operands : rest);
  const lines = linesOf(input.text);
  const open = new Set<Edit>();
  const hits = (address: Address, i: number, line: string): boolean =>
    'line' in address
      ? address.line === i + 1
      : 'matches' in address
        ? address.matches.test(line)
        : i + 1 === lines.length;
  const applies = (edit: Edit, i: number, line: string): boolean => {
    const { from, to } = edit;
    if (from === null) return true;
    if (to === null) return hits(from, i, line);
    if (!open.has(edit)) {
      if (!hits(from, i, line)) return false;
      if (!('line' in to && to.line <= i + 1)) open.add(edit);
      return true;
    }
    if (hits(to, i, line)) open.delete(edit);
    return true;
  };
  let output = '';
  for (const [i, original] of lines.entries()) {
    let line = original;
    let isDeleted = false;
    let isOver = false;
    for (const edit of edits) {
      if (applies(edit, i, line) === edit.isNegated) continue;
      const before = line;
      if (edit.letter === 's') line = substitute(edit, line);
      if (edit.letter === 'p' || (edit.printsChanged && line !== before)) output += `${line}\n`;
      if (edit.letter === '=') output += `${i + 1}\n`;
      if (edit.letter === 'd') isDeleted = true;
      if (edit.letter === 'q') isOver = true;
      if (isDeleted || isOver) break;
    }
    if (!isDeleted && !options.has('n')) output += `${line}\n`;
    if (isOver) break;
  }
  yield* c.print(output);
  return input.status;
});
