/** A terminal that keys are read from one by one. */
export interface Terminal {
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly write: (text: string) => void;
  readonly onInput: (handler: (chunk: string) => void) => void;
  readonly onResize: (handler: () => void) => void;
  /** Gives the terminal back as it was. */
  readonly close: () => void;
}

const ENTER = '\u001b[?1049h\u001b[2J\u001b[?2004h';
const LEAVE = '\u001b[?2004l\u001b[?1049l\u001b[?25h';

/** The terminal of this process; undefined when input or output is none, or a dumb one. */
export function openTerminal(): Terminal | undefined {
  const { stdin, stdout, env } = process;
  if (!stdin.isTTY || !stdout.isTTY || env['TERM'] === 'dumb') return undefined;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdout.write(ENTER);
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  };
  // Whatever ends the process: a shell must not be left in raw mode.
  process.once('exit', close);
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    write: (text) => void stdout.write(text),
    onInput: (handler) => void stdin.on('data', handler),
    onResize: (handler) => void stdout.on('resize', handler),
    close,
  };
}
