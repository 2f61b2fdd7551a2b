import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CliHost } from '../host.ts';
import { CommandFailure, reason } from './script.ts';

/** Writes a whole file of results. */
export function writeFile(path: string, bytes: Uint8Array | string, host: CliHost): void {
  try {
    writeFileSync(resolve(host.directory ?? '.', path), bytes);
  } catch (error) {
    throw new CommandFailure(`Failed to open output file: "${path}": ${reason(error)}`);
  }
}
