import { describe, expect, test } from 'vitest';
import type { ImportEntry } from '../../src/typecheck/imports.ts';
import { checkText, mapTypes, messages } from './check-text.ts';

const FILES: Readonly<Record<string, string>> = {
  'twice.bt': 'macro twice(x) { x * 2 }',
  'first.bt': 'begin { @ = 1 } begin { @ = 2 }',
  'ring.bt': 'import "ring.bt"; import "twice.bt"; macro four(x) { twice(twice(x)) }',
  'point.h': '#define LIMIT 300\nstruct point { int x; long y; };',
  'config.bt': 'config = { max_strlen = 9 } begin {}',
  'wrong.bt': 'begin { $x = ; }',
  'undefined.bt': 'begin { print($nothing); }',
  'loop.bt': 'begin { $i = 0; while ($i < 3) { $i++ } }',
  'notes.txt': 'notes',
  'code.bpf.c': 'int f(void) { return 1; }',
  'lib/a.bt': 'macro a() { 1 }',
  'lib/b.bt': 'macro b() { 1000 }',
  'lib/notes.txt': 'notes',
  'lib/inner/c.bt': 'macro c() { 3 }',
  'open/x.bt': 'macro x() { 1 }',
  'shared/open.bt': 'macro open() { 1 }',
};
const FOLDERS = ['lib', 'lib/inner', 'shared'];
const WRITABLE = new Set(['open/x.bt', 'shared/open.bt']);

function readImport(path: string): ImportEntry | undefined {
  const text = FILES[path];
  if (text !== undefined) return { worldWritable: WRITABLE.has(path), read: () => ({ text }) };
  if (path === 'locked.bt') return { worldWritable: false, read: () => ({ problem: 'Permission denied' }) };
  if (!FOLDERS.includes(path)) return undefined;
  const names = [...Object.keys(FILES), ...FOLDERS].filter((name) => name.startsWith(`${path}/`));
  const entries = names.map((name) => name.slice(path.length + 1)).filter((name) => !name.includes('/'));
  return { worldWritable: false, entries, read: () => ({ problem: 'Is a directory' }) };
}

describe('import', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['import "twice.bt"; begin { @a = twice(100); }', { '@a': 'int16' }],
    ['import "ring.bt"; begin { @a = four(100); }', { '@a': 'int16' }],
    ['import "point.h"; begin { @a = LIMIT; @b = sizeof(struct point); }', { '@a': 'int16', '@b': 'int8' }],
    ['import "lib"; begin { @a = a(); @b = b(); }', { '@a': 'int8', '@b': 'int16' }],
    ['import "stdlib"; import "stdlib/strings"; begin { @a = strlen("x"); }', { '@a': 'uint64' }],
    ['import "twice.bt"; import "twice.bt"; begin { @a = twice(1); }', { '@a': 'int8' }],
  ])('%s sees what the files define', (text, expected) => {
    expect(mapTypes(text, { readImport })).toMatchObject(expected);
  });

  test('probes of an imported script come first, the last of them before all', () => {
    const { typed } = checkText('import "first.bt"; begin { @ = 3 }', { readImport });
    expect(typed!.probes.map(({ body }) => body.statements[0])).toMatchObject(
      [2n, 1n, 3n].map((value) => ({ value: { value } })),
    );
  });

  test.each<[string, readonly string[]]>([
    ['import "nowhere.bt"; begin {}', ['error at import "nowhere.bt": Unable to find suitable path for import']],
    ['import "notes.txt"; begin {}', ['error at import "notes.txt": unknown import type: "notes.txt"']],
    ['import "lib"; begin { @ = c() }', ["error at c(): Unknown function: 'c'"]],
    [
      'import "code.bpf.c"; begin {}',
      ['error at import "code.bpf.c": importing compiled BPF code is not supported: "code.bpf.c"'],
    ],
    [
      'import "locked.bt"; begin {}',
      ['error at import "locked.bt": error reading import \'"locked.bt"\': Permission denied'],
    ],
    ['import "wrong.bt"; begin {}', ['error at ;: syntax: expected expression']],
    ['import "undefined.bt"; begin {}', ['error at $nothing: Undefined or undeclared variable: $nothing']],
    ['import "config.bt"; begin {}', ['error at config = { max_strlen = 9 }: invalid `config` within import']],
    [
      'import "open/x.bt"; begin {}',
      [
        'error at import "open/x.bt": Unable to find suitable path for import',
        'warning at import "open/x.bt": skipping due to global write permissions: "open/x.bt"',
      ],
    ],
    [
      'import "shared"; begin {}',
      [
        'error at import "shared": cowardly refusing to import from a directory with global write permissions: "shared/open.bt"',
      ],
    ],
    [
      'begin { import "point.h"; }',
      [
        'error at import "point.h": Import statements that are not at the top level are primarily for the standard library. ' +
          'If this is functionality you need, please file an issue to explain why.',
      ],
    ],
    [
      'config = { unstable_import_statement = enable } begin { import "twice.bt"; }',
      [
        'error at import "twice.bt": Import statements that are not at the root are limited to specific ' +
          'object (.o), header (.h), or C source (.c or bpf.c) files',
      ],
    ],
  ])('%s is refused', (text, expected) => {
    expect(messages(text, { readImport })).toEqual(expected);
  });

  test('what the language warns of, it warns of in imported scripts, too', () => {
    expect(messages('import "loop.bt"; begin {}', { readImport }).join()).toContain('While loops are deprecated');
  });

  test('similar names of the library are hints', () => {
    expect(checkText('import "stdlib/tas"; begin {}').diagnostics[0]!.hints).toEqual([
      'checked: stdlib/tas',
      'similar to builtins: stdlib/task/task.bpf.c,stdlib/task/vma.bpf.c',
    ]);
  });

  test('without a reader there is nothing to import but the library', () => {
    expect(messages('import "twice.bt"; import "stdlib/map"; begin {}')).toEqual([
      'error at import "twice.bt": Unable to find suitable path for import',
    ]);
  });
});
