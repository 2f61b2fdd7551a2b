import type { Terminal } from '../../src/cli/terminal.ts';

const SEQUENCE = /\u001b\[([\d;?]*)([A-Za-z])/y;

/** A terminal in memory: understands what paint() writes, and nothing else. */
export class FakeTerminal implements Terminal {
  columns: number;
  rows: number;
  isClosed = false;
  #lines: string[] = [];
  #row = 0;
  #column = 0;
  #input: (chunk: string) => void = () => undefined;
  #resized: () => void = () => undefined;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  readonly size = (): { columns: number; rows: number } => ({ columns: this.columns, rows: this.rows });
  readonly onInput = (handler: (chunk: string) => void): void => void (this.#input = handler);
  readonly onResize = (handler: () => void): void => void (this.#resized = handler);
  readonly close = (): void => void (this.isClosed = true);
  readonly write = (text: string): void => {
    for (let at = 0; at < text.length;) {
      SEQUENCE.lastIndex = at;
      const match = SEQUENCE.exec(text);
      if (match === null) {
        this.#put(String.fromCodePoint(text.codePointAt(at)!));
        at += String.fromCodePoint(text.codePointAt(at)!).length;
        continue;
      }
      this.#obey(match[1]!, match[2]!);
      at += match[0].length;
    }
  };

  type(keys: string): void {
    this.#input(keys);
  }
  resize(columns: number, rows: number): void {
    Object.assign(this, { columns, rows });
    this.#lines = [];
    this.#resized();
  }
  get screen(): string {
    return this.#lines.map((line) => line.trimEnd()).join('\n');
  }
  /** Waits until the screen shows something. */
  async shows(expected: RegExp): Promise<string> {
    for (let tries = 0; tries < 1000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (expected.test(this.screen)) return this.screen;
    }
    throw new Error(`the screen never showed ${String(expected)}:\n${this.screen}`);
  }

  #obey(numbers: string, letter: string): void {
    if (letter === 'H') [this.#row, this.#column] = numbers.split(';').map((n) => Number(n) - 1) as [number, number];
    if (letter === 'K') this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
  }
  #put(letter: string): void {
    const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + letter + line.slice(this.#column + letter.length);
    this.#column += letter.length;
    for (let row = 0; row < this.#row; row++) this.#lines[row] ??= '';
  }
}
