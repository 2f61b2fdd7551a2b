import { createTypeSet } from '../../btf/type-set.ts';
import type { EnumType, TypeSet } from '../../btf/types.ts';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { parseDeclarations } from './declarations.ts';
import type { CMacro } from './macros.ts';
import { clangDiagnostics } from './clang-output.ts';
import { preprocess } from './preprocess.ts';
import { virtualHeader } from './virtual-headers.ts';
import type { SyscallNumber } from './virtual-headers.ts';

export interface PreambleInput {
  /** The script's C statements, verbatim. */
  readonly statements: readonly { readonly text: string }[];
  /** The kernel's types, which declarations may refer to. */
  readonly types: TypeSet;
  /** The target's system call table, for headers that number it. */
  readonly syscalls?: () => readonly SyscallNumber[];
  /** Text of a real header of the -I folders; asked before the virtual headers. */
  readonly readInclude?: (name: string) => string | undefined;
  /** `--include`: headers read in front of everything. */
  readonly includes?: readonly string[];
  /** Imported headers by name, read behind those. */
  readonly headers?: ReadonlyMap<string, string>;
  readonly defines?: Readonly<Record<string, string>>;
}

export interface Preamble {
  /** Only what the preamble declares; it shadows the kernel's types. */
  readonly types: TypeSet;
  /** What an identifier in the script is replaced by. */
  readonly macros: ReadonlyMap<string, string>;
  readonly enumerators: ReadonlyMap<string, { readonly value: bigint; readonly type: EnumType }>;
  readonly diagnostics: readonly Diagnostic[];
}

/** bpftrace collects the statements in a file of this name, whose first line includes the types from BTF. */
const FILE = 'definitions.h';
const FIRST_LINE = '\n';

// Scripts ask for it to leave out kernel headers; the others keep headers of a C library from asking for an unknown machine.
const DEFINES = {
  BPFTRACE_HAVE_BTF: '1',
  __linux__: '1',
  __LP64__: '1',
  __STDC__: '1',
  __clang__: '1',
  __bpf__: '0',
};

/** Reads a script's C preamble: macros, enums and types. */
export function parseCPreamble(input: PreambleInput): Preamble {
  const includes = input.includes ?? [];
  const text = FIRST_LINE + input.statements.map((statement) => `${statement.text}\n`).join('');
  const preprocessed = preprocess({
    files: [
      ...(includes.length === 0
        ? []
        : [{ name: '<built-in>', text: includes.map((name) => `#include "${name}"\n`).join('') }]),
      ...[...(input.headers ?? [])].map(([name, text]) => ({ name, text })),
      { name: FILE, text },
    ],
    include: (name) => input.readInclude?.(name) ?? virtualHeader(name, input.syscalls?.() ?? []),
    defines: { ...DEFINES, ...input.defines },
  });
  // clang stops at a missing header, before it has parsed anything.
  const isFatal = preprocessed.messages.some(({ severity }) => severity === 'fatal error');
  const parsed = isFatal ? { types: [], messages: [] } : parseDeclarations(preprocessed.tokens, input.types);
  const enumerators = new Map<string, { readonly value: bigint; readonly type: EnumType }>();
  for (const type of parsed.types) {
    if (type.kind === 'enum') for (const { name, value } of type.values) enumerators.set(name, { value, type });
  }
  return {
    types: createTypeSet({ types: parsed.types }),
    macros: macroTexts(preprocessed.definitions),
    enumerators,
    diagnostics: clangDiagnostics([...preprocessed.messages, ...parsed.messages]),
  };
}

/**
 * The last definition of each name, even if undefined again, and the parameters of a function-like macro with it: bpftrace takes a macro's tokens as the
 * preprocessing record has them and joins them without spaces. Macros without a body do not count.
 */
function macroTexts(definitions: readonly CMacro[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { name, parameters, variadic, body } of definitions) {
    const listed = parameters === undefined ? '' : `(${[...parameters, ...(variadic ? ['...'] : [])].join(',')})`;
    const text = listed + body.map((token) => token.text).join('');
    if (text !== '') texts.set(name.text, text);
  }
  return texts;
}
