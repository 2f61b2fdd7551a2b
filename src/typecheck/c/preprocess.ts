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
/** clang's limit, too; it also bounds the recursion of our parsers. */
const MAX_BRACKET_DEPTH = 256;

interface Conditional {
  /** Tokens are taken. */
  active: boolean;
  /** An earlier branch was taken. */
  taken: boolean;
  /** The group around it is active. */
  readonly outer: boolean;
  seenElse: boolean;
  readonly start: CToken;
}

/** Runs the C preprocessor over a text and what it includes. */
export function preprocess(input: PreprocessInput): Preprocessed {
  const macros: MacroTable = { defined: new Map(), budget: MAX_EXPANDED_TOKENS };
  const definitions: CMacro[] = [];
  const messages: CMessage[] = [];
  const output: CToken[] = [];
  const once = new Set<string>();
  let stopped = false;
  const queries = new Map<string, (words: readonly CToken[]) => boolean>([
    ['defined', (words) => macros.defined.has(words[0]?.text ?? '')],
    ['__has_include', isHeader],
    ['__has_attribute', (words) => KNOWN_ATTRIBUTES.has(words[0]?.text ?? '')],
    ['__has_builtin', () => false],
    ['__has_feature', () => false],
  ]);

  const report = (severity: CMessage['severity'], text: string, at: CMessage['at']): void => {
    messages.push({ severity, text, at });
    if (severity === 'fatal error') stopped = true;
  };

  for (const [name, value] of Object.entries(input.defines)) {
    const [nameToken, ...body] = tokenize(`${name} ${value}`, '<command line>');
    macros.defined.set(name, {
      name: nameToken!,
      variadic: false,
      body: body.filter((token) => token.kind !== 'newline'),
    });
  }

  for (const { name, text } of input.files) run(text, name, 0);
  if (macros.budget <= 0)
    report('fatal error', 'macros expand to too many tokens', output[0] ?? { file: '', line: 1, column: 1 });
  const tooDeep = deepBracket(output);
  if (tooDeep !== undefined) report('fatal error', BRACKETS, tooDeep);
  return { tokens: output, definitions, messages };

  function run(text: string, file: string, depth: number): void {
    if (stopped) return;
    const tokens = tokenize(text, file);
    const conditionals: Conditional[] = [];
    const isActive = (): boolean => conditionals.at(-1)?.active ?? true;
    // Plain text is expanded in runs, because a macro call may span lines.
    let pending: CToken[] = [];
    const flush = (): void => {
      const tooDeep = deepBracket(pending);
      if (tooDeep !== undefined) return report('fatal error', BRACKETS, tooDeep);
      for (const token of expandMacros(pending, macros)) output.push(token);
      pending = [];
    };
    for (let at = 0; at < tokens.length && !stopped;) {
      let end = at;
      while (tokens[end]!.kind !== 'newline') end++;
      const line = tokens.slice(at, end);
      at = end + 1;
      if (line[0]?.text !== '#') {
        if (isActive()) for (const token of line) pending.push(token);
        continue;
      }
      flush();
      directive(line, conditionals, isActive(), file, depth);
    }
    flush();
    const open = conditionals.at(-1);
    if (open !== undefined && !stopped) report('error', 'unterminated conditional directive', open.start);
  }

  function directive(
    line: readonly CToken[],
    conditionals: Conditional[],
    active: boolean,
    file: string,
    depth: number,
  ): void {
    const [hash, keyword, ...rest] = line;
    if (keyword === undefined) return;
    const current = conditionals.at(-1);
    switch (keyword.text) {
      case 'if':
      case 'ifdef':
      case 'ifndef': {
        const met =
          active &&
          (keyword.text === 'if'
            ? condition(rest, hash!)
            : macros.defined.has(rest[0]?.text ?? '') === (keyword.text === 'ifdef'));
        conditionals.push({ active: met, taken: met, outer: active, seenElse: false, start: hash! });
        return;
      }
      case 'elif':
      case 'elifdef':
      case 'elifndef': {
        if (current === undefined || current.seenElse)
          return report('error', `#${keyword.text} ${current ? 'after #else' : 'without #if'}`, hash!);
        const asked = current.outer && !current.taken;
        const met =
          asked &&
          (keyword.text === 'elif'
            ? condition(rest, hash!)
            : macros.defined.has(rest[0]?.text ?? '') === (keyword.text === 'elifdef'));
        current.active = met;
        current.taken ||= met;
        return;
      }
      case 'else':
        if (current === undefined || current.seenElse)
          return report('error', `#else ${current ? 'after #else' : 'without #if'}`, hash!);
        current.active = current.outer && !current.taken;
        current.taken = true;
        current.seenElse = true;
        return;
      case 'endif':
        if (conditionals.pop() === undefined) report('error', '#endif without #if', hash!);
        return;
    }
    if (!active) return;
    switch (keyword.text) {
      case 'define':
        return define(rest, keyword);
      case 'undef':
        if (rest[0] !== undefined) macros.defined.delete(rest[0].text);
        return;
      case 'include':
      case 'include_next':
      case 'import':
        return include(rest, keyword, depth);
      case 'pragma':
        if (rest[0]?.text === 'once') once.add(file);
        return;
      case 'error':
        return report('error', spell(rest), keyword);
      case 'warning':
        return report('warning', `${spell(rest)} [-W#warnings]`, keyword);
      case 'line':
      case 'ident':
        return;
      default:
        return report('error', 'invalid preprocessing directive', keyword);
    }
  }

  function define(rest: readonly CToken[], keyword: CToken): void {
    const [name, ...after] = rest;
    if (name?.kind !== 'identifier') {
      return report(
        'error',
        name === undefined ? 'macro name missing' : 'macro name must be an identifier',
        name ?? keyword,
      );
    }
    const macro =
      after[0]?.text === '(' && !after[0].spaced ? functionLike(name, after) : { name, variadic: false, body: after };
    if (macro === undefined) return report('error', "expected ')' in macro parameter list", name);
    const previous = macros.defined.get(name.text);
    if (previous !== undefined && spell(previous.body) !== spell(macro.body)) {
      report('warning', `'${name.text}' macro redefined [-Wmacro-redefined]`, name);
      report('note', 'previous definition is here', previous.name);
    }
    macros.defined.set(name.text, macro);
    definitions.push(macro);
  }

  function include(rest: readonly CToken[], keyword: CToken, depth: number): void {
    const words = rest[0]?.kind === 'identifier' ? expandMacros(rest, macros) : rest;
    const [first] = words;
    const quoted = first?.kind === 'string';
    const close = words.findIndex((token) => token.text === '>');
    if (first === undefined || (!quoted && (first.text !== '<' || close === -1))) {
      return report('error', 'expected "FILENAME" or <FILENAME>', first ?? keyword);
    }
    const name = quoted
      ? first.text.slice(1, -1)
      : words
          .slice(1, close)
          .map((token) => token.text)
          .join('');
    if (once.has(name)) return;
    const text = depth >= MAX_INCLUDE_DEPTH ? undefined : input.include(name, quoted);
    if (text === undefined) {
      return report(
        'fatal error',
        depth >= MAX_INCLUDE_DEPTH ? '#include nested too deeply' : `'${name}' file not found`,
        first,
      );
    }
    run(text, name, depth + 1);
  }

  function condition(tokens: readonly CToken[], hash: CToken): boolean {
    const asked: CToken[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      const query = queries.get(token.text);
      if (query === undefined) {
        asked.push(token);
        continue;
      }
      const parenthesised = tokens[i + 1]?.text === '(';
      const close = parenthesised ? tokens.findIndex((each, j) => j > i && each.text === ')') : i + 1;
      const words = tokens.slice(i + 1, close + 1).filter(({ text }) => text !== '(' && text !== ')');
      asked.push({ ...token, kind: 'number', text: query(words) ? '1' : '0' });
      i = close === -1 ? tokens.length : close;
    }
    if (asked.length === 0) {
      report('error', 'expected value in expression', hash);
      return false;
    }
    const expanded = expandMacros(asked, macros);
    const tooDeep = deepBracket(expanded);
    if (tooDeep !== undefined) report('fatal error', BRACKETS, tooDeep);
    if (stopped) return false;
    const result = evaluateConstant(expanded, { value: () => 0n });
    if (result.ok) return result.value !== 0n;
    report('error', result.text, result.at ?? hash);
    return false;
  }

  function isHeader(words: readonly CToken[]): boolean {
    const text = words.map((token) => token.text).join('');
    return input.include(text.replace(/^[<"]|[>"]$/g, ''), text.startsWith('"')) !== undefined;
  }
}

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

const KNOWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'packed',
  'aligned',
  '__packed__',
  '__aligned__',
  'preserve_access_index',
]);

const BRACKETS = `bracket nesting level exceeded maximum of ${MAX_BRACKET_DEPTH}`;

/** The first bracket that is nested too deeply. */
function deepBracket(tokens: readonly CToken[]): CToken | undefined {
  let depth = 0;
  for (const token of tokens) {
    if ('([{'.includes(token.text)) depth++;
    else if (')]}'.includes(token.text)) depth = Math.max(0, depth - 1);
    if (depth > MAX_BRACKET_DEPTH) return token;
  }
  return undefined;
}
