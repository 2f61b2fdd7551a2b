import { fstatSync, writeSync } from 'node:fs';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
/** How long a full pipe is left alone before it is tried again. */
const RETRY_MS = 1;

/** Writes all of it before it returns, in however many pieces the system takes it. */
export function writeWhole(descriptor: number, output: Uint8Array | string): void {
  let rest = typeof output === 'string' ? Buffer.from(output) : output;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/**
 * Writes to an output of the process. `process.stdout` would do as well, but takes Node's network code into every start,
 * and orders the two outputs by chance.
 */
function write(descriptor: number, output: Uint8Array | string): void {
  try {
    writeWhole(descriptor, output);
  } catch (error) {
    // `| head` closes the pipe early: that ends the run, it is no mistake.
    process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1);
  }
}

export const writeOutput = (output: Uint8Array | string): void => write(STDOUT, output);
export const writeError = (output: Uint8Array | string): void => write(STDERR, output);

/** Asking Node about terminals loads the network code too. */
function isTerminal(descriptor: number): boolean {
  return fstatSync(descriptor).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(descriptor);
}

/** Whether both outputs go to a terminal. */
export const areTerminals = (): boolean => [STDOUT, STDERR].every(isTerminal);
/** Whether somebody types the input. */
export const isKeyboard = (): boolean => isTerminal(STDIN);
