import type { Import, Program } from '../ast/nodes.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import { withHint } from '../source/diagnostic.ts';
import { createSource } from '../source/source.ts';
import type { Pass, PassContext } from './context.ts';
import { LIBRARY_PATHS } from './library-paths.ts';
import { error, warning } from './messages.ts';
import { relocate, walk } from './rewrite.ts';

/** What a path of an `import` leads to, as far as its reader can tell. */
export interface ImportEntry {
  /** The path itself or the folder it is in may be written by everyone. */
  readonly worldWritable: boolean;
  /** Names of what is in it; absent for a file. */
  readonly entries?: readonly string[];
  /** Text of a file, or why it cannot be read. */
  readonly read: () => { readonly text: string } | { readonly problem: string };
}

interface ImportedScript {
  readonly program: Program;
  readonly statement: Import;
}

interface Imports {
  readonly context: PassContext;
  /** Folder of the root script with its slash: also what imported scripts import is looked up there. */
  readonly folder: string;
  /** Names that an import statement has given already. */
  readonly seen: Set<string>;
  readonly scripts: Map<string, ImportedScript | undefined>;
  readonly headers: Map<string, string>;
}

/** Merges scripts and headers that `import "PATH"` names into the program. */
export const resolveImports: Pass = {
  name: 'imports',
  run(program: Program, context: PassContext): Program {
    const { name } = program.span.source;
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const imports: Imports = { context, folder, seen: new Set(), scripts: new Map(), headers: new Map() };
    for (const statement of program.imports) importName(statement, imports);
    for (const statement of statementImports(program, context)) importInside(statement, imports);
    context.importedHeaders = imports.headers;
    // In the order of their names, and each in front of what is there, its probes backwards: the order in which begin probes run.
    const sorted = [...imports.scripts].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.reduce<Program>((merged, [, script]) => (script === undefined ? merged : merge(merged, script)), {
      ...program,
      imports: [],
    });
  },
};

function merge(program: Program, { program: imported, statement }: ImportedScript): Program {
  const moved = relocate(imported, statement.span);
  return {
    ...program,
    cStatements: [...program.cStatements, ...moved.cStatements],
    mapDeclarations: [...program.mapDeclarations, ...moved.mapDeclarations],
    macros: [...program.macros, ...moved.macros],
    subprograms: [...program.subprograms, ...moved.subprograms],
    probes: [...moved.probes].reverse().concat(program.probes),
  };
}

/** Imports inside blocks, which the configuration must allow (unstable.ts says so when it does not). */
function statementImports(program: Program, { config }: PassContext): readonly Import[] {
  const found: Import[] = [];
  if (config.unstable_import_statement === 'error') return found;
  for (const top of [...program.macros, ...program.subprograms, ...program.probes])
    walk(top, (node) => {
      if (node.kind === 'import') found.push(node);
    });
  return found;
}

function importInside(statement: Import, imports: Imports): void {
  const { name, span } = statement;
  if (name.endsWith('.bt') || imports.context.readImport?.(imports.folder + name)?.entries !== undefined) {
    const text =
      'Import statements that are not at the root are limited to specific ' +
      'object (.o), header (.h), or C source (.c or bpf.c) files';
    imports.context.report(error('import-inside', span, text));
    return;
  }
  importName(statement, imports);
}

function importName(statement: Import, imports: Imports): void {
  const { context, folder, seen } = imports;
  const { name, span } = statement;
  if (seen.has(name)) return;
  seen.add(name);
  const path = name.startsWith('/') ? name : folder + name;
  const entry = context.readImport?.(path);
  if (entry?.worldWritable === true) {
    context.report(warning('import-skipped', span, `skipping due to global write permissions: "${path}"`));
  } else if (entry !== undefined) {
    importEntry(statement, name, path, entry, true, imports);
    return;
  }
  // The library is always there: to name a part of it adds nothing.
  if (LIBRARY_PATHS.some((known) => known === name || folderOf(known) === name)) return;
  context.report(unknownImport(statement, path));
}

function unknownImport({ name, span }: Import, path: string): Diagnostic {
  const similar = LIBRARY_PATHS.filter((known) => isSimilar(name, known));
  const hints = [`checked: ${path}`, ...(similar.length === 0 ? [] : [`similar to builtins: ${similar.join(',')}`])];
  return withHint(error('import-not-found', span, 'Unable to find suitable path for import'), ...hints);
}

/** Imports a file, or the files of a folder but not its folders. */
function importEntry(
  statement: Import,
  name: string,
  path: string,
  entry: ImportEntry,
  isNamed: boolean,
  imports: Imports,
): void {
  const { context } = imports;
  const { span } = statement;
  if (entry.worldWritable) {
    const text = `cowardly refusing to import from a directory with global write permissions: "${path}"`;
    context.report(error('import-refused', span, text));
    return;
  }
  if (entry.entries !== undefined) {
    for (const file of isNamed ? [...entry.entries].sort() : []) {
      const inside = context.readImport?.(`${path}/${file}`);
      if (inside !== undefined) importEntry(statement, `${name}/${file}`, `${path}/${file}`, inside, false, imports);
    }
    return;
  }
  if (path.endsWith('.bt')) importScript(statement, name, path, entry, imports);
  else if (path.endsWith('.h')) {
    const text = imports.headers.has(name) ? undefined : readText(statement, path, entry, context);
    if (text !== undefined) imports.headers.set(name, text);
  } else if (/\.bpf\.[co]$/.test(path)) {
    context.report(error('import-of-bpf', span, `importing compiled BPF code is not supported: "${path}"`));
  } else if (isNamed) {
    const file = path.slice(path.lastIndexOf('/') + 1);
    context.report(error('import-type', span, `unknown import type: "${file}"`));
  }
}

function importScript(statement: Import, name: string, path: string, entry: ImportEntry, imports: Imports): void {
  const { context, scripts } = imports;
  if (scripts.has(name)) return;
  // Before what it imports itself is read: scripts may import each other.
  scripts.set(name, undefined);
  const text = readText(statement, path, entry, context);
  if (text === undefined || context.parse === undefined) return;
  const { program, diagnostics } = context.parse(createSource(name, text));
  for (const diagnostic of diagnostics) context.report(diagnostic);
  if (program === undefined) return;
  scripts.set(name, { program, statement });
  if (program.config !== undefined && program.config.assignments.length > 0)
    context.report(error('import-config', program.config.span, 'invalid `config` within import'));
  for (const inner of program.imports) importName(inner, imports);
}

function readText(statement: Import, path: string, entry: ImportEntry, context: PassContext): string | undefined {
  const result = entry.read();
  if ('text' in result) return result.text;
  context.report(error('import-unreadable', statement.span, `error reading import '"${path}"': ${result.problem}`));
  return undefined;
}

/** bpftrace's measure: half of the shorter text stands in the other in one piece. */
function isSimilar(text: string, known: string): boolean {
  let common = 0;
  for (let start = 0, end = 1; end <= text.length;) {
    if (known.includes(text.slice(start, end))) {
      common = end - start;
      end += 1;
    } else start += 1;
  }
  return common > 1 && common >= Math.floor(Math.min(text.length, known.length) / 2);
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
