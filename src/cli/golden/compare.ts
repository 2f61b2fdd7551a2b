import { structuredPatch } from 'diff';
import type { Expected } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** One way in which a run was not as recorded; `lines` are those of a unified diff. */
export interface Difference {
  readonly what: 'stdout' | 'stderr' | 'exit code' | 'no expectation' | 'no result';
  readonly lines: readonly string[];
}

const CONTEXT_LINES = 3;

/** Lines of a unified diff from what was recorded to what was printed. */
function unifiedDiff(ending: string, expected: Buffer, actual: Buffer): readonly string[] {
  const patch = structuredPatch('', '', expected.toString(), actual.toString(), '', '', { context: CONTEXT_LINES });
  const hunks = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  // Bytes that are no text can differ where their text does not.
  return [
    `--- recorded${ending}`,
    `+++ printed${ending}`,
    ...(hunks.length > 0 ? hunks : ['@@ bytes that are no UTF-8 differ @@']),
  ];
}

/** How a run differs from what was recorded; empty if it does not. */
export function compareCase(expected: Expected | undefined, result: CaseResult): readonly Difference[] {
  if (expected === undefined) return [{ what: 'no expectation', lines: ['--update records one'] }];
  const differences: Difference[] = [];
  if (!expected.stdout.equals(result.stdout))
    differences.push({ what: 'stdout', lines: unifiedDiff('.out', expected.stdout, result.stdout) });
  if (expected.stderr !== undefined && !expected.stderr.equals(result.stderr))
    differences.push({ what: 'stderr', lines: unifiedDiff('.err', expected.stderr, result.stderr) });
  if (expected.exitCode !== result.exitCode) {
    const lines = [`-${expected.exitCode}`, `+${result.exitCode}`];
    // Why it ended otherwise usually stands in a stream that nobody compares.
    const reason = expected.stderr === undefined ? result.stderr.toString().split('\n', 10) : [];
    differences.push({ what: 'exit code', lines: [...lines, ...reason.filter((line) => line !== '')] });
  }
  return differences;
}
