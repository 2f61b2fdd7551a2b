import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

/** Who may import whom; a new edge is a reviewed change of this table. */
const HUBS = ['source', 'isa', 'btf', 'abi', 'ast', 'lang'] as const;
const MAY_IMPORT: Record<string, readonly string[]> = {
  source: [],
  isa: [],
  btf: [],
  abi: ['isa', 'btf'],
  ast: ['source'],
  lang: ['source', 'ast', 'abi', 'btf'],
  lexer: ['source', 'lang'],
  parser: ['source', 'lang', 'ast', 'lexer'],
  typecheck: ['source', 'ast', 'lang', 'abi', 'btf'],
  bytecode: ['source', 'ast', 'lang', 'abi', 'btf', 'isa'],
  verifier: ['isa', 'abi', 'btf'],
  jit: ['isa', 'abi'],
  object: ['isa', 'abi', 'btf'],
  simkernel: ['btf', 'source'],
  runtime: ['isa', 'abi', 'btf', 'lang', 'verifier', 'jit', 'simkernel', 'source'],
  pipeline: [
    'source',
    'isa',
    'btf',
    'abi',
    'ast',
    'lang',
    'lexer',
    'parser',
    'typecheck',
    'bytecode',
    'verifier',
    'object',
    'simkernel',
    'runtime',
  ],
  repl: ['source', 'lang', 'pipeline'],
  cli: ['source', 'pipeline', 'repl'],
};

/** Packages, and the only folders that may use them. */
const PACKAGES: Record<string, readonly string[]> = {
  chevrotain: ['lexer', 'parser'],
  ink: ['repl'],
  react: ['repl'],
  commander: ['cli'],
  diff: ['cli'],
  yaml: ['pipeline'],
  'node:': ['cli', 'pipeline'],
};

const root = join(import.meta.dirname, '..');

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(directory, name));
}

function importsOf(file: string): Import[] {
  const path = file.slice(root.length + 1).split(sep);
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s*'([^']+)'/g,
  );
  return [...found].map((match) => ({
    file: path.join('/'),
    folder: path[1]!,
    specifier: (match[1] ?? match[2] ?? match[3])!,
  }));
}

const imports = sourceFiles(join(root, 'src')).flatMap(importsOf);

test('every folder of src stands in the import table', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  expect(folders.filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
});

test('folders import only whom the table allows', () => {
  const violations = imports.flatMap(({ file, folder, specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const target = normalize(join(dirname(file), specifier)).split(sep);
    if (target[0] !== 'src') return [`${file} imports ${specifier} outside src`];
    const to = target[1]!;
    return to === folder || MAY_IMPORT[folder]!.includes(to) ? [] : [`${file} imports ${to}`];
  });
  expect(violations).toEqual([]);
});

test('packages are used only in the folders that own them', () => {
  const violations = imports.flatMap(({ file, folder, specifier }) => {
    if (specifier.startsWith('.')) return [];
    const owner = Object.keys(PACKAGES).find(
      (name) => specifier === name || specifier.startsWith(name.endsWith(':') ? name : `${name}/`),
    );
    if (owner === undefined) return [`${file} uses ${specifier}, which the table does not know`];
    return PACKAGES[owner]!.includes(folder) ? [] : [`${file} uses ${specifier}`];
  });
  expect(violations).toEqual([]);
});

test('the import table has no cycle', () => {
  const sorted: string[] = [];
  const visit = (folder: string, path: readonly string[]): void => {
    expect(path, `cycle through ${folder}`).not.toContain(folder);
    for (const next of MAY_IMPORT[folder]!) visit(next, [...path, folder]);
    if (!sorted.includes(folder)) sorted.push(folder);
  };
  for (const folder of Object.keys(MAY_IMPORT)) visit(folder, []);
  expect(sorted).toHaveLength(Object.keys(MAY_IMPORT).length);
});

test('a folder that is no hub has at most two importers', () => {
  const hubs: readonly string[] = HUBS;
  for (const folder of Object.keys(MAY_IMPORT)) {
    if (hubs.includes(folder)) continue;
    const importers = Object.entries(MAY_IMPORT)
      .filter(([, targets]) => targets.includes(folder))
      .map(([name]) => name);
    expect(importers.length, `${folder} is imported by ${importers.join(', ')}`).toBeLessThanOrEqual(2);
  }
});

test('source paths named in documents exist', () => {
  const documents = ['', 'docs/'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name),
  );
  const missing = documents.flatMap((name) =>
    [...readFileSync(join(root, name), 'utf8').matchAll(/\b(?:src|tests|bench|scripts|examples)\/[\w./-]*\w/g)]
      .map((match) => match[0])
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${name}: ${path}`),
  );
  expect(missing).toEqual([]);
});
