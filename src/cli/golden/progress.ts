import type { CliHost } from '../host.ts';

const WIDTH = 30;
const ERASE_LINE = '\r\u001b[K';

/** A bar on a terminal's standard error; silent elsewhere. */
export function progressBar(
  { isTerminal, stderr }: CliHost,
  total: number,
): { readonly advance: () => void; readonly clear: () => void } {
  if (!isTerminal) return { advance: () => undefined, clear: () => undefined };
  let done = 0;
  return {
    advance() {
      done++;
      const filled = Math.round((done / total) * WIDTH);
      stderr(`${ERASE_LINE}[${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${done}/${total}`);
    },
    clear: () => stderr(ERASE_LINE),
  };
}
