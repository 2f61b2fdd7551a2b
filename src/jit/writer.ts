/** Collects generated JavaScript, indented. */
export interface Writer {
  /** One or more lines at the current depth. */
  readonly line: (text: string) => void;
  /** `head {`, what `body` writes one level deeper, `}`. */
  readonly block: (head: string, body: () => void) => void;
  readonly text: () => string;
}

/** A writer that starts at `depth` levels of indentation. */
export function createWriter(depth = 0): Writer {
  const lines: string[] = [];
  let level = depth;
  const line = (text: string): void => {
    lines.push('  '.repeat(level) + text);
  };
  return {
    line,
    block(head, body) {
      line(`${head} {`);
      level++;
      body();
      level--;
      line('}');
    },
    text: () => lines.map((text) => text + '\n').join(''),
  };
}
