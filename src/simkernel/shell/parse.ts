import type { CaseBranch, Command, Redirect, Script, Statement, Word, WordPart } from './syntax.ts';

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
/** A here-document whose text is still to come, on the lines behind the one that asks for it. */
interface PendingDocument {
  readonly end: string;
  /** `<<-`: tabs in front of lines are for the reader. */
  readonly dropsTabs: boolean;
  readonly isQuoted: boolean;
  readonly target: WordPart[];
}
const RESERVED_ENDS = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', '}']);

/** A recursive-descent parser of the shell's command language, as much of it as a course writes. */
class Parser {
  private readonly text: string;
  private at = 0;
  private readonly documents: PendingDocument[] = [];
  constructor(text: string) {
    this.text = text;
  }
  whole(): Script {
    const script = this.script();
    if (this.at < this.text.length) throw this.unexpected();
    if (this.documents.length > 0) throw unfinished();
    return script;
  }
  private script(ends: (word: string) => boolean = () => false): Script {
    const statements: Statement[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.text.length) return statements;
      if (this.text[this.at] === ')' || this.text.startsWith(';;', this.at) || ends(this.peekWord())) return statements;
      const start = this.at;
      const command = this.chain();
      const text = this.text.slice(start, this.at).trim();
      const background = this.operator() === '&';
      const next = this.operator();
      if (background || next === ';') this.at += 1;
      else if (this.at < this.text.length && next !== '\n' && next !== ';;' && this.text[this.at] !== ')')
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
    while (this.text[this.at] === '\n' || (this.text[this.at] === ';' && this.text[this.at + 1] !== ';')) {
      this.step();
      this.blanks();
    }
  }
  private lineBreaks(): void {
    for (this.blanks(); this.text[this.at] === '\n'; this.blanks()) this.step();
  }
  /** Behind the end of a line stand the here-documents that it asked for. */
  private step(): void {
    const isLine = this.text[this.at] === '\n';
    this.at += 1;
    if (isLine) for (const document of this.documents.splice(0)) this.document(document);
  }
  private document({ end, dropsTabs, isQuoted, target }: PendingDocument): void {
    let text = '';
    for (;;) {
      if (this.at >= this.text.length) throw unfinished();
      const stop = this.text.indexOf('\n', this.at);
      const line = this.text.slice(this.at, stop < 0 ? this.text.length : stop);
      const shown = dropsTabs ? line.replace(/^\t+/, '') : line;
      this.at = stop < 0 ? this.text.length : stop + 1;
      if (shown === end) break;
      if (stop < 0) throw unfinished();
      text += `${shown}\n`;
    }
    if (isQuoted) target.push({ kind: 'text', text, quoted: true });
    else target.push(...expandableText(text));
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
    if (this.take('case')) return this.redirected(this.caseCommand());
    const name = /^(?:function[ \t]+([\w-]+)(?:[ \t]*\([ \t]*\))?|([A-Za-z_][\w-]*)[ \t]*\([ \t]*\))/.exec(
      this.text.slice(this.at),
    );
    if (name === null) return this.simple();
    this.at += name[0].length;
    this.lineBreaks();
    return { kind: 'function', name: name[1] ?? name[2]!, body: this.command() };
  }
  /** `case WORD in PATTERN) ... ;; esac` */
  private caseCommand(): Command {
    const subject = this.word();
    if (subject === undefined) throw unfinished();
    this.lineBreaks();
    this.expect('in');
    const branches: CaseBranch[] = [];
    for (this.newlines(); !this.take('esac'); this.newlines()) {
      if (this.at >= this.text.length) throw unfinished();
      if (this.text[this.at] === '(') this.at += 1;
      const patterns: Word[] = [];
      do {
        const word = this.word();
        if (word === undefined) throw this.unexpected();
        patterns.push(word);
      } while (this.skip('|'));
      if (!this.skip(')')) throw this.unexpected();
      const body = this.script((word) => word === 'esac');
      branches.push({ patterns, body });
      this.newlines();
      if (this.text.startsWith(';;', this.at)) this.at += 2;
    }
    return { kind: 'case', subject, branches };
  }
  private skip(mark: string): boolean {
    this.blanks();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }
  private unexpected(): SyntaxMistake {
    this.blanks();
    if (this.at >= this.text.length) return unfinished();
    const token = this.operator() ?? this.peekWord();
    return new SyntaxMistake(`syntax error near unexpected token \`${token === '\n' ? 'newline' : token}'`, false);
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
    const match = /^(\d?)(<<<|<<-?|>>|>&|<|>)/.exec(this.text.slice(this.at, this.at + 4));
    if (match === null) return undefined;
    this.at += match[0].length;
    const sign = match[2]!;
    const start = this.at;
    const target = this.word();
    if (target === undefined) throw this.unexpected();
    if (sign === '<<<') return { fd: 0, kind: '<<', target: [...target, { kind: 'text', text: '\n', quoted: true }] };
    if (sign.startsWith('<<')) {
      const text: WordPart[] = [];
      const end = target.map((part) => (part.kind === 'text' ? part.text : '')).join('');
      const isQuoted = /["'\\]/.test(this.text.slice(start, this.at));
      this.documents.push({ end, dropsTabs: sign === '<<-', isQuoted, target: text });
      return { fd: 0, kind: '<<', target: text };
    }
    const kind = sign as Redirect['kind'];
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
    this.at += 1;
    this.expandable(parts, '"');
    this.at += 1;
  }
  /** Text up to a mark or, in a here-document, the end, in which only `$`, `` ` `` and `\\` mean something. */
  expandable(parts: WordPart[], end: string | undefined): void {
    let text = '';
    const before = parts.length;
    // An empty pair of quotes is a word, too; "$@" is as many as it says.
    const flush = (): void => {
      if (text !== '' || parts.length === before) parts.push({ kind: 'text', text, quoted: true });
    };
    const escaped = end === undefined ? /[\\$`\n]/ : /["\\$`\n]/;
    for (;;) {
      const c = this.text[this.at];
      if (c === end) break;
      if (c === undefined) throw unfinished();
      if (c === '\\' && escaped.test(this.text[this.at + 1] ?? '')) {
        if (this.text[this.at + 1] !== '\n') text += this.text[this.at + 1]!;
        this.at += 2;
      } else if ((c === '$' && /[\w({?$!#@*]/.test(this.text[this.at + 1] ?? '')) || c === '`') {
        if (text !== '') flush();
        text = '';
        parts.push(this.dollar(true));
      } else {
        text += c;
        this.at += 1;
      }
    }
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
    const name = /^\$(?:\{(\w+|[?$!#@*])\}|([A-Za-z_]\w*|[0-9?$!#@*]))/.exec(rest);
    if (name === null) {
      this.at += 1;
      return { kind: 'text', text: '$', quoted: true };
    }
    this.at += name[0].length;
    return { kind: 'variable', name: name[1] ?? name[2]!, quoted };
  }
}

function expandableText(text: string): readonly WordPart[] {
  const parts: WordPart[] = [];
  new Parser(text).expandable(parts, undefined);
  return parts;
}

/** Reads a script; throws a SyntaxMistake. */
export function parseScript(text: string): Script {
  const parser = new Parser(text);
  return parser.whole();
}
