import { createToken, Lexer } from 'chevrotain';
import type { TokenType } from 'chevrotain';

/** Every token once, as the parser wants them. */
export const VOCABULARY: TokenType[] = [];
/** The words inside braces that are more than a name. */
export const KEYWORDS = new Map<string, TokenType>();
/** Operators and punctuation inside braces, by their spelling. */
export const SYMBOLS = new Map<string, TokenType>();

/** A token that the scanner finds by itself; chevrotain needs to know its name and what kinds of token it counts as. */
function token(name: string, ...categories: TokenType[]): TokenType {
  const type = createToken({ name, pattern: Lexer.NA, categories });
  VOCABULARY.push(type);
  return type;
}

function symbol(name: string, spellings: string, ...categories: TokenType[]): TokenType {
  const type = token(name, ...categories);
  for (const spelling of spellings.split(' ')) SYMBOLS.set(spelling, type);
  return type;
}

function keyword(word: string): TokenType {
  const type = token(word, Identifier);
  KEYWORDS.set(word, type);
  return type;
}

// Kinds of token

/** What an expression may start with. */
export const ExpressionStart = token('ExpressionStart');
/** What an operand may start with. */
export const OperandStart = token('OperandStart', ExpressionStart);

// Words

/** Any word; keywords too, for a field may be called `if`. */
export const Identifier = token('Identifier', OperandStart);
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

// Sigils and literals

export const Variable = token('Variable', OperandStart);
export const Positional = token('Positional', OperandStart);
export const ParameterCount = symbol('ParameterCount', '$#', OperandStart);
/** A '$' that nothing follows. */
export const Dollar = symbol('Dollar', '$');
export const MapName = token('MapName', OperandStart);
export const Integer = token('Integer', OperandStart);
export const StringText = token('String', OperandStart);

// Punctuation

export const LParen = symbol('LParen', '(', OperandStart);
export const RParen = symbol('RParen', ')');
export const LBracket = symbol('LBracket', '[');
export const RBracket = symbol('RBracket', ']');
export const LBrace = symbol('LBrace', '{', OperandStart);
export const RBrace = symbol('RBrace', '}');
export const Comma = symbol('Comma', ',');
export const Semicolon = symbol('Semicolon', ';');
export const Colon = symbol('Colon', ':');
export const Question = symbol('Question', '?');
export const Dot = symbol('Dot', '.');
export const DotDot = symbol('DotDot', '..');
export const Arrow = symbol('Arrow', '->');

// Operators

export const Assign = symbol('Assign', '=');
/** `+=` and the like. */
export const CompoundAssign = symbol('CompoundAssign', '<<= >>= += -= *= /= %= &= |= ^=');
export const Not = symbol('Not', '!', ExpressionStart);
export const Tilde = symbol('Tilde', '~', ExpressionStart);
export const Increment = symbol('Increment', '++', ExpressionStart);
export const Decrement = symbol('Decrement', '--', ExpressionStart);
/** Operators between two operands; which one it is, the image says. Those that are prefixes too have their own tokens. */
export const BinaryOperatorToken = symbol('BinaryOperator', '|| && | ^ == != < > <= >= << >> + / %');
export const Star = symbol('Star', '*', BinaryOperatorToken, ExpressionStart);
export const Minus = symbol('Minus', '-', BinaryOperatorToken, ExpressionStart);
export const Ampersand = symbol('Ampersand', '&', BinaryOperatorToken, ExpressionStart);

// The top level

export const Shebang = token('Shebang');
export const Preprocessor = token('Preprocessor');
export const CDefinitionText = token('CDefinition');
export const ConfigKeyword = token('root-config');
export const MacroKeyword = token('root-macro');
export const FnKeyword = token('root-fn');
export const ImportKeyword = token('root-import');
export const LetKeyword = token('root-let');
export const AttachPointText = token('AttachPoint');
export const PredicateOpen = token('PredicateOpen');
/** A '/' in front of '{': it closes a predicate and never divides, wherever it stands. */
export const PredicateClose = token('PredicateClose');

/** A character that starts nothing, and so a token that no rule takes. */
export const Unknown = token('Unknown');
