/** What the keyboard says: letters as they are, or a key by name (`enter`, `ctrl-a`, `alt-b`, `page-up`), or a paste. */
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'paste'; readonly text: string };

const ESCAPE = '\u001b';
const PASTE_START = `${ESCAPE}[200~`;
const PASTE_END = `${ESCAPE}[201~`;

const CONTROL: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'alt-enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u001f': 'ctrl-_',
  '\u0000': 'ctrl-space',
};

/** Final letters of CSI and SS3 sequences. */
const LETTERS: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'shift-tab',
};
/** Numbers of CSI ~ sequences. */
const NUMBERS: Readonly<Record<string, string>> = {
  1: 'home',
  3: 'delete',
  4: 'end',
  5: 'page-up',
  6: 'page-down',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
};
/** xterm's numbers for held keys, less one, as bits. */
const SHIFT = 1;
const ALT = 2;
const CTRL = 4;

const SEQUENCE = /^\u001b(?:\[\[?|O)([\d;?<=>]*)([A-Za-z~])/;
const UNFINISHED_SEQUENCE = /^\u001b(?:\[\[?[\d;?<=>]*|O)?$/;

/** Makes keys of what a terminal sends, chunk by chunk; an unfinished sequence waits for its rest. */
export class KeyDecoder {
  #rest = '';

  /** Whether an escape waits for what follows it: `flush` makes a key of it. */
  get isWaiting(): boolean {
    return this.#rest !== '' && !this.#rest.startsWith(PASTE_START);
  }

  push(chunk: string): readonly Key[] {
    const keys: Key[] = [];
    let text = this.#rest + chunk;
    this.#rest = '';
    while (text !== '') {
      const found = firstKey(text);
      if (found === undefined) {
        this.#rest = text;
        break;
      }
      if (found.key !== undefined) keys.push(found.key);
      text = text.slice(found.length);
    }
    return joinText(keys);
  }

  /** Nothing followed: the escape was the key of that name. */
  flush(): readonly Key[] {
    if (!this.isWaiting) return [];
    const [, ...letters] = this.#rest;
    this.#rest = '';
    return [{ kind: 'key', name: 'escape' }, ...letters.map((text): Key => ({ kind: 'text', text }))];
  }
}

/** The key that a text begins with; undefined when more is needed to tell. */
function firstKey(text: string): { readonly key: Key | undefined; readonly length: number } | undefined {
  if (text.startsWith(PASTE_START)) {
    const end = text.indexOf(PASTE_END);
    if (end < 0) return undefined;
    const pasted = text.slice(PASTE_START.length, end).replace(/\r\n?/g, '\n');
    return { key: { kind: 'paste', text: pasted }, length: end + PASTE_END.length };
  }
  if (text[0] === ESCAPE) return escaped(text);
  const [letter] = text;
  return { key: plain(letter!), length: letter!.length };
}

function plain(letter: string): Key {
  const name = CONTROL[letter];
  if (name !== undefined) return { kind: 'key', name };
  const code = letter.codePointAt(0)!;
  if (code < 0x20) return { kind: 'key', name: `ctrl-${String.fromCharCode(code + 0x60)}` };
  return { kind: 'text', text: letter };
}

function escaped(text: string): ReturnType<typeof firstKey> {
  if (UNFINISHED_SEQUENCE.test(text)) return undefined;
  const match = SEQUENCE.exec(text);
  if (match !== null) {
    const [whole, numbers = '', final = ''] = match;
    const [first = '', modifiers = ''] = numbers.split(';');
    const name = final === '~' ? NUMBERS[first] : LETTERS[final];
    return {
      key: name === undefined ? undefined : { kind: 'key', name: held(modifiers) + name },
      length: whole.length,
    };
  }
  if (text[1] === ESCAPE) return { key: { kind: 'key', name: 'escape' }, length: 1 };
  const [, letter] = text;
  const key = plain(letter!);
  const name = key.kind === 'key' ? key.name : key.text;
  return { key: { kind: 'key', name: name.startsWith('alt-') ? name : `alt-${name}` }, length: 1 + letter!.length };
}

function held(modifiers: string): string {
  const bits = modifiers === '' ? 0 : Number(modifiers) - 1;
  return (bits & CTRL ? 'ctrl-' : '') + (bits & ALT ? 'alt-' : '') + (bits & SHIFT ? 'shift-' : '');
}

/** Letters that came together are one text. */
function joinText(keys: readonly Key[]): readonly Key[] {
  const joined: Key[] = [];
  for (const key of keys) {
    const last = joined.at(-1);
    if (key.kind === 'text' && last?.kind === 'text')
      joined[joined.length - 1] = { kind: 'text', text: last.text + key.text };
    else joined.push(key);
  }
  return joined;
}
