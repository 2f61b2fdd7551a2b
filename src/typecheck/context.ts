import type { AttachPoint, Expression, MapRef, Probe, Program } from '../ast/nodes.ts';
import type { EnumType, TypeSet } from '../btf/types.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import type { Config } from '../lang/config.ts';
import type { ProbeKind } from '../lang/probes.ts';
import type { Target } from '../lang/target.ts';
import type { Type } from '../lang/types.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { Source } from '../source/source.ts';
import type { ImportEntry } from './imports.ts';
import type { MachineNames } from './machine-names.ts';

/** What the checker is told beside the program: the machine, the command line, and how to parse more text. */
export interface CheckInput {
  readonly target: Target;
  /** Values of `$1`, `$2`, ... */
  readonly positional?: readonly string[];
  /** Options behind `--`: `name=value`, or `name` alone. */
  readonly named?: readonly string[];
  /** Environment variables: BPFTRACE_* set the configuration. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** --unsafe */
  readonly unsafe?: boolean;
  /** False for --no-feature kprobe_session: entry and return of a function are two programs then. */
  readonly kprobeSessions?: boolean;
  /** -p: only events of this process. */
  readonly pid?: number;
  /** Child of -c. */
  readonly childPid?: number;
  /** Real text of an #include found in -I folders; virtual kernel headers need none. */
  readonly readInclude?: (name: string) => string | undefined;
  /** Files of --include, as if the script began with them. */
  readonly includes?: readonly string[];
  /** Parses an expression: the replacement text of a C macro. */
  readonly parseExpression?: (source: Source) => {
    readonly value?: Expression;
    readonly diagnostics: readonly Diagnostic[];
  };
  /** Parses a whole script: macros of the standard library, imports. */
  readonly parse?: (source: Source) => { readonly program?: Program; readonly diagnostics: readonly Diagnostic[] };
  /** What the path of an `import` leads to: relative to where the script's own name is relative to. */
  readonly readImport?: (path: string) => ImportEntry | undefined;
}

/** The input with everything that has a default filled in. */
export type CheckContext = CheckInput & Required<Pick<CheckInput, 'positional' | 'named' | 'env' | 'unsafe'>>;

/** An attach point with its parts understood. `target` is absent while it still has wildcards. */
export interface ParsedAttachPoint {
  readonly kind: ProbeKind;
  /** As in the script, with short names expanded: what wildcards match against. */
  readonly parts: readonly string[];
  readonly target?: AttachTarget;
  /** What the `probe` builtin says. */
  readonly name: string;
}

/** C definitions of the script's preamble and its headers. */
export interface Definitions {
  readonly types: TypeSet;
  /** Object-like macros: name and replacement text. */
  readonly macros: ReadonlyMap<string, string>;
  readonly enumerators: ReadonlyMap<string, { readonly value: bigint; readonly type: EnumType }>;
}

/** How the script uses a map. */
export interface MapFacts {
  readonly scalar: Map<string, boolean>;
  /** Uses that contradict the first one. */
  readonly badKeyed: Set<MapRef>;
  readonly badScalar: Set<MapRef>;
  readonly badIterator: Set<MapRef>;
}

/** An option that the script asks for with getopt(). */
export interface NamedOption {
  readonly fallback: bigint | string | boolean;
  readonly description: string;
}

/** What passes learn and leave to later passes. */
export interface PassContext extends CheckContext {
  readonly report: (diagnostic: Diagnostic) => void;
  readonly names: MachineNames;
  config: Config;
  definitions: Definitions;
  /** Text of imported C headers, by the name that imports them. */
  importedHeaders: ReadonlyMap<string, string>;
  readonly attachPoints: Map<AttachPoint, ParsedAttachPoint>;
  /** The attach point of a probe at a return, by that of the probe at the entry whose program it shares. */
  readonly sessions: Map<AttachPoint, AttachPoint>;
  readonly maps: MapFacts;
  readonly options: Map<string, NamedOption>;
  /** Types of TypeExpressions that we wrote ourselves, by the name in them, which need not be the language's. */
  readonly spelled: Map<string, Type>;
  /** How many variables of our own there are: they are numbered. */
  temporaries: number;
}

/** The attach point of a probe after expansion, when it has exactly one. */
export function attachmentOf(probe: Probe, context: PassContext): ParsedAttachPoint | undefined {
  const attachPoint = probe.attachPoints[0];
  return attachPoint === undefined ? undefined : context.attachPoints.get(attachPoint);
}

export interface Pass {
  readonly name: string;
  /** Returns the program as later passes shall see it; reports mistakes to the context. */
  readonly run: (program: Program, context: PassContext) => Program;
}
