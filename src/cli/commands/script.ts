import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSource, type Source } from '../../source/source.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';

export interface Script {
  readonly source: Source;
  /** `$1`, `$2`, ... */
  readonly positional: readonly string[];
  /** `--name=value` behind `--`, without the dashes. */
  readonly named: readonly string[];
}

/** Finds the script (-e, a file, or `-` for standard input) and its arguments; a string is the message of a mistake. */
export function loadScript(config: CliConfig, operands: readonly string[], host: CliHost): Script | string {
  const file = config.program === undefined ? operands[0] : undefined;
  const words = config.program === undefined ? operands.slice(1) : operands;
  const argumentsOf = {
    positional: words.filter((word) => !word.startsWith('--')),
    named: words.filter((word) => word.startsWith('--')).map((word) => word.slice(2)),
  };
  if (config.program !== undefined) return { source: createSource('stdin', config.program), ...argumentsOf };
  if (file === undefined) return "USAGE: filename or -e 'program' required.";
  if (file === '-') return { source: createSource('stdin', host.stdin()), ...argumentsOf };
  try {
    return { source: createSource(file, readFileSync(resolve(host.directory ?? '.', file), 'utf8')), ...argumentsOf };
  } catch (error) {
    return `failed to open file '${file}': ${reason(error)}`;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
};

export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? String(error);
}
