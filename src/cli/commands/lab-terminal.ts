import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { LabSession } from '../../pipeline/lab.ts';

/** The two ends of a terminal. */
export interface TerminalStreams {
  readonly input: Readable;
  readonly output: Writable;
}

const GREETING = "A simulated machine, and you are root on it. 'help' says what there is, Ctrl-D leaves.\n";
const HOME = '/root';
const GREEN = '\u001b[1;32m';
const BLUE = '\u001b[1;34m';
const PLAIN = '\u001b[0m';

/** `lab:~# `, as shells have it that know where they are. */
export function labPrompt(text: string, directory: string, colors: boolean): string {
  // Only the first prompt of a command has the directory.
  if (text !== 'lab# ') return text;
  const isHome = directory === HOME || directory.startsWith(`${HOME}/`);
  const place = isHome ? `~${directory.slice(HOME.length)}` : directory;
  return colors ? `${GREEN}lab${PLAIN}:${BLUE}${place}${PLAIN}# ` : `lab:${place}# `;
}

/** Lines that somebody edits at a terminal, with history, completion, Ctrl-C and Ctrl-D. */
export class LabTerminal {
  readonly #lines: Interface;
  readonly #colors: boolean;
  readonly #typed: (string | null)[] = [];
  #session: LabSession | undefined;
  #wake: () => void = () => undefined;
  #prompt = '';
  /** A line is being edited. */
  #isEditing = false;

  constructor({ input, output }: TerminalStreams, colors: boolean) {
    this.#colors = colors;
    this.#lines = createInterface({
      input,
      output,
      terminal: true,
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string): [string[], string] => {
        const { word, matches } = this.#session?.complete(line) ?? { word: '', matches: [] };
        return [[...matches], word];
      },
    });
    // The machine's text is bytes.
    this.#lines.on('line', (line) => this.#take(`${Buffer.from(line).toString('latin1')}\n`));
    this.#lines.on('close', () => this.#take(null));
    this.#lines.on('SIGINT', () => this.#interrupt());
    // A machine that stops in the middle would be of no use in the background.
    this.#lines.on('SIGTSTP', () => undefined);
    output.write(GREETING);
  }

  /** The shell wants a line and says what stands before it. */
  readonly onPrompt = (text: string, directory: string): void => {
    this.#prompt = labPrompt(text, directory, this.#colors);
  };

  /** Runs the session until it is left. */
  async converse(session: LabSession): Promise<number> {
    this.#session = session;
    await session.run();
    while (session.exitCode === undefined && session.isWaiting) {
      const line = await this.#nextLine();
      session.feed(line);
      await session.run();
    }
    this.#lines.close();
    return session.exitCode ?? 0;
  }

  async #nextLine(): Promise<string | null> {
    if (this.#typed.length === 0) {
      this.#lines.setPrompt(this.#prompt);
      this.#isEditing = true;
      // What was typed while a command ran stays.
      this.#lines.prompt(true);
      while (this.#typed.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#isEditing = false;
    }
    return this.#typed.shift() ?? null;
  }
  #take(line: string | null): void {
    this.#typed.push(line);
    this.#wake();
  }
  #interrupt(): void {
    const lines = this.#lines;
    const session = this.#session;
    if (session === undefined) return;
    // Lines that were typed ahead are forgotten, too.
    this.#typed.length = 0;
    this.#write('^C\n');
    // Node leaves the line as it is; a terminal forgets what was typed.
    if (lines.line !== '') {
      lines.setPrompt('');
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
    }
    session.interrupt();
    if (this.#isEditing) this.#take('');
  }
  #write(text: string): void {
    (this.#lines as Interface & { readonly output: Writable }).output.write(text);
  }
}
