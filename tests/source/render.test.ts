import { expect, test } from 'vitest';
import { createSource } from '../../src/source/source.ts';
import { template, withHint, withRelated } from '../../src/source/diagnostic.ts';
import { renderDiagnostics } from '../../src/source/render.ts';

const wrong = template('wrong', 'error', (what: string) => `wrong ${what}`);
const odd = template('odd', 'warning', () => 'odd');
const source = createSource('a.bt', 'begin {\n\t$x = "é" + 1;\n}\n');
const at = (text: string) => {
  const start = source.text.indexOf(text);
  return { source, start, end: start + text.length };
};

test('marks the place under its line, tabs as four blanks and columns in bytes', () => {
  expect(renderDiagnostics([wrong(at('1'), 'one')])).toBe(
    'a.bt:2:14-15: ERROR: wrong one\n    $x = "é" + 1;\n                ~\n',
  );
});

test('shows every line of a place that covers several', () => {
  expect(renderDiagnostics([wrong(at('{\n\t$x'), 'block')])).toBe(
    'a.bt:1-2: ERROR: wrong block\nbegin {\n\t$x = "é" + 1;\n',
  );
});

test('prints related places before hints, and where macros were called after them', () => {
  const span = { ...at('$x'), expandedFrom: at('begin') };
  const diagnostic = withHint(withRelated(wrong(span, 'variable'), 'left', at('"é"')), 'mend it');
  expect(
    renderDiagnostics([diagnostic])
      .split('\n')
      .filter((line) => /[A-Z]+: |expanded/.test(line)),
  ).toEqual([
    'a.bt:2:2-4: ERROR: wrong variable',
    'a.bt:2:7-11: ERROR: left',
    'HINT: mend it',
    'a.bt:1:1-6: ERROR: expanded from',
  ]);
});

test('prints errors before warnings, and no warnings on request', () => {
  const both = [odd(at('1')), wrong(undefined, 'order')];
  expect(renderDiagnostics(both)).toMatch(/^ERROR: wrong order\na\.bt:2:14-15: WARNING: odd\n/);
  expect(renderDiagnostics(both, { warnings: false })).toBe('ERROR: wrong order\n');
});

test('colours only the message', () => {
  expect(renderDiagnostics([wrong(undefined, 'colour')], { color: true })).toBe('\x1b[31mERROR: wrong colour\x1b[0m\n');
  expect(renderDiagnostics([odd(undefined)], { color: true })).toBe('\x1b[33mWARNING: odd\x1b[0m\n');
});

test('a place at the end of the text shows an empty line', () => {
  const end = source.text.length;
  expect(renderDiagnostics([wrong({ source, start: end, end }, 'end')])).toBe('a.bt:4:1-1: ERROR: wrong end\n\n\n');
});
