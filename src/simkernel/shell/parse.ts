import type { Command, Redirect, Script, Statement, Word, WordPart } from './syntax.ts';

/** What is wrong with a script; `incomplete` when more lines could still mend it. */
export class SyntaxMistake extends Error {
  readonly incomplete: boolean;
  constructor(message: string, incomplete: boolean) {
    super(message);
    this.incomplete = incomplete;
  }
}
const unfinished = (): SyntaxMistake => new SyntaxMistake('syntax error: unexpected end of file', true);

const OPERATORS = ['&&', '||', ';;', '>>', '>&', '<<', '\n', ';', '&', '|', '<', '>', '(', ')'] as const;
const RESERVED_ENDS = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', '}']);

/** A recursive-descent parser of the shell's command language, as much of it as a course writes. */
class Parser {
  private readonly text: string;
  private at = 0;
  constructor(text: string) {
    this.text = text;
  }
  script(ends: (word: string) => boolean = () => false): Script {
    const statements: Statement[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.text.length) return statements;
      if (this.text[this.at] === ')' || ends(this.peekWord())) return statements;
      const start = this.at;
      const command = this.chain();
      const text = this.text.slice(start, this.at).trim();
      const background = this.operator() === '&';
      if (background || this.operator() === ';') this.at += 1;
      else if (this.at < this.text.length && this.operator() !== '\n' && this.text[this.at] !== ')')
        throw new SyntaxMistake(`syntax error near unexpected token \`${this.operator() ?? this.peekWord()}'`, false);
      statements.push({ command, background, text });
    }
  }
  private blanks(): void {
    for (;;) {
      while (/[ \t]/.test(this.text[this.at] ?? '') || this.text.startsWith('\\\n', this.at))
        this.at += this.text[this.at] === '\\' ? 2 : 1;
      if (this.text[this.at] !== '#') return;
      while (this.at < this.text.length && this.text[this.at] !== '\n') this.at += 1;
    }
  }
  private newlines(): void {
    this.blanks();
    while (this.text[this.at] === '\n' || this.text[this.at] === ';') {
      this.at += 1;
      this.blanks();
    }
  }
  private lineBreaks(): void {
    for (this.blanks(); this.text[this.at] === '\n'; this.blanks()) this.at += 1;
  }
  private operator(): string | undefined {
    this.blanks();
    return OPERATORS.find((op) => this.text.startsWith(op, this.at));
  }
  private peekWord(): string {
    this.blanks();
    return /^[^\s;&|<>()"'$`]+/.exec(this.text.slice(this.at, this.at + 64))?.[0] ?? '';
  }
  private take(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.at += word.length;
    return true;
  }
  private expect(word: string): void {
    this.newlines();
    if (this.take(word)) return;
    if (this.at >= this.text.length) throw unfinished();
    throw new SyntaxMistake(`syntax error near unexpected token \`${this.peekWord()}'`, false);
  }
  private chain(): Command {
    let left = this.pipeline();
    for (;;) {
      const op = this.operator();
      if (op !== '&&' && op !== '||') return left;
      this.at += 2;
      this.lineBreaks();
      if (this.at >= this.text.length) throw unfinished();
      left = { kind: 'chain', op, left, right: this.pipeline() };
    }
  }
  private pipeline(): Command {
    const negated = this.take('!');
    const stages = [this.command()];
    while (this.operator() === '|') {
      this.at += 1;
      this.lineBreaks();
      if (this.at >= this.text.length) throw unfinished();
      stages.push(this.command());
    }
    return stages.length === 1 && !negated ? stages[0]! : { kind: 'pipeline', stages, negated };
  }
  private command(): Command {
    this.blanks();
    if (this.operator() === '(') {
      this.at += 1;
      const body = this.script();
      this.newlines();
      if (this.text[this.at] !== ')') throw unfinished();
      this.at += 1;
      return { kind: 'group', body, redirects: this.redirects(), isSubshell: true };
    }
    if (this.take('{')) {
      const body = this.script((word) => word === '}');
      this.expect('}');
      return { kind: 'group', body, redirects: this.redirects(), isSubshell: false };
    }
    if (this.take('for')) return this.redirected(this.forLoop());
    if (this.take('while')) return this.redirected(this.whileLoop(false));
    if (this.take('until')) return this.redirected(this.whileLoop(true));
    if (this.take('if')) return this.redirected(this.ifCommand());
    return this.simple();
  }
  /** `done > file`: the whole loop writes there. */
  private redirected(command: Command): Command {
    const redirects = this.redirects();
    if (redirects.length === 0) return command;
    return { kind: 'group', body: [{ command, background: false, text: '' }], redirects, isSubshell: false };
  }
  private body(): Script {
    this.expect('do');
    const body = this.script((word) => word === 'done');
    this.expect('done');
    return body;
  }
  private forLoop(): Command {
    const name = this.peekWord();
    this.at += name.length;
    const items: Word[] = [];
    if (this.take('in')) for (let word = this.word(); word !== undefined; word = this.word()) items.push(word);
    this.newlines();
    return { kind: 'for', name, items, body: this.body() };
  }
  private whileLoop(until: boolean): Command {
    const test = this.script((word) => word === 'do');
    return { kind: 'while', test, until, body: this.body() };
  }
  private ifCommand(): Command {
    const test = this.script((word) => word === 'then');
    this.expect('then');
    const yes = this.script((word) => RESERVED_ENDS.has(word));
    this.newlines();
    if (this.take('elif')) {
      const nested: Statement = { command: this.ifCommand(), background: false, text: '' };
      return { kind: 'if', test, yes, no: [nested] };
    }
    const no = this.take('else') ? this.script((word) => word === 'fi') : [];
    this.expect('fi');
    return { kind: 'if', test, yes, no };
  }
  private redirects(): Redirect[] {
    const found: Redirect[] = [];
    for (let next = this.redirect(); next !== undefined; next = this.redirect()) found.push(next);
    return found;
  }
  private redirect(): Redirect | undefined {
    this.blanks();
    const match = /^(\d?)(>>|>&|<|>)/.exec(this.text.slice(this.at, this.at + 4));
    if (match === null || this.text.startsWith('<<', this.at)) return undefined;
    this.at += match[0].length;
    const kind = match[2] as Redirect['kind'];
    const target = this.word();
    if (target === undefined) throw unfinished();
    return { fd: match[1] === '' ? (kind === '<' ? 0 : 1) : Number(match[1]), kind, target };
  }
  private simple(): Command {
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      const redirect = this.redirect();
      if (redirect !== undefined) {
        redirects.push(redirect);
        continue;
      }
      const assignment = words.length > 0 ? null : /^([A-Za-z_]\w*)=/.exec(this.text.slice(this.at));
      if (assignment !== null) {
        this.at += assignment[0].length;
        const value = /[\s;&|]/.test(this.text[this.at] ?? ' ') ? [] : (this.word() ?? []);
        assignments.push({ name: assignment[1]!, value });
        continue;
      }
      const word = this.word();
      if (word === undefined) break;
      words.push(word);
    }
    if (words.length + assignments.length + redirects.length === 0)
      throw new SyntaxMistake(`syntax error near unexpected token \`${this.operator() ?? 'newline'}'`, false);
    return { kind: 'simple', assignments, words, redirects };
  }
  private word(): Word | undefined {
    this.blanks();
    const parts: WordPart[] = [];
    let plain = '';
    const flush = (): void => {
      if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: false });
      plain = '';
    };
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined || /[\s;&|<>()]/.test(c)) break;
      if (c === '\\') {
        flush();
        parts.push({ kind: 'text', text: this.text[this.at + 1] ?? '', quoted: true });
        this.at += 2;
      } else if (c === "'") {
        flush();
        const end = this.text.indexOf("'", this.at + 1);
        if (end < 0) throw unfinished();
        parts.push({ kind: 'text', text: this.text.slice(this.at + 1, end), quoted: true });
        this.at = end + 1;
      } else if (c === '"') {
        flush();
        this.doubleQuoted(parts);
      } else if (c === '$' || c === '`') {
        flush();
        parts.push(this.dollar(false));
      } else {
        plain += c;
        this.at += 1;
      }
    }
    flush();
    return parts.length === 0 ? undefined : parts;
  }
  private doubleQuoted(parts: WordPart[]): void {
    let text = '';
    // An empty pair of quotes is a word, too.
    const flush = (): void => void parts.push({ kind: 'text', text, quoted: true });
    this.at += 1;
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) throw unfinished();
      if (c === '"') break;
      if (c === '\\' && /["\\$`]/.test(this.text[this.at + 1] ?? '')) {
        text += this.text[this.at + 1]!;
        this.at += 2;
      } else if ((c === '$' && /[\w({?$!#@]/.test(this.text[this.at + 1] ?? '')) || c === '`') {
        flush();
        text = '';
        parts.push(this.dollar(true));
      } else {
        text += c;
        this.at += 1;
      }
    }
    this.at += 1;
    flush();
  }
  /** `$name`, `${name}`, `$(command)`, `$((1 + 2))`, `` `command` `` */
  private dollar(quoted: boolean): WordPart {
    if (this.text[this.at] === '`') {
      const end = this.text.indexOf('`', this.at + 1);
      if (end < 0) throw unfinished();
      const script = parseScript(this.text.slice(this.at + 1, end));
      this.at = end + 1;
      return { kind: 'command', script, quoted };
    }
    const rest = this.text.slice(this.at);
    const arithmetic = /^\$\(\(((?:[^()]|\([^()]*\))*)\)\)/.exec(rest);
    if (arithmetic !== null) {
      this.at += arithmetic[0].length;
      return { kind: 'arithmetic', text: arithmetic[1]!, quoted };
    }
    if (rest.startsWith('$(')) {
      this.at += 2;
      const script = this.script();
      this.newlines();
      if (this.text[this.at] !== ')') throw unfinished();
      this.at += 1;
      return { kind: 'command', script, quoted };
    }
    const name = /^\$(?:\{(\w+|[?$!#@])\}|([A-Za-z_]\w*|[0-9?$!#@]))/.exec(rest);
    if (name === null) {
      this.at += 1;
      return { kind: 'text', text: '$', quoted: true };
    }
    this.at += name[0].length;
    return { kind: 'variable', name: name[1] ?? name[2]!, quoted };
  }
}

/** Reads a script; throws a SyntaxMistake. */
export function parseScript(text: string): Script {
  const parser = new Parser(text);
  return parser.script();
}
