import { BRACKETS_TOO_DEEP, deepBracket } from './brackets.ts';
import { Conditionals } from './conditionals.ts';
import { evaluateConstant } from './constant-expression.ts';
import { expandMacros } from './macros.ts';
import type { CMacro, MacroTable } from './macros.ts';
import type { CMessage } from './messages.ts';
import { tokenize } from './tokens.ts';
import type { CToken } from './tokens.ts';

export interface PreprocessInput {
  /** Read one behind the other. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Text of a header, or undefined when there is none of that name. */
  readonly include: (name: string, quoted: boolean) => string | undefined;
  /** `-D`: object-like macros. */
  readonly defines: Readonly<Record<string, string>>;
}

export interface Preprocessed {
  /** Without newlines. */
  readonly tokens: readonly CToken[];
  /** Every definition in the order met, also those undefined again later. */
  readonly definitions: readonly CMacro[];
  readonly messages: readonly CMessage[];
}

/** clang gives up at this depth, too. */
const MAX_INCLUDE_DEPTH = 200;

/** As much as macros may make of a preamble; beyond it the text is refused. */
const MAX_EXPANDED_TOKENS = 100_000;

/** Runs the C preprocessor over a text and what it includes. */
export function preprocess(input: PreprocessInput): Preprocessed {
  return new Preprocessor(input).run();
}

/** What stands on a line behind `#` and the directive's name. */
interface Directive {
  readonly hash: CToken;
  readonly keyword: CToken;
  readonly rest: readonly CToken[];
  readonly file: string;
  readonly depth: number;
}

class Preprocessor {
  readonly #input: PreprocessInput;
  readonly #macros: MacroTable = { defined: new Map(), budget: MAX_EXPANDED_TOKENS };
  readonly #definitions: CMacro[] = [];
  readonly #messages: CMessage[] = [];
  readonly #output: CToken[] = [];
  readonly #once = new Set<string>();
  #stopped = false;

  constructor(input: PreprocessInput) {
    this.#input = input;
  }

  run(): Preprocessed {
    for (const [name, value] of Object.entries(this.#input.defines)) {
      const [nameToken, ...body] = tokenize(`${name} ${value}`, '<command line>');
      const macro = { name: nameToken!, variadic: false, body: body.filter((token) => token.kind !== 'newline') };
      this.#macros.defined.set(name, macro);
    }
    for (const { name, text } of this.#input.files) this.#file(text, name, 0);
    const tokens = this.#output;
    if (this.#macros.budget <= 0)
      this.#report('fatal error', 'macros expand to too many tokens', tokens[0] ?? { file: '', line: 1, column: 1 });
    this.#checkBrackets(tokens);
    return { tokens, definitions: this.#definitions, messages: this.#messages };
  }

  #report(severity: CMessage['severity'], text: string, at: CMessage['at']): void {
    this.#messages.push({ severity, text, at });
    if (severity === 'fatal error') this.#stopped = true;
  }

  #checkBrackets(tokens: readonly CToken[]): boolean {
    const tooDeep = deepBracket(tokens);
    if (tooDeep !== undefined) this.#report('fatal error', BRACKETS_TOO_DEEP, tooDeep);
    return tooDeep === undefined;
  }

  #file(text: string, file: string, depth: number): void {
    if (this.#stopped) return;
    const tokens = tokenize(text, file);
    const conditionals = new Conditionals();
    // Plain text is expanded in runs, because a macro call may span lines.
    let pending: CToken[] = [];
    const flush = (): void => {
      if (!this.#checkBrackets(pending)) return;
      for (const token of expandMacros(pending, this.#macros)) this.#output.push(token);
      pending = [];
    };
    for (let at = 0; at < tokens.length && !this.#stopped;) {
      let end = at;
      while (tokens[end]!.kind !== 'newline') end++;
      const line = tokens.slice(at, end);
      at = end + 1;
      if (line[0]?.text !== '#') {
        if (conditionals.active) for (const token of line) pending.push(token);
        continue;
      }
      flush();
      const [hash, keyword, ...rest] = line;
      if (keyword !== undefined) this.#directive({ hash: hash!, keyword, rest, file, depth }, conditionals);
    }
    flush();
    const open = conditionals.unterminated;
    if (open !== undefined && !this.#stopped) this.#report('error', 'unterminated conditional directive', open);
  }

  #directive(directive: Directive, conditionals: Conditionals): void {
    const { hash, keyword, rest } = directive;
    const conditional = CONDITIONALS.get(keyword.text);
    if (conditional !== undefined) {
      const wrong = conditional(conditionals, hash, {
        isTrue: () => this.#condition(rest, hash),
        isDefined: () => this.#macros.defined.has(rest[0]?.text ?? ''),
        isUndefined: () => !this.#macros.defined.has(rest[0]?.text ?? ''),
      });
      if (wrong !== undefined) this.#report('error', wrong, hash);
      return;
    }
    if (!conditionals.active) return;
    switch (keyword.text) {
      case 'define':
        return this.#define(directive);
      case 'undef':
        if (rest[0] !== undefined) this.#macros.defined.delete(rest[0].text);
        return;
      case 'include':
      case 'include_next':
      case 'import':
        return this.#include(directive);
      case 'pragma':
        if (rest[0]?.text === 'once') this.#once.add(directive.file);
        return;
      case 'error':
        return this.#report('error', spell(rest), keyword);
      case 'warning':
        return this.#report('warning', `${spell(rest)} [-W#warnings]`, keyword);
      case 'line':
      case 'ident':
        return;
      default:
        return this.#report('error', 'invalid preprocessing directive', keyword);
    }
  }

  #define({ keyword, rest }: Directive): void {
    const [name, ...after] = rest;
    if (name === undefined) return this.#report('error', 'macro name missing', keyword);
    if (name.kind !== 'identifier') return this.#report('error', 'macro name must be an identifier', name);
    const macro =
      after[0]?.text === '(' && !after[0].spaced ? functionLike(name, after) : { name, variadic: false, body: after };
    if (macro === undefined) return this.#report('error', "expected ')' in macro parameter list", name);
    const previous = this.#macros.defined.get(name.text);
    if (previous !== undefined && spell(previous.body) !== spell(macro.body)) {
      this.#report('warning', `'${name.text}' macro redefined [-Wmacro-redefined]`, name);
      this.#report('note', 'previous definition is here', previous.name);
    }
    this.#macros.defined.set(name.text, macro);
    this.#definitions.push(macro);
  }

  #include({ keyword, rest, depth }: Directive): void {
    const words = rest[0]?.kind === 'identifier' ? expandMacros(rest, this.#macros) : rest;
    const [first] = words;
    const quoted = first?.kind === 'string';
    const close = words.findIndex((token) => token.text === '>');
    if (first === undefined || (!quoted && (first.text !== '<' || close === -1)))
      return this.#report('error', 'expected "FILENAME" or <FILENAME>', first ?? keyword);
    const name = quoted ? first.text.slice(1, -1) : joined(words.slice(1, close));
    if (this.#once.has(name)) return;
    if (depth >= MAX_INCLUDE_DEPTH) return this.#report('fatal error', '#include nested too deeply', first);
    const text = this.#input.include(name, quoted);
    if (text === undefined) return this.#report('fatal error', `'${name}' file not found`, first);
    this.#file(text, name, depth + 1);
  }

  #condition(tokens: readonly CToken[], hash: CToken): boolean {
    const asked = this.#answerQueries(tokens);
    if (asked.length === 0) {
      this.#report('error', 'expected value in expression', hash);
      return false;
    }
    const expanded = expandMacros(asked, this.#macros);
    if (!this.#checkBrackets(expanded) || this.#stopped) return false;
    const result = evaluateConstant(expanded, { value: () => 0n });
    if (result.ok) return result.value !== 0n;
    this.#report('error', result.text, result.at ?? hash);
    return false;
  }

  /** `defined(X)` and its like become 0 or 1 before macros are expanded. */
  #answerQueries(tokens: readonly CToken[]): CToken[] {
    const answered: CToken[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      const query = this.#queries.get(token.text);
      if (query === undefined) {
        answered.push(token);
        continue;
      }
      const parenthesised = tokens[i + 1]?.text === '(';
      const close = parenthesised ? tokens.findIndex((each, j) => j > i && each.text === ')') : i + 1;
      const words = tokens.slice(i + 1, close + 1).filter(({ text }) => text !== '(' && text !== ')');
      answered.push({ ...token, kind: 'number', text: query(words) ? '1' : '0' });
      i = close === -1 ? tokens.length : close;
    }
    return answered;
  }

  readonly #queries: ReadonlyMap<string, (words: readonly CToken[]) => boolean> = new Map([
    ['defined', (words: readonly CToken[]) => this.#macros.defined.has(words[0]?.text ?? '')],
    ['__has_include', (words: readonly CToken[]) => this.#hasHeader(joined(words))],
    ['__has_attribute', (words: readonly CToken[]) => KNOWN_ATTRIBUTES.has(words[0]?.text ?? '')],
    ['__has_builtin', () => false],
    ['__has_feature', () => false],
  ]);

  #hasHeader(text: string): boolean {
    return this.#input.include(text.replace(/^[<"]|[>"]$/g, ''), text.startsWith('"')) !== undefined;
  }
}

interface Questions {
  readonly isTrue: () => boolean;
  readonly isDefined: () => boolean;
  readonly isUndefined: () => boolean;
}

/** Directives that text hangs on; they count where nothing is taken, too. They return what is wrong. */
const CONDITIONALS: ReadonlyMap<string, (open: Conditionals, hash: CToken, asks: Questions) => string | undefined> =
  new Map([
    ['if', (open: Conditionals, hash: CToken, asks: Questions) => open.begin(hash, asks.isTrue)],
    ['ifdef', (open, hash, asks) => open.begin(hash, asks.isDefined)],
    ['ifndef', (open, hash, asks) => open.begin(hash, asks.isUndefined)],
    ['elif', (open, _hash, asks) => open.otherwise('elif', asks.isTrue)],
    ['elifdef', (open, _hash, asks) => open.otherwise('elifdef', asks.isDefined)],
    ['elifndef', (open, _hash, asks) => open.otherwise('elifndef', asks.isUndefined)],
    ['else', (open) => open.otherwise('else')],
    ['endif', (open) => open.end()],
  ]);

function functionLike(name: CToken, after: readonly CToken[]): CMacro | undefined {
  const close = after.findIndex((token) => token.text === ')');
  if (close === -1) return undefined;
  const words = after.slice(1, close).filter((token) => token.text !== ',');
  const variadic = words.at(-1)?.text === '...';
  const parameters = (variadic ? words.slice(0, -1) : words).map((token) => token.text);
  return { name, parameters, variadic, body: after.slice(close + 1) };
}

/** Tokens as written, but with one space where there was any. */
function spell(tokens: readonly CToken[]): string {
  return tokens.map((token, i) => (i > 0 && token.spaced ? ' ' : '') + token.text).join('');
}

const joined = (tokens: readonly CToken[]): string => tokens.map(({ text }) => text).join('');

const KNOWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'packed',
  'aligned',
  '__packed__',
  '__aligned__',
  'preserve_access_index',
]);
