import type { Block, Expression, MapRef, Node, Subprogram, Variable } from '../ast/nodes.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Span } from '../source/source.ts';
import type { AttachTarget } from './attach-target.ts';
import type { Config } from './config.ts';
import type { Target } from './target.ts';
import type { Type } from './types.ts';

/**
 * What the type checker hands to code generation. In it:
 * - macros, imports, positional and named parameters, `comptime`, `sizeof`, `offsetof`, `typeof`, wildcards and unrolls of
 *   constant count are gone: expanded or folded into literals;
 * - a probe whose body depends on its attach point (`args`, `probe`, ...) was cloned: one TypedProbe per program;
 * - every implicit conversion is an explicit Cast node; a map key has exactly the map's key type;
 * - side maps are keyed by node identity; a node appears once in the tree.
 */
export interface TypedProgram {
  readonly probes: readonly TypedProbe[];
  readonly subprograms: readonly TypedSubprogram[];
  /** Every expression that is left in the tree. */
  readonly types: ReadonlyMap<Node, Type>;
  /** Each Variable node, at its declaration and at every use. */
  readonly variables: ReadonlyMap<Variable, VariableSymbol>;
  readonly maps: ReadonlyMap<string, MapSymbol>;
  readonly config: Config;
  readonly target: Target;
  readonly warnings: readonly Diagnostic[];
}

export interface TypedProbe {
  /** `kprobe_vfs_read_1`: unique, as bpftrace names its sections. */
  readonly name: string;
  /** What the `probe` builtin says, e.g. `kprobe:vfs_read`. */
  readonly probeName: string;
  readonly attach: AttachTarget;
  readonly predicate?: Expression;
  readonly body: Block;
  readonly span: Span;
  /** The probe at the return of the same functions, which shares this one's program (`attach.session`). */
  readonly returns?: TypedProbe;
}

export interface TypedSubprogram {
  readonly name: string;
  readonly declaration: Subprogram;
  readonly parameters: readonly VariableSymbol[];
  readonly returns: Type;
}

/** One scratch variable in its scope; two variables of one name in disjoint scopes are two symbols. */
export interface VariableSymbol {
  readonly name: string;
  readonly type: Type;
}

export interface MapSymbol {
  /** Without the `@`. */
  readonly name: string;
  /** Absent for a scalar map (`@x = 1`). */
  readonly key?: Type;
  readonly value: Type;
  /** From `let @m = lruhash(10)`; else chosen by code generation from value and key. */
  readonly declared?: { readonly type: string; readonly maxEntries: number };
  readonly span: Span;
  readonly ref: MapRef;
}
