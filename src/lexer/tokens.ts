import { createToken, Lexer } from 'chevrotain';
import type { CustomPatternMatcherFunc, IToken, ITokenConfig, TokenType } from 'chevrotain';
import { scanInteger } from './integer.ts';
import { scanAttachPoint, scanCDefinition } from './raw.ts';
import { scanString } from './string.ts';

// Chevrotain takes the first pattern that matches: in each list, longer before shorter.

/** A token whose pattern looks at the text itself; it never crosses what `starts` does not name. */
function scanned(
  name: string,
  starts: readonly string[],
  end: (text: string, offset: number, matched: IToken[]) => number | undefined,
  more: Partial<ITokenConfig> = {},
): TokenType {
  const pattern: CustomPatternMatcherFunc = (text, offset, matched) => {
    const stop = end(text, offset, matched);
    return stop === undefined || stop === offset ? null : [text.slice(offset, stop)];
  };
  return createToken({ name, pattern, line_breaks: true, start_chars_hint: [...starts], ...more });
}

function sticky(pattern: RegExp): (text: string, offset: number) => number | undefined {
  return (text, offset) => {
    pattern.lastIndex = offset;
    return pattern.test(text) ? pattern.lastIndex : undefined;
  };
}

const symbol = (name: string, pattern: string, more: Partial<ITokenConfig> = {}): TokenType =>
  createToken({ name, pattern, ...more });

// Layout

export const Blank = createToken({ name: 'Blank', pattern: /[ \t\r\n\f\v]+/, group: Lexer.SKIPPED, line_breaks: true });
export const COMMENTS = 'comments';
const LineComment = scanned('LineComment', ['/'], sticky(/\/\/[^\n]*/y), { group: COMMENTS });
const BlockComment = scanned('BlockComment', ['/'], sticky(/\/\*[^]*?(?:\*\/|$)/y), { group: COMMENTS });
const LAYOUT = [Blank, LineComment, BlockComment];

// Words

/** What an expression may start with, and what an operand may start with. */
export const ExpressionStart = createToken({ name: 'ExpressionStart', pattern: Lexer.NA });
export const OperandStart = createToken({
  name: 'OperandStart',
  pattern: Lexer.NA,
  categories: [ExpressionStart],
});

/** Any word; keywords too, for a field may be called `if`. */
export const Identifier = createToken({ name: 'Identifier', pattern: /[A-Za-z_]\w*/, categories: [OperandStart] });
const keyword = (word: string): TokenType =>
  createToken({ name: word, pattern: word, longer_alt: Identifier, categories: [Identifier] });
export const If = keyword('if');
export const Else = keyword('else');
export const Let = keyword('let');
export const While = keyword('while');
export const Unroll = keyword('unroll');
export const For = keyword('for');
export const Break = keyword('break');
export const Continue = keyword('continue');
export const Return = keyword('return');
export const Import = keyword('import');
export const Sizeof = keyword('sizeof');
export const Offsetof = keyword('offsetof');
export const Typeof = keyword('typeof');
export const Typeinfo = keyword('typeinfo');
export const Comptime = keyword('comptime');
const KEYWORDS = [
  If,
  Else,
  Let,
  While,
  Unroll,
  For,
  Break,
  Continue,
  Return,
  Import,
  Sizeof,
  Offsetof,
  Typeof,
  Typeinfo,
  Comptime,
];

// Sigils and literals

export const Variable = createToken({ name: 'Variable', pattern: /\$[A-Za-z_]\w*/, categories: [OperandStart] });
export const Positional = createToken({ name: 'Positional', pattern: /\$\d+/, categories: [OperandStart] });
export const ParameterCount = symbol('ParameterCount', '$#', { categories: [OperandStart] });
/** A '$' that nothing follows. */
export const Dollar = symbol('Dollar', '$');
export const MapName = createToken({ name: 'MapName', pattern: /@(?:[A-Za-z_]\w*)?/, categories: [OperandStart] });
export const Integer = scanned(
  'Integer',
  [...'0123456789'],
  (text, offset) => (/[0-9]/.test(text[offset]!) ? scanInteger(text, offset).end : undefined),
  { categories: [OperandStart] },
);
export const StringText = scanned(
  'String',
  ['"'],
  (text, offset) => (text[offset] === '"' ? scanString(text, offset) : undefined),
  { categories: [OperandStart] },
);

// Punctuation

export const LParen = symbol('LParen', '(', { categories: [OperandStart] });
export const RParen = symbol('RParen', ')');
export const LBracket = symbol('LBracket', '[');
export const RBracket = symbol('RBracket', ']');
export const LBrace = createToken({ name: 'LBrace', pattern: Lexer.NA, categories: [OperandStart] });
export const RBrace = symbol('RBrace', '}', { pop_mode: true });
export const Comma = symbol('Comma', ',');
export const Semicolon = symbol('Semicolon', ';');
export const Colon = symbol('Colon', ':');
export const Question = symbol('Question', '?');
export const Dot = symbol('Dot', '.');
export const DotDot = symbol('DotDot', '..');
export const Arrow = symbol('Arrow', '->');
export const Assign = symbol('Assign', '=');
export const Not = symbol('Not', '!', { categories: [ExpressionStart] });
export const Tilde = symbol('Tilde', '~', { categories: [ExpressionStart] });
export const Increment = symbol('Increment', '++', { categories: [ExpressionStart] });
export const Decrement = symbol('Decrement', '--', { categories: [ExpressionStart] });

/** Operators between two operands; which one it is, the image says. Those that are prefixes too have their own tokens. */
export const BinaryOperatorToken = createToken({
  name: 'BinaryOperator',
  pattern: /<<|>>|[<>=!]=|&&|\|\||[+/%|^<>]/,
  start_chars_hint: [...'<>=!&|+/%^'],
});
const binaryOrPrefix = (name: string, pattern: string): TokenType =>
  symbol(name, pattern, { categories: [BinaryOperatorToken, ExpressionStart] });
export const Star = binaryOrPrefix('Star', '*');
export const Minus = binaryOrPrefix('Minus', '-');
export const Ampersand = binaryOrPrefix('Ampersand', '&');

/** `+=` and the like. */
export const CompoundAssign = createToken({
  name: 'CompoundAssign',
  pattern: /(?:<<|>>|[-+*/%&|^])=/,
  start_chars_hint: [...'<>-+*/%&|^'],
});

// '/' in front of '{' closes a predicate and never divides, wherever it stands.
const slashBeforeBrace = sticky(/\/(?=(?:[ \t\r\n\f\v]+|\/\/[^\n]*|\/\*[^]*?\*\/)*\{)/y);
const SlashBeforeBrace = scanned('SlashBeforeBrace', ['/'], slashBeforeBrace, { line_breaks: false });
/**
 * One character of each group that chevrotain's table of first characters tells apart (255 in one from U+0100 on):
 * naming all 65,536 takes longer than everything else at start-up.
 */
const ANY_CHARACTER = [
  ...Array.from({ length: 256 }, (_, code) => code),
  ...Array.from({ length: 257 }, (_, group) => group * 255).filter((code) => code > 255),
].map((code) => String.fromCharCode(code));
const Unknown = scanned('Unknown', ANY_CHARACTER, (_, offset) => offset + 1);

// The top level

const CodeBrace = symbol('CodeBrace', '{', { push_mode: 'code', categories: [LBrace] });
const HeadBrace = symbol('HeadBrace', '{', { pop_mode: true, push_mode: 'code', categories: [LBrace] });
const DirectiveEnd = symbol('DirectiveEnd', ';', { pop_mode: true, categories: [Semicolon] });
const DeclarationEnd = symbol('DeclarationEnd', ')', { pop_mode: true, categories: [RParen] });
export const PredicateClose = scanned('PredicateClose', ['/'], slashBeforeBrace, {
  line_breaks: false,
  pop_mode: true,
});

const last = (matched: IToken[]): TokenType | undefined => matched.at(-1)?.tokenType;
// Behind the comma of a list of attach points every word is an attach point.
const startsItem = (matched: IToken[]): boolean => last(matched) !== Comma && last(matched) !== AttachPointText;

const rootKeyword = (word: string, mode: string): TokenType =>
  scanned(
    `root-${word}`,
    [word[0]!],
    (text, offset, matched) =>
      startsItem(matched) && text.startsWith(word, offset) && !/\w/.test(text[offset + word.length] ?? '')
        ? offset + word.length
        : undefined,
    { push_mode: mode, line_breaks: false },
  );
export const ConfigKeyword = rootKeyword('config', 'head');
export const MacroKeyword = rootKeyword('macro', 'head');
export const FnKeyword = rootKeyword('fn', 'head');
export const ImportKeyword = rootKeyword('import', 'directive');
export const LetKeyword = rootKeyword('let', 'declaration');
const ROOT_KEYWORDS = [ConfigKeyword, MacroKeyword, FnKeyword, ImportKeyword, LetKeyword];

export const Shebang = scanned('Shebang', ['#'], (text, offset, matched) =>
  matched.length === 0 && text.startsWith('#!', offset) ? sticky(/[^\n]*\n?/y)(text, offset) : undefined,
);
export const Preprocessor = scanned('Preprocessor', ['#'], (text, offset, matched) =>
  startsItem(matched) ? sticky(/#(?!!)[^\n]*/y)(text, offset) : undefined,
);
export const CDefinitionText = scanned('CDefinition', ['s', 'u', 'e'], (text, offset, matched) =>
  startsItem(matched) ? scanCDefinition(text, offset)?.end : undefined,
);
/** The ';' that may follow `let @m = hash(1)`. */
const RootSemicolon = scanned(
  'RootSemicolon',
  [';'],
  (text, offset, matched) => (text[offset] === ';' && last(matched) === DeclarationEnd ? offset + 1 : undefined),
  { categories: [Semicolon] },
);
export const PredicateOpen = scanned(
  'PredicateOpen',
  ['/'],
  (text, offset, matched) => (text[offset] === '/' && !startsItem(matched) ? offset + 1 : undefined),
  { push_mode: 'predicate' },
);
export const AttachPointText: TokenType = createToken({
  name: 'AttachPoint',
  pattern: ((text: string, offset: number) => {
    const end = scanAttachPoint(text, offset);
    return end === offset ? null : [text.slice(offset, end)];
  }) as CustomPatternMatcherFunc,
  line_breaks: true,
  start_chars_hint: ANY_CHARACTER,
});

const WORDS = [...KEYWORDS, Identifier];
const SIGILS = [Variable, Positional, ParameterCount, Dollar, MapName, Integer, StringText];
const OPERATORS = [CompoundAssign, Increment, Decrement, Arrow, DotDot, BinaryOperatorToken, Star, Minus, Ampersand];
const PUNCTUATION = [
  LParen,
  RParen,
  LBracket,
  RBracket,
  RBrace,
  Comma,
  Semicolon,
  Colon,
  Question,
  Dot,
  Assign,
  Not,
  Tilde,
];
const CATEGORIES = [ExpressionStart, OperandStart, LBrace];

/** The tokens inside braces, with `first` in front and in place of the symbols they specialise. */
function codeMode(...first: readonly TokenType[]): TokenType[] {
  const replaced = new Set(first.map((token) => token.PATTERN));
  const rest = [...WORDS, ...SIGILS, ...OPERATORS, ...PUNCTUATION, ...CATEGORIES, Unknown];
  return [...LAYOUT, ...first, ...rest.filter((token) => !replaced.has(token.PATTERN) || token.PATTERN === Lexer.NA)];
}

/** All tokens by mode; `root` is where a script starts. */
export const MODES = {
  root: [
    ...LAYOUT,
    Shebang,
    Preprocessor,
    CDefinitionText,
    ...ROOT_KEYWORDS,
    RootSemicolon,
    PredicateOpen,
    Comma,
    CodeBrace,
    AttachPointText,
    Unknown,
  ],
  code: codeMode(SlashBeforeBrace, CodeBrace),
  head: codeMode(SlashBeforeBrace, HeadBrace),
  directive: codeMode(SlashBeforeBrace, CodeBrace, DirectiveEnd),
  declaration: codeMode(SlashBeforeBrace, CodeBrace, DeclarationEnd),
  predicate: codeMode(PredicateClose, CodeBrace),
} as const satisfies Record<string, TokenType[]>;
