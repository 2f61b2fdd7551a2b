import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { compile } from '../src/pipeline/compile.ts';
import { parse } from '../src/parser/parse.ts';
import { hasErrors, type Diagnostic } from '../src/source/diagnostic.ts';
import { renderPlace } from '../src/source/render.ts';
import { createSource } from '../src/source/source.ts';

/**
 * Which scripts of other projects the front end takes: `npx tsx scripts/check-corpus.ts DIR...` with checkouts at hand, as of
 * bpftrace's tools/ and tests/self/. Prints a row a script, and what the compiler behind it says; exit code 1 when one is refused.
 */
const directories = process.argv.slice(2);
if (directories.length === 0 || !directories.every((path) => existsSync(path))) {
  console.error('usage: check-corpus.ts DIR...');
  process.exit(2);
}

const { target } = createSimulation({ scenario: 'server', seed: 1 });
const MARKS = { yes: 'yes', no: 'NO', unasked: '-' } as const;
type Mark = keyof typeof MARKS;

interface Row {
  readonly script: string;
  readonly parses: Mark;
  readonly types: Mark;
  readonly compiles: Mark;
  readonly firstError: string;
}

function describe({ span, message }: Diagnostic): string {
  const place = span === undefined ? '' : `${renderPlace(span).replace(/^.*\/([^/]*)$/, '$1')}: `;
  return `${place}${message.split('\n')[0]}`;
}

function checkScript(directory: string, path: string): Row {
  const script = relative(directory, path);
  const source = createSource(path, readFileSync(path, 'utf8'));
  const first = (diagnostics: readonly Diagnostic[]): string =>
    diagnostics.filter(({ severity }) => severity === 'error').map(describe)[0] ?? '';
  const { diagnostics } = parse(source);
  if (hasErrors(diagnostics))
    return { script, parses: 'no', types: 'unasked', compiles: 'unasked', firstError: first(diagnostics) };
  const compiled = compile({ source, target, unsafe: true });
  return {
    script,
    parses: 'yes',
    types: compiled.typed === undefined ? 'no' : 'yes',
    compiles: compiled.typed === undefined ? 'unasked' : compiled.verified === undefined ? 'no' : 'yes',
    firstError: first(compiled.diagnostics),
  };
}

let refused = 0;
for (const directory of directories) {
  const scripts = statSync(directory).isDirectory()
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bt'))
    : [''];
  const rows = scripts.sort().map((name) => checkScript(directory, join(directory, name)));
  const width = Math.max(...rows.map(({ script }) => script.length), 'script'.length);
  console.log(`\n${directory}\n${'script'.padEnd(width)}  parses  types  compiles  first error`);
  for (const { script, parses, types, compiles, firstError } of rows)
    console.log(
      `${script.padEnd(width)}  ${MARKS[parses].padEnd(6)}  ${MARKS[types].padEnd(5)}  ${MARKS[compiles].padEnd(8)}  ${firstError}`.trimEnd(),
    );
  const count = (is: (row: Row) => boolean): number => rows.filter(is).length;
  const typed = count(({ types }) => types === 'yes');
  const compiled = count(({ compiles }) => compiles === 'yes');
  console.log(
    `${rows.length} scripts: ${count(({ parses }) => parses === 'yes')} parse, ${typed} type-check, ${compiled} compile and verify`,
  );
  refused += rows.length - typed;
}
process.exit(refused === 0 ? 0 : 1);
