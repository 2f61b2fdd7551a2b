import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { GoldenCase } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** Records what a run printed. Standard error is recorded where it was before, and for scripts without any record. */
export function recordCase({ base }: GoldenCase, { stdout, stderr, exitCode }: CaseResult): void {
  if (existsSync(`${base}.err`) || !existsSync(`${base}.out`)) writeFileSync(`${base}.err`, stderr);
  writeFileSync(`${base}.out`, stdout);
  if (exitCode === 0) rmSync(`${base}.rc`, { force: true });
  else writeFileSync(`${base}.rc`, `${exitCode}\n`);
}
