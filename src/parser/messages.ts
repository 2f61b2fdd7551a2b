import { template } from '../source/diagnostic.ts';

/** All mistakes of syntax; bpftrace marks each with the word `syntax`. */
export const syntaxError = template('syntax', 'error', (message: string) => `syntax: ${message}`);
