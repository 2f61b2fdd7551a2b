import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSource, type Source } from '../../source/source.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';

/** A mistake that ends the command: its message, without `ERROR: `. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Script {
  readonly source: Source;
  /** `$1`, `$2`, ... */
  readonly positional: readonly string[];
  /** `--name=value` behind `--`, without the dashes. */
  readonly named: readonly string[];
}

/** Finds the script (-e, a file, or `-` for standard input) and its arguments. */
export function loadScript(config: CliConfig, operands: readonly string[], host: CliHost): Script {
  const words = config.program === undefined ? operands.slice(1) : operands;
  const argumentsOf = {
    positional: words.filter((word) => !word.startsWith('--')),
    named: words.filter((word) => word.startsWith('--')).map((word) => word.slice(2)),
  };
  if (config.program !== undefined) return { source: createSource('stdin', config.program), ...argumentsOf };
  const file = operands[0] ?? '';
  if (file === '-') return { source: createSource('stdin', host.stdin()), ...argumentsOf };
  try {
    return { source: createSource(file, readFileSync(resolve(host.directory ?? '.', file), 'utf8')), ...argumentsOf };
  } catch (error) {
    throw new CommandFailure(`failed to open file '${file}': ${reason(error)}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  ENOSPC: 'No space left on device',
  EPIPE: 'Broken pipe',
};

/** Why the file system refused, in the C library's words. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? String(error);
}
