import type { Span } from '../source/source.ts';

/** What every node has. Types and symbols live in side maps (lang/typed-program.ts), never here. */
interface NodeBase {
  readonly span: Span;
}

export interface Program extends NodeBase {
  readonly kind: 'program';
  /** `#!`-line included, verbatim, when the script starts with one. */
  readonly header?: string;
  /** C preamble: preprocessor lines and struct/union/enum definitions, verbatim, in order. */
  readonly cStatements: readonly CStatement[];
  readonly imports: readonly Import[];
  readonly config?: Config;
  readonly mapDeclarations: readonly MapDeclaration[];
  readonly macros: readonly Macro[];
  readonly subprograms: readonly Subprogram[];
  readonly probes: readonly Probe[];
}

export interface CStatement extends NodeBase {
  readonly kind: 'c_statement';
  readonly text: string;
}
/** `import "path"` or `import name` at the top or inside a block. */
export interface Import extends NodeBase {
  readonly kind: 'import';
  readonly name: string;
}
export interface Config extends NodeBase {
  readonly kind: 'config';
  readonly assignments: readonly ConfigAssignment[];
}
export interface ConfigAssignment extends NodeBase {
  readonly kind: 'config_assignment';
  readonly name: string;
  readonly value: string | bigint | boolean;
}
/** `let @name = hash(100);` */
export interface MapDeclaration extends NodeBase {
  readonly kind: 'map_declaration';
  readonly map: MapRef;
  readonly type: string;
  readonly maxEntries: bigint;
}
export interface Macro extends NodeBase {
  readonly kind: 'macro';
  readonly name: string;
  readonly nameSpan: Span;
  readonly parameters: readonly MacroParameter[];
  readonly body: BlockExpression;
}
/** `$x` (by reference), `@m` (a map), `x` (an expression) or a type parameter. */
export interface MacroParameter extends NodeBase {
  readonly kind: 'macro_parameter';
  readonly mode: 'variable' | 'map' | 'expression' | 'type';
  readonly name: string;
}
/** `fn name($a: int64): int64 { ... }` */
export interface Subprogram extends NodeBase {
  readonly kind: 'subprogram';
  readonly name: string;
  readonly parameters: readonly {
    readonly variable: Variable;
    readonly type: TypeExpression | Typeof;
    readonly span: Span;
  }[];
  readonly returns: TypeExpression | Typeof;
  readonly body: Block;
}
export interface Probe extends NodeBase {
  readonly kind: 'probe';
  readonly attachPoints: readonly AttachPoint[];
  readonly predicate?: Expression;
  /** With its slashes. */
  readonly predicateSpan?: Span;
  readonly body: Block;
}
/** As written: split at ':' outside quotes and nothing more; lang/probes.ts gives the parts their meaning. */
export interface AttachPoint extends NodeBase {
  readonly kind: 'attach_point';
  /** Verbatim, e.g. `kprobe:vfs_read`. */
  readonly text: string;
  /** Unquoted parts, e.g. `['kprobe', 'vfs_read']`; a bare word has one part. */
  readonly parts: readonly string[];
  /** Which parts were quoted (no wildcards inside). */
  readonly quoted: readonly boolean[];
}

// Statements

export type Statement =
  ExpressionStatement | Assignment | VariableDeclaration | Import | Unroll | While | For | Jump | Block;
/** `if` is an expression in bpftrace; as a statement it stands in an ExpressionStatement. */
export interface ExpressionStatement extends NodeBase {
  readonly kind: 'expression_statement';
  readonly expression: Expression;
}
export type AssignmentOperator = '=' | '+=' | '-=' | '*=' | '/=' | '%=' | '&=' | '|=' | '^=' | '<<=' | '>>=';
export interface Assignment extends NodeBase {
  readonly kind: 'assignment';
  readonly target: AssignmentTarget;
  readonly operator: AssignmentOperator;
  /** From the operator of `+=` and the like to the end of the value: where mistakes of that operation are shown. */
  readonly operationSpan?: Span;
  readonly value: Expression;
}
/** `_` discards. */
export type AssignmentTarget = Variable | MapRef | MapAccess | Discard;
export interface Discard extends NodeBase {
  readonly kind: 'discard';
}
/** `let $x`, `let $x: int32`, `let $x = 1` */
export interface VariableDeclaration extends NodeBase {
  readonly kind: 'variable_declaration';
  /** From `let` to the variable's name; `span` reaches to the end of the value. */
  readonly declarationSpan?: Span;
  readonly variable: Variable;
  readonly type?: TypeExpression | Typeof;
  readonly value?: Expression;
}
export interface Unroll extends NodeBase {
  readonly kind: 'unroll';
  readonly count: Expression;
  readonly body: Block;
}
export interface While extends NodeBase {
  readonly kind: 'while';
  readonly condition: Expression;
  readonly body: Block;
}
export interface For extends NodeBase {
  readonly kind: 'for';
  readonly variable: Variable;
  readonly iterable: MapRef | Range;
  readonly body: Block;
}
export interface Range extends NodeBase {
  readonly kind: 'range';
  readonly start: Expression;
  readonly end: Expression;
}
export interface Jump extends NodeBase {
  readonly kind: 'jump';
  readonly jump: 'return' | 'break' | 'continue';
  readonly value?: Expression;
}
export interface Block extends NodeBase {
  readonly kind: 'block';
  readonly statements: readonly Statement[];
}

// Expressions

export type Expression =
  | IntegerLiteral
  | BooleanLiteral
  | StringLiteral
  | PositionalParameter
  | PositionalParameterCount
  | Identifier
  | Variable
  | MapRef
  | MapAccess
  | Call
  | Unary
  | Binary
  | Ternary
  | If
  | FieldAccess
  | IndexAccess
  | TupleAccess
  | Cast
  | Tuple
  | RecordLiteral
  | AddressOf
  | Sizeof
  | Offsetof
  | Typeof
  | Typeinfo
  | Comptime
  | BlockExpression;

export interface IntegerLiteral extends NodeBase {
  readonly kind: 'integer';
  /** 0 .. 2^64-1; a minus sign in front is a Unary until folded, after which it may be negative. */
  readonly value: bigint;
  /** As written (`0x1f`, `1_000`, `5ms`); absent on folded nodes. */
  readonly text?: string;
}
export interface BooleanLiteral extends NodeBase {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface StringLiteral extends NodeBase {
  readonly kind: 'string';
  /** Escapes resolved; one UTF-16 unit per byte is not promised: encode as UTF-8, except that `\xNN` gives code units U+DC80+.. for bytes >= 0x80. */
  readonly value: string;
}
/** `$1` */
export interface PositionalParameter extends NodeBase {
  readonly kind: 'positional';
  readonly index: number;
}
/** `$#` */
export interface PositionalParameterCount extends NodeBase {
  readonly kind: 'positional_count';
}
/** A bare word: builtin (`pid`), enum member, constant, macro call without arguments, macro parameter or type name. */
export interface Identifier extends NodeBase {
  readonly kind: 'identifier';
  readonly name: string;
}
/** `$name`, without the `$`. */
export interface Variable extends NodeBase {
  readonly kind: 'variable';
  readonly name: string;
}
/** `@name`, without the `@`; the anonymous map has the empty name. */
export interface MapRef extends NodeBase {
  readonly kind: 'map';
  readonly name: string;
}
/** `@name[key]`; several keys are one Tuple. */
export interface MapAccess extends NodeBase {
  readonly kind: 'map_access';
  readonly map: MapRef;
  readonly key: Expression;
}
export interface Call extends NodeBase {
  readonly kind: 'call';
  readonly name: string;
  readonly nameSpan: Span;
  readonly args: readonly (Expression | TypeExpression)[];
}
export type UnaryOperator = '-' | '!' | '~' | '*' | '++' | '--';
export interface Unary extends NodeBase {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  /** Only for `++` and `--`. */
  readonly postfix: boolean;
  readonly operand: Expression;
}
export type BinaryOperator =
  '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '&&' | '||';
export interface Binary extends NodeBase {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly operatorSpan: Span;
}
/** `a ? b : c`; `a ?: c` leaves `then` out. */
export interface Ternary extends NodeBase {
  readonly kind: 'ternary';
  readonly condition: Expression;
  readonly then?: Expression;
  readonly otherwise: Expression;
}
export interface If extends NodeBase {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly then: BlockExpression;
  readonly otherwise?: BlockExpression | If;
}
/** `a.b` or `a->b`. */
export interface FieldAccess extends NodeBase {
  readonly kind: 'field';
  readonly base: Expression;
  readonly field: string;
  readonly fieldSpan: Span;
  readonly arrow: boolean;
}
export interface IndexAccess extends NodeBase {
  readonly kind: 'index';
  readonly base: Expression;
  readonly index: Expression;
}
/** `$t.0` */
export interface TupleAccess extends NodeBase {
  readonly kind: 'tuple_access';
  readonly base: Expression;
  readonly index: number;
}
export interface Cast extends NodeBase {
  readonly kind: 'cast';
  readonly type: TypeExpression | Typeof;
  readonly operand: Expression;
}
export interface Tuple extends NodeBase {
  readonly kind: 'tuple';
  readonly elements: readonly Expression[];
}
/** `(a=1, b="x")` */
export interface RecordLiteral extends NodeBase {
  readonly kind: 'record';
  readonly fields: readonly { readonly name: string; readonly value: Expression; readonly span: Span }[];
}
/** `&$x`, `&@m` */
export interface AddressOf extends NodeBase {
  readonly kind: 'address_of';
  readonly operand: Expression;
}
export interface Sizeof extends NodeBase {
  readonly kind: 'sizeof';
  readonly operand: Expression | TypeExpression;
}
export interface Offsetof extends NodeBase {
  readonly kind: 'offsetof';
  readonly operand: Expression | TypeExpression;
  readonly fields: readonly string[];
}
export interface Typeof extends NodeBase {
  readonly kind: 'typeof';
  readonly operand: Expression | TypeExpression;
}
export interface Typeinfo extends NodeBase {
  readonly kind: 'typeinfo';
  readonly operand: Expression | TypeExpression;
}
export interface Comptime extends NodeBase {
  readonly kind: 'comptime';
  readonly operand: Expression;
}
/** `{ statements; result }`: without a result its value is none. */
export interface BlockExpression extends NodeBase {
  readonly kind: 'block_expression';
  readonly statements: readonly Statement[];
  readonly result?: Expression;
}

/** A type as written: `uint64`, `struct task_struct *`, `string[64]`, `int8[4]`, `(int64, string[8])`. */
export interface TypeExpression extends NodeBase {
  readonly kind: 'type';
  /** Base name: `uint64`, `string`, `struct task_struct`, `size_t`, `tuple` for `(a, b)`. */
  readonly name: string;
  /** Of the base name, without stars and dimensions. */
  readonly nameSpan?: Span;
  /** For `tuple`. */
  readonly elements?: readonly TypeExpression[];
  /** Pointer stars and array dimensions in the order written; `null` is `[]`. */
  readonly suffixes: readonly ('*' | { readonly length: bigint | null })[];
}

export type Node =
  | Program
  | CStatement
  | Import
  | Config
  | ConfigAssignment
  | MapDeclaration
  | Macro
  | MacroParameter
  | Subprogram
  | Probe
  | AttachPoint
  | Statement
  | Expression
  | Range
  | Discard
  | TypeExpression;
