import { describe, expect, test } from 'vitest';
import { KeyDecoder } from '../../src/repl/model/keys.ts';

/** Keys as words, texts in quotes. */
function decode(...chunks: readonly string[]): string {
  const decoder = new KeyDecoder();
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.flush()]
    .map((key) =>
      key.kind === 'key' ? key.name : `${key.kind === 'paste' ? 'paste ' : ''}${JSON.stringify(key.text)}`,
    )
    .join(' ');
}

test.each([
  ['abc', '"abc"'],
  ['a\r', '"a" enter'],
  ['\t\u001b[Z', 'tab shift-tab'],
  ['\u007f\b', 'backspace backspace'],
  ['\u0001\u0005\u0003', 'ctrl-a ctrl-e ctrl-c'],
  ['\u001b[A\u001bOB\u001b[C', 'up down right'],
  ['\u001b[5~\u001b[6~\u001b[3~', 'page-up page-down delete'],
  ['\u001bOP\u001b[15~\u001b[[A', 'f1 f5 up'],
  ['\u001b[1;5D\u001b[1;3C', 'ctrl-left alt-right'],
  ['\u001bb\u001b\r\u001b\u007f', 'alt-b alt-enter alt-backspace'],
  ['\n', 'alt-enter'],
  ['\u001b[200~a\r\nb\u001b[201~c', 'paste "a\\nb" "c"'],
  ['\u001b[?1;2c', ''],
  ['é€😀', '"é€😀"'],
  ['\u001b', 'escape'],
  ['\u001b\u001b[A', 'escape up'],
])('%j is %s', (input, keys) => {
  expect(decode(input)).toBe(keys);
});

describe('a sequence that arrives in pieces', () => {
  test.each([
    [['\u001b', '[A'], 'up'],
    [['\u001b[', '5', '~x'], 'page-up "x"'],
    [['\u001b[200~ab', 'c\u001b[2', '01~'], 'paste "abc"'],
  ])('%j is %s', (chunks, keys) => {
    expect(decode(...chunks)).toBe(keys);
  });

  test('waits only as long as nobody says that nothing follows', () => {
    const decoder = new KeyDecoder();
    expect(decoder.push('\u001b')).toEqual([]);
    expect(decoder.isWaiting).toBe(true);
    expect(decoder.flush()).toEqual([{ kind: 'key', name: 'escape' }]);
    expect(decoder.isWaiting).toBe(false);
  });
});
