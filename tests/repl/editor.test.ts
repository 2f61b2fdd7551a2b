import { expect, test } from 'vitest';
import { EDITS, EMPTY_EDITOR, insert, newline, type EditName, type Editor } from '../../src/repl/model/editor.ts';
import { isWhole } from '../../src/repl/model/brackets.ts';

/** A text with its cursor as `|`. */
function editorOf(marked: string): Editor {
  const cursor = marked.indexOf('|');
  return { ...EMPTY_EDITOR, text: marked.slice(0, cursor) + marked.slice(cursor + 1), cursor, clipboard: 'CUT' };
}
const marked = ({ text, cursor }: Editor): string => `${text.slice(0, cursor)}|${text.slice(cursor)}`;

test.each<[EditName, string, string]>([
  ['left', 'ab|c', 'a|bc'],
  ['left', '|abc', '|abc'],
  ['left', 'a😀|', 'a|😀'],
  ['right', 'a|😀b', 'a😀|b'],
  ['up', 'abc\nde|f', 'ab|c\ndef'],
  ['up', 'a\nb\nlonger|', 'a\nb|\nlonger'],
  ['down', 'abc|\nd\nef', 'abc\nd|\nef'],
  ['wordLeft', 'kprobe:vfs_read  |{', 'kprobe:|vfs_read  {'],
  ['wordRight', 'kprobe|:vfs_read', 'kprobe:|vfs_read'],
  ['lineStart', 'a\nbc|d', 'a\n|bcd'],
  ['lineEnd', 'a|b\nc', 'ab|\nc'],
  ['backspace', 'ab|c', 'a|c'],
  ['backspace', 'a😀|', 'a|'],
  ['delete', 'a|bc', 'a|c'],
  ['cutWord', 'let comm|x', 'let |x'],
  ['cutToEnd', 'a|bc\nd', 'a|\nd'],
  ['cutToEnd', 'a|\nd', 'a|d'],
  ['cutToStart', 'x\nab|c', 'x\n|c'],
  ['paste', 'a|b', 'aCUT|b'],
  ['undo', 'a|b', 'a|b'],
])('%s makes %j %j', (name, before, after) => {
  expect(marked(EDITS[name](editorOf(before)))).toBe(after);
});

test('what was cut is pasted', () => {
  expect(marked(EDITS.paste(EDITS.cutToStart(editorOf('abc|d'))))).toBe('abc|d');
});

test('changes are undone one by one', () => {
  const changed = insert(insert(editorOf('a|'), 'b'), 'c');
  expect([EDITS.undo(changed), EDITS.undo(EDITS.undo(changed))].map(marked)).toEqual(['ab|', 'a|']);
});

test('a new line is as far in as its block, and the closing brace comes back', () => {
  const inBlock = newline(editorOf('kprobe:f {|'));
  expect(marked(inBlock)).toBe('kprobe:f {\n  |');
  const deeper = newline(insert(inBlock, 'if (1) {'));
  expect(marked(deeper)).toBe('kprobe:f {\n  if (1) {\n    |');
  expect(marked(insert(deeper, '}'))).toBe('kprobe:f {\n  if (1) {\n  }|');
});

test.each<[boolean, string]>([
  [true, 'kprobe:vfs_read { @ = count(); }'],
  [true, 'BEGIN{} // done'],
  [true, 'kprobe:f /pid == 1/ { @[comm] = 1 }\nend { }'],
  [true, ':help'],
  [false, 'kprobe:vfs_read'],
  [false, 'kprobe:vfs_read {'],
  [false, 'kprobe:vfs_read { printf("}") '],
  [false, 'kprobe:vfs_read { @a[1 }'],
  [false, 'config = { max_strlen = 9 }'],
  [false, 'begin { /* } '],
  [false, 'begin { } kprobe:f'],
  [false, ''],
])('that a script is finished is %s of %j', (whole, text) => {
  expect(isWhole(text)).toBe(whole);
});
