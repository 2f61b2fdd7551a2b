import { bytesToText, byteText } from './byte-text.ts';
import { createTextOutput } from './text-output.ts';
import type { Output } from './output.ts';

/** Text output that is kept instead of written, and the errors in it counted. */
export function captureOutput(): {
  readonly output: Output;
  readonly errors: () => number;
  /** Both streams, in the order of their writes, as byte text. */
  readonly text: () => string;
} {
  let text = '';
  let errors = 0;
  const inner = createTextOutput({
    stdout: (bytes) => (text += bytesToText(bytes)),
    stderr: (line) => (text += byteText(line)),
  });
  return {
    output: {
      ...inner,
      message(severity, message, span) {
        if (severity === 'error') errors++;
        inner.message(severity, message, span);
      },
      runtimeError(error, span) {
        errors++;
        inner.runtimeError(error, span);
      },
    },
    errors: () => errors,
    text: () => text,
  };
}
